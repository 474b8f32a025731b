"""PromotionService: each method checks, calls a use case and fills the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from muniment import names
from muniment.names import ModelName, ProjectName, VersionName
from muniment.v1 import promotion_service_pb2 as pb
from muniment.v1 import promotion_service_pb2_grpc
from muniment_core.domain.errors import InvalidField
from muniment_core.domain.limits import MAX_REASON
from muniment_core.rpc.auth import current_principal
from muniment_core.rpc.convert import name, parse, project_or_all, text
from muniment_core.rpc.entry_filter import entry_query
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.paging import PageTokens, page_of, page_size
from muniment_core.rpc.peers import ArtifactPeer

from muniment_promotion import deployments, promotions, stages
from muniment_promotion.convert import (
    deployment,
    deployment_message,
    expected_current,
    move_message,
    promotion_message,
    stage_message,
    stage_name,
)
from muniment_promotion.watch.stream import follow
from muniment_promotion.watch.tail import LedgerTail

DEFAULT_HEARTBEAT_SECONDS = 15.0
MIN_HEARTBEAT_SECONDS, MAX_HEARTBEAT_SECONDS = 1.0, 600.0

Context = Any


class PromotionServicer(promotion_service_pb2_grpc.PromotionServiceServicer):
    """Serves stages, events and deployments."""

    def __init__(
        self, execution: Execution, page_tokens: PageTokens, *, artifacts: ArtifactPeer, tail: LedgerTail
    ) -> None:
        self._execution = execution
        self._pages = page_tokens
        self._artifacts = artifacts
        self._tail = tail

    # ── promotions ────────────────────────────────────────────────────────────────────────────────

    async def RequestPromotion(self, request: pb.RequestPromotionRequest, context: Context) -> pb.Promotion:
        wanted = promotions.PromotionRequest(
            version=parse("version", VersionName.parse, request.version),
            stage=stage_name("stage", request.stage),
            expected_current=expected_current(request),
            reason=text("reason", request.reason, MAX_REASON),
        )
        found = await self._execution.remembered(
            request, pb.Promotion, lambda reader: promotions.check_promotion(reader, wanted)
        )
        if isinstance(found, pb.Promotion):
            return found
        # The bytes are judged before the transaction, which must be short; all else is judged in it again.
        await self._artifacts.verify(wanted.version.project, found.digest, seconds=context.time_remaining())
        return await self._execution.mutate(
            request, lambda unit: promotions.promote(unit, wanted), promotion_message, pb.Promotion
        )

    async def GetPromotion(self, request: pb.GetPromotionRequest, context: Context) -> pb.Promotion:
        promotion = parse("name", names.PromotionName.parse, request.name)
        return promotion_message(
            await self._execution.read(lambda reader: promotions.get_promotion(reader, promotion))
        )

    async def ListPromotions(
        self, request: pb.ListPromotionsRequest, context: Context
    ) -> pb.ListPromotionsResponse:
        model = parse("parent", ModelName.parse, request.parent)
        limit, before = page_size(request), self._pages.position(request)
        found = await self._execution.read(
            lambda reader: promotions.list_promotions(reader, model, before=before, limit=limit + 1)
        )
        page, last = page_of(found, limit, promotion_message, lambda result: result.revision)
        return pb.ListPromotionsResponse(promotions=page, next_page_token=self._pages.next(request, last))

    async def Rollback(self, request: pb.RollbackRequest, context: Context) -> pb.StageMove:
        stage = parse("stage", names.StageName.parse, request.stage)
        if request.to_number < 0:
            raise InvalidField(
                "to_number", f"is {request.to_number}; give a version number, or 0 for the previous"
            )
        wanted = promotions.RollbackRequest(
            stage=stage,
            to_number=request.to_number,
            expected_current=expected_current(request),
            reason=text("reason", request.reason, MAX_REASON),
        )
        chosen = await self._execution.remembered(
            request, pb.StageMove, lambda reader: promotions.choose_rollback(reader, wanted)
        )
        if isinstance(chosen, pb.StageMove):
            return chosen
        await self._artifacts.verify(stage.project, chosen.version.digest, seconds=context.time_remaining())
        return await self._execution.mutate(
            request,
            lambda unit: promotions.roll_back(unit, wanted, chosen),
            move_message,
            pb.StageMove,
        )

    # ── stages ────────────────────────────────────────────────────────────────────────────────────

    async def ListStages(self, request: pb.ListStagesRequest, context: Context) -> pb.ListStagesResponse:
        model = parse("parent", ModelName.parse, request.parent)
        found = await self._execution.read(lambda reader: stages.list_stages(reader, model))
        return pb.ListStagesResponse(stages=map(stage_message, found))

    async def GetStage(self, request: pb.GetStageRequest, context: Context) -> pb.Stage:
        stage = parse("name", names.StageName.parse, request.name)
        return stage_message(await self._execution.read(lambda reader: stages.get_stage(reader, stage)))

    async def ListStageHistory(
        self, request: pb.ListStageHistoryRequest, context: Context
    ) -> pb.ListStageHistoryResponse:
        model = parse("parent", ModelName.parse, request.parent)
        stage = stage_name("stage", request.stage) if request.stage else ""
        limit, before = page_size(request), self._pages.position(request)
        found = await self._execution.read(
            lambda reader: stages.stage_history(reader, model, stage=stage, before=before, limit=limit + 1)
        )
        page, last = page_of(found, limit, move_message, lambda result: result.revision)
        return pb.ListStageHistoryResponse(moves=page, next_page_token=self._pages.next(request, last))

    # ── events and deployments ────────────────────────────────────────────────────────────────────

    async def Watch(self, request: pb.WatchRequest, context: Context) -> AsyncIterator[pb.WatchResponse]:
        project = project_or_all("parent", request.parent)
        query = entry_query(project, request.filter)
        heartbeat = _heartbeat_seconds(request)
        if request.after_revision < 0:
            raise InvalidField("after_revision", f"is {request.after_revision}, while 0 is the least")
        if project is not None:
            await self._execution.read(lambda reader: reader.projects.require(project))
        async for response in follow(
            self._execution, self._tail, query, after=request.after_revision, heartbeat_seconds=heartbeat
        ):
            yield response

    async def ReportDeployment(self, request: pb.ReportDeploymentRequest, context: Context) -> pb.Deployment:
        parent = parse("parent", ProjectName.parse, request.parent)
        report = deployment(
            parent, request.deployment, reporter=current_principal.get().name, now=self._execution.clock()
        )
        return await self._execution.mutate(
            request,
            lambda unit: deployments.report_deployment(unit, report),
            deployment_message,
            pb.Deployment,
        )

    async def ListDeployments(
        self, request: pb.ListDeploymentsRequest, context: Context
    ) -> pb.ListDeploymentsResponse:
        parent = parse("parent", ProjectName.parse, request.parent)
        model = name("model", "model", request.model) if request.model else ""
        limit, position = page_size(request), self._pages.position(request)
        after = tuple(position) if position else None
        found = await self._execution.read(
            lambda reader: deployments.list_deployments(
                reader, parent.project, model=model, after=after, limit=limit + 1
            )
        )
        page, last = page_of(
            found, limit, deployment_message, lambda result: [result.target, result.model.model, result.stage]
        )
        return pb.ListDeploymentsResponse(
            deployments=page,
            next_page_token=self._pages.next(request, last),
        )


def _heartbeat_seconds(request: pb.WatchRequest) -> float:
    if not request.HasField("heartbeat"):
        return DEFAULT_HEARTBEAT_SECONDS
    seconds = request.heartbeat.seconds + request.heartbeat.nanos / 1e9
    if not MIN_HEARTBEAT_SECONDS <= seconds <= MAX_HEARTBEAT_SECONDS:
        raise InvalidField("heartbeat", f"is {seconds:g} s, while 1 s to 600 s are allowed")
    return seconds
