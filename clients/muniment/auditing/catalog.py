"""What a registry answers about projects and models, against the state its ledger implies.

Compared is what is listed as it is now: projects, models, versions with what is frozen of them and every value of
their metrics, aliases, stages; :mod:`muniment.auditing.reports` and :mod:`muniment.auditing.access` add
deployments and tokens. Not compared are bytes, which are hashed whenever they are pulled; how stages and aliases
moved, which the entries tell anyway; predictions, which receipts prove; and models that were deleted.
``muniment-server fsck`` compares these, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from muniment.auditing.difference import differences, differs, labels_of, last_part, short, time_of
from muniment.auditing.versions import version_differences
from muniment.ledger.fold import Fold, ModelKey
from muniment.ledger.state import DELETED, ModelState
from muniment.registry.session import Session
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2

_PAGE = 1_000


def models_of(session: Session, project: str) -> dict[ModelKey, Any]:
    """The models of a project that are in use, as the registry lists them."""
    request = pb.ListModelsRequest(parent=f"projects/{project}", page_size=_PAGE)
    found = session.calls.pages(session.metadata.ListModels, request, "models")
    return {(project, last_part(model.name)): model for model in found}


def project_differences(session: Session, fold: Fold) -> Iterator[str]:
    """Projects that are listed otherwise than the ledger tells."""
    listed = session.calls.pages(
        session.metadata.ListProjects, pb.ListProjectsRequest(page_size=_PAGE), "projects"
    )
    missing = set(fold.projects)
    for project in listed:
        name = last_part(project.name)
        state = fold.projects.get(name)
        if state is None:
            yield f"project {name} is listed, while the ledger does not tell of it"
            continue
        missing.discard(name)
        yield from differences(
            f"project {name}",
            (
                ("stages", list(project.stages), list(state.stages)),
                ("description", labels_of(project), state.labels),
                ("create_time", time_of(project.create_time), state.create_time),
                ("etag", project.etag, f"r{state.revision}"),
            ),
        )
    for name in sorted(missing):
        yield f"project {name} is not listed, while the ledger tells of it"


def model_differences(session: Session, key: ModelKey, listed: Any, state: ModelState | None) -> list[str]:
    """What the registry says of a model otherwise than the ledger; ``listed`` is None if it lists none."""
    name = "/".join(key)
    if state is None or state.state == DELETED:
        told = "does not tell of it" if state is None else "says that it was deleted"
        return [f"model {name} is listed, while the ledger {told}"] if listed is not None else []
    if listed is None:
        return [f"model {name} is not listed, while the ledger tells of it"]
    resource = f"projects/{key[0]}/models/{key[1]}"
    columns = (
        ("latest_number", listed.latest_number, len(state.versions)),
        ("description and tags", labels_of(listed), state.labels),
        ("creator", listed.creator, state.creator),
        ("create_time", time_of(listed.create_time), state.create_time),
        ("update_time", time_of(listed.update_time), state.update_time),
        ("etag", listed.etag, f"r{state.revision}"),
    )
    return [
        *differences(f"model {name}", columns),
        *version_differences(session, resource, state),
        *_pointers(session, resource, state),
    ]


def _pointers(session: Session, resource: str, state: ModelState) -> Iterator[str]:
    aliases = session.calls.pages(
        session.metadata.ListAliases, pb.ListAliasesRequest(parent=resource, page_size=_PAGE), "aliases"
    )
    found = {
        last_part(alias.name): (alias.number, alias.actor, time_of(alias.update_time)) for alias in aliases
    }
    told = {name: (alias.number, alias.actor, alias.update_time) for name, alias in state.aliases.items()}
    for name in sorted({*found, *told}):
        if found.get(name) != told.get(name):
            yield differs(f"{short(resource)} alias {name}", "", found.get(name), told.get(name))
    request = promotion_service_pb2.ListStagesRequest(parent=resource)
    stages = session.calls.unary(session.promotions.ListStages, request).stages
    current = {
        last_part(stage.name): (
            stage.number,
            stage.digest,
            stage.revision,
            stage.actor,
            time_of(stage.time),
        )
        for stage in stages
        if stage.number
    }
    expected = {}
    for name, pointer in state.pointers.items():
        move, version = state.moves[pointer.move_revision], state.versions[pointer.number]
        expected[name] = pointer.number, version.digest, pointer.move_revision, move.actor, move.time
    for name in sorted({*current, *expected}):
        if current.get(name) != expected.get(name):
            yield differs(f"{short(resource)} stage {name}", "", current.get(name), expected.get(name))
