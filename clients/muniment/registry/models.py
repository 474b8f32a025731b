"""Projects and models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from google.protobuf.field_mask_pb2 import FieldMask

from muniment.errors import NameTaken
from muniment.names import ModelName
from muniment.registry.session import Session, built, new_request_id, sendable
from muniment.v1 import catalog_pb2
from muniment.v1 import metadata_service_pb2 as pb
from muniment.values import Model, Project


def list_models(session: Session) -> Iterator[Model]:
    request = pb.ListModelsRequest(parent=session.project.text)
    return map(Model.of, session.calls.pages(session.metadata.ListModels, request, "models"))


def get_model(session: Session, model: str) -> Model:
    name = session.model(model)
    return Model.of(session.calls.unary(session.metadata.GetModel, pb.GetModelRequest(name=name.text)))


def create_model(session: Session, name: ModelName, *, description: str = "", request_id: str = "") -> Model:
    request = built(
        pb.CreateModelRequest,
        parent=f"projects/{name.project}",
        model_id=name.model,
        model=built(catalog_pb2.Model, description=description),
        request_id=request_id or new_request_id(),
    )
    return Model.of(session.calls.unary(session.metadata.CreateModel, request))


def ensure_model(session: Session, name: ModelName, *, request_id: str) -> NameTaken | None:
    """Create a model unless somebody else just did; then the refusal is returned, for it may mean another name."""
    try:
        create_model(session, name, request_id=request_id)
    except NameTaken as error:
        return error
    return None


def update_model(
    session: Session,
    model: str,
    *,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    etag: str = "",
) -> Model:
    request = built(
        pb.UpdateModelRequest,
        name=session.model(model).text,
        model=built(catalog_pb2.Model, description=description or "", tags=kept_tags(tags)),
        update_mask=changes(description, tags),
        etag=etag,
        request_id=new_request_id(),
    )
    return Model.of(session.calls.unary(session.metadata.UpdateModel, request))


def delete_model(session: Session, model: str, *, etag: str) -> Model:
    request = pb.DeleteModelRequest(name=session.model(model).text, etag=etag, request_id=new_request_id())
    return Model.of(session.calls.unary(session.metadata.DeleteModel, request))


def list_projects(session: Session) -> Iterator[Project]:
    return map(
        Project.of, session.calls.pages(session.metadata.ListProjects, pb.ListProjectsRequest(), "projects")
    )


def create_project(session: Session, name: str, *, description: str = "") -> Project:
    request = built(
        pb.CreateProjectRequest,
        project_id=name,
        project=built(catalog_pb2.Project, description=description),
        request_id=new_request_id(),
    )
    return Project.of(session.calls.unary(session.metadata.CreateProject, request))


def kept_tags(tags: Mapping[str, str | None] | None) -> dict[str, str]:
    """The tags to set; those that are None are to go."""
    with sendable("tags"):
        return {key: str(value) for key, value in (tags or {}).items() if value is not None}


def changes(description: str | None, tags: Mapping[str, str | None] | None) -> FieldMask:
    """What is to be changed: one path per tag, so that others are left alone."""
    paths = ["description"] if description is not None else []
    return built(FieldMask, paths=paths + [f"tags.{key}" for key in tags or {}])
