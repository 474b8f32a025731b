"""MetadataService: each method checks, calls a use case and fills the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from muniment import names
from muniment.names import ModelName, ProjectName, VersionName
from muniment.v1 import catalog_pb2, comparison_pb2, lineage_pb2, metadata_service_pb2_grpc
from muniment.v1 import metadata_service_pb2 as pb
from muniment_core.db.registration_store import asked_to_register
from muniment_core.domain.catalog import MetricValue
from muniment_core.domain.errors import InvalidField, InvalidName, LimitExceeded
from muniment_core.domain.limits import MAX_BATCH, MAX_DESCRIPTION, MAX_LABEL
from muniment_core.rpc.answers import about_number
from muniment_core.rpc.auth import current_principal
from muniment_core.rpc.convert import name, parse, tags, text, time, timestamp
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.paging import PageTokens, page_of, page_size
from muniment_core.rpc.peers import ArtifactPeer

from muniment_metadata import aliases, metrics, models, projects, searches, signatures, versions
from muniment_metadata.compare import compare_versions
from muniment_metadata.convert import (
    alias_message,
    expected_number,
    metric_message,
    model_message,
    new_metrics,
    new_version,
    project_message,
    version_message,
)
from muniment_metadata.convert_comparison import comparison_message
from muniment_metadata.convert_lineage import lineage_message, lineage_query
from muniment_metadata.export import ExportFormat, export_version
from muniment_metadata.lifecycle_servicer import LifecycleMethods
from muniment_metadata.lineage import get_lineage
from muniment_metadata.moments import Moment, resolve_version_at
from muniment_metadata.search.check import MAX_FILTER
from muniment_metadata.search.order import MAX_ORDER
from muniment_metadata.updates import LabelChange
from muniment_metadata.visibility import shown

Context = Any

_FORMATS = {
    pb.EXPORT_FORMAT_CYCLONEDX: ExportFormat.CYCLONEDX,
    pb.EXPORT_FORMAT_MODEL_CARD: ExportFormat.MODEL_CARD,
}


class MetadataServicer(LifecycleMethods, metadata_service_pb2_grpc.MetadataServiceServicer):
    """Serves the catalog."""

    def __init__(self, execution: Execution, page_tokens: PageTokens, *, artifacts: ArtifactPeer) -> None:
        self._execution = execution
        self._pages = page_tokens
        self._artifacts = artifacts

    # ── projects ──────────────────────────────────────────────────────────────────────────────────

    async def CreateProject(self, request: pb.CreateProjectRequest, context: Context) -> catalog_pb2.Project:
        project = name("project_id", "project", request.project_id)
        description = text("project.description", request.project.description, MAX_DESCRIPTION)
        return await self._execution.mutate(
            request,
            lambda unit: projects.create_project(unit, project, description),
            project_message,
            catalog_pb2.Project,
        )

    async def GetProject(self, request: pb.GetProjectRequest, context: Context) -> catalog_pb2.Project:
        project = parse("name", ProjectName.parse, request.name)
        return project_message(
            await self._execution.read(lambda reader: reader.projects.require(project.project))
        )

    async def ListProjects(
        self, request: pb.ListProjectsRequest, context: Context
    ) -> pb.ListProjectsResponse:
        limit, after, principal = page_size(request), self._pages.position(request), current_principal.get()
        found = await self._execution.read(
            lambda reader: projects.visible_projects(reader, principal, after=after, limit=limit + 1)
        )
        page, last = page_of(found, limit, project_message, lambda result: result.name)
        return pb.ListProjectsResponse(projects=page, next_page_token=self._pages.next(request, last))

    # ── models ────────────────────────────────────────────────────────────────────────────────────

    async def CreateModel(self, request: pb.CreateModelRequest, context: Context) -> catalog_pb2.Model:
        project = parse("parent", ProjectName.parse, request.parent)
        model = project.model(name("model_id", "model", request.model_id))
        description = text("model.description", request.model.description, MAX_DESCRIPTION)
        model_tags = tags("model.tags", request.model.tags)
        return await self._execution.mutate(
            request,
            lambda unit: models.create_model(unit, model, description=description, tags=model_tags),
            model_message,
            catalog_pb2.Model,
        )

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> catalog_pb2.Model:
        model = parse("name", ModelName.parse, request.name)
        return model_message(await self._execution.read(lambda reader: models.get_model(reader, model)))

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        project = parse("parent", ProjectName.parse, request.parent)
        limit, after = page_size(request), self._pages.position(request)
        found = await self._execution.read(
            lambda reader: models.list_models(reader, project.project, after=after, limit=limit + 1)
        )
        page, last = page_of(found, limit, model_message, lambda result: result.name.model)
        return pb.ListModelsResponse(models=page, next_page_token=self._pages.next(request, last))

    async def UpdateModel(self, request: pb.UpdateModelRequest, context: Context) -> catalog_pb2.Model:
        model = parse("name", ModelName.parse, request.name)
        change = _label_change(request.update_mask.paths, "model", request.model)
        return await self._execution.mutate(
            request,
            lambda unit: models.update_model(unit, model, change, etag=request.etag),
            model_message,
            catalog_pb2.Model,
        )

    async def DeleteModel(self, request: pb.DeleteModelRequest, context: Context) -> catalog_pb2.Model:
        model, principal = parse("name", ModelName.parse, request.name), current_principal.get()
        return await self._execution.mutate(
            request,
            lambda unit: models.delete_model(unit, model, etag=request.etag, principal=principal),
            model_message,
            catalog_pb2.Model,
        )

    # ── versions ──────────────────────────────────────────────────────────────────────────────────

    async def CreateVersion(self, request: pb.CreateVersionRequest, context: Context) -> catalog_pb2.Version:
        model = parse("parent", ModelName.parse, request.parent)
        principal = current_principal.get()
        new = new_version(
            request.version,
            bundle=request.signature_bundle,
            reporter=principal.name,
            now=self._execution.clock(),
        )
        # What a manifest's digest stands for never changes: a signature is judged before the transaction.
        known = await signatures.check_new(self._execution, request, model, new)
        if known is not None:
            return known
        return await self._execution.mutate(
            request,
            lambda unit: versions.create_version(unit, model, new, principal=principal),
            version_message,
            catalog_pb2.Version,
            asks=asked_to_register(model, new.digest),
        )

    async def GetVersion(self, request: pb.GetVersionRequest, context: Context) -> catalog_pb2.Version:
        version = parse("name", VersionName.parse, request.name)
        found = await self._execution.read_about(
            version.of_model,
            about_number(version.number),
            lambda reader: version_message(versions.get_version(reader, version)),
            catalog_pb2.Version,
        )
        return shown(found, current_principal.get())

    async def GetVersionSignature(
        self, request: pb.GetVersionSignatureRequest, context: Context
    ) -> pb.VersionSignature:
        version = parse("name", VersionName.parse, request.name)
        return await signatures.get_signature(self._execution, version)

    async def BatchGetVersions(
        self, request: pb.BatchGetVersionsRequest, context: Context
    ) -> pb.BatchGetVersionsResponse:
        project = parse("parent", ProjectName.parse, request.parent)
        if not request.names:
            raise InvalidField("names", "is required")
        if len(request.names) > MAX_BATCH:
            raise LimitExceeded("names", MAX_BATCH, len(request.names))
        wanted = [parse(f"names[{index}]", VersionName.parse, one) for index, one in enumerate(request.names)]
        for index, version in enumerate(wanted):
            if version.project != project.project:
                raise InvalidName(f"names[{index}]", version.text, f"{version.text} is not of {project.text}")
        found = await self._execution.read(lambda reader: versions.batch_get_versions(reader, wanted))
        principal = current_principal.get()
        return pb.BatchGetVersionsResponse(versions=[shown(version_message(one), principal) for one in found])

    async def ListVersions(
        self, request: pb.ListVersionsRequest, context: Context
    ) -> pb.ListVersionsResponse:
        model = parse("parent", ModelName.parse, request.parent)
        limit, before = page_size(request), self._pages.position(request)
        found, more = await self._execution.read(
            lambda reader: versions.list_versions(
                reader, model, before=before, limit=limit, deleted=request.show_deleted
            )
        )
        page, last = page_of(found, limit, version_message, lambda result: result.name.number, more=more)
        for version in page:
            shown(version, current_principal.get())
        return pb.ListVersionsResponse(versions=page, next_page_token=self._pages.next(request, last))

    async def UpdateVersion(self, request: pb.UpdateVersionRequest, context: Context) -> catalog_pb2.Version:
        version = parse("name", VersionName.parse, request.name)
        change = _label_change(request.update_mask.paths, "version", request.version)
        changed = await self._execution.mutate(
            request,
            lambda unit: versions.update_version(unit, version, change, etag=request.etag),
            version_message,
            catalog_pb2.Version,
        )
        return shown(changed, current_principal.get())

    async def ResolveVersion(
        self, request: pb.ResolveVersionRequest, context: Context
    ) -> catalog_pb2.Version:
        model = parse("model", ModelName.parse, request.model)
        selector = parse("selector", names.VersionSelector.parse, request.selector or names.LATEST)
        moment = _moment(request)
        if moment is not None:
            found = await self._execution.query(
                lambda reader: version_message(resolve_version_at(reader, model, selector, moment))
            )
        else:
            found = await self._execution.read_about(
                model,
                f"selector {request.selector or names.LATEST}",
                lambda reader: version_message(versions.resolve_version(reader, model, selector)),
                catalog_pb2.Version,
            )
        return shown(found, current_principal.get())

    # ── aliases ───────────────────────────────────────────────────────────────────────────────────

    async def SetAlias(self, request: pb.SetAliasRequest, context: Context) -> catalog_pb2.Alias:
        alias = parse("name", names.AliasName.parse, request.name)
        if request.number < 1:
            raise InvalidField("number", f"is {request.number}: give the number of the version to point to")
        expected = expected_number(request)
        return await self._execution.mutate(
            request,
            lambda unit: aliases.set_alias(unit, alias, number=request.number, expected=expected),
            alias_message,
            catalog_pb2.Alias,
        )

    async def DeleteAlias(self, request: pb.DeleteAliasRequest, context: Context) -> catalog_pb2.Alias:
        alias = parse("name", names.AliasName.parse, request.name)
        expected = expected_number(request)
        return await self._execution.mutate(
            request,
            lambda unit: aliases.delete_alias(unit, alias, expected=expected),
            alias_message,
            catalog_pb2.Alias,
        )

    async def ListAliases(self, request: pb.ListAliasesRequest, context: Context) -> pb.ListAliasesResponse:
        model = parse("parent", ModelName.parse, request.parent)
        limit, after = page_size(request), self._pages.position(request)
        found = await self._execution.read(
            lambda reader: aliases.list_aliases(reader, model, after=after, limit=limit + 1)
        )
        page, last = page_of(found, limit, alias_message, lambda result: result.name)
        return pb.ListAliasesResponse(aliases=page, next_page_token=self._pages.next(request, last))

    # ── metrics ───────────────────────────────────────────────────────────────────────────────────

    async def AddMetrics(self, request: pb.AddMetricsRequest, context: Context) -> pb.AddMetricsResponse:
        version = parse("version", VersionName.parse, request.version)
        if not request.metrics:
            raise InvalidField("metrics", "is required")
        added = new_metrics(
            "metrics", request.metrics, reporter=current_principal.get().name, now=self._execution.clock()
        )

        def respond(recorded: tuple[tuple[MetricValue, ...], int, datetime]) -> pb.AddMetricsResponse:
            values, revision, time = recorded
            return pb.AddMetricsResponse(
                metrics=map(metric_message, values), revision=revision, record_time=timestamp(time)
            )

        return await self._execution.mutate(
            request,
            lambda unit: (metrics.add_metrics(unit, version, added), unit.revision, unit.now),
            respond,
            pb.AddMetricsResponse,
        )

    async def ListMetrics(self, request: pb.ListMetricsRequest, context: Context) -> pb.ListMetricsResponse:
        version = parse("version", VersionName.parse, request.version)
        key = text("key", request.key, MAX_LABEL)
        limit, after = page_size(request), self._pages.position(request)
        found = await self._execution.read(
            lambda reader: metrics.list_metrics(reader, version, key=key, after=after, limit=limit + 1)
        )
        page, last = page_of(found, limit, lambda added: metric_message(added[1]), lambda result: result[0])
        return pb.ListMetricsResponse(metrics=page, next_page_token=self._pages.next(request, last))

    # ── comparison, lineage, export ───────────────────────────────────────────────────────────────

    async def CompareVersions(
        self, request: pb.CompareVersionsRequest, context: Context
    ) -> comparison_pb2.VersionComparison:
        project, principal = parse("parent", ProjectName.parse, request.parent), current_principal.get()
        sides = (
            parse("version_a", VersionName.parse, request.version_a),
            parse("version_b", VersionName.parse, request.version_b),
        )
        found = await self._execution.query(
            lambda reader: compare_versions(reader, project.project, sides, principal=principal)
        )
        return comparison_message(found, include_equal=request.include_equal, principal=principal)

    async def GetLineage(self, request: pb.GetLineageRequest, context: Context) -> lineage_pb2.Lineage:
        project, principal = parse("parent", ProjectName.parse, request.parent), current_principal.get()
        query = lineage_query(request)
        return lineage_message(
            await self._execution.query(
                lambda reader: get_lineage(reader, project.project, query, principal=principal)
            )
        )

    async def ExportVersion(self, request: pb.ExportVersionRequest, context: Context) -> pb.ExportedVersion:
        version, principal = parse("name", VersionName.parse, request.name), current_principal.get()
        export_format = _FORMATS.get(request.format)
        if export_format is None:
            raise InvalidField("format", "is required: CycloneDX or model card")
        document = await self._execution.query(
            lambda reader: export_version(reader, version, export_format, principal=principal)
        )
        return pb.ExportedVersion(
            content=document.content, media_type=document.media_type, file_name=document.file_name
        )

    # ── search ────────────────────────────────────────────────────────────────────────────────────

    async def SearchVersions(
        self, request: pb.SearchVersionsRequest, context: Context
    ) -> pb.SearchVersionsResponse:
        project = parse("parent", ProjectName.parse, request.parent).project
        asked = _asked(request)
        limit, after, principal = page_size(request), self._pages.position(request), current_principal.get()
        found, more = await self._execution.query_versions(
            lambda reader: searches.search_versions(
                reader, project, asked, principal=principal, after=after, limit=limit + 1
            ),
            lambda reader, hits: [
                version_message(record) for record in reader.versions.with_ids([hit.id for hit in hits])
            ],
            catalog_pb2.Version,
            limit=limit,
        )
        page, last = page_of(
            found, limit, lambda each: shown(each[1], principal), lambda each: each[0].position, more=more
        )
        return pb.SearchVersionsResponse(versions=page, next_page_token=self._pages.next(request, last))

    async def SearchModels(
        self, request: pb.SearchModelsRequest, context: Context
    ) -> pb.SearchModelsResponse:
        project = parse("parent", ProjectName.parse, request.parent).project
        asked = _asked(request)
        limit, after = page_size(request), self._pages.position(request)
        found = await self._execution.query(
            lambda reader: searches.search_models(reader, project, asked, after=after, limit=limit + 1)
        )
        page, last = page_of(found, limit, lambda hit: model_message(hit[0]), lambda hit: hit[1])
        return pb.SearchModelsResponse(models=page, next_page_token=self._pages.next(request, last))


def _asked(request: pb.SearchVersionsRequest | pb.SearchModelsRequest) -> searches.Asked:
    where, order_by = (
        text("filter", request.filter, MAX_FILTER),
        text("order_by", request.order_by, MAX_ORDER),
    )
    return searches.Asked(where, order_by, deleted=request.show_deleted)


def _label_change(paths: Any, field: str, message: catalog_pb2.Model | catalog_pb2.Version) -> LabelChange:
    return LabelChange.from_mask(
        list(paths),
        description=text(f"{field}.description", message.description, MAX_DESCRIPTION),
        tags=tags(f"{field}.tags", message.tags),
    )


def _moment(request: pb.ResolveVersionRequest) -> Moment | None:
    match request.WhichOneof("moment"):
        case "at_time":
            return Moment(time=time("at_time", request.at_time))
        case "at_revision":
            return Moment(request.at_revision)
        case _:
            return None
