"""What use cases are given: the stores on one connection, and for a change the means to record it."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from muniment_core.db.alias_store import AliasStore
from muniment_core.db.artifact_store import ArtifactStore
from muniment_core.db.batch import Batch
from muniment_core.db.checkpoint_store import CheckpointStore
from muniment_core.db.cold_store import ColdStore
from muniment_core.db.collection_store import CollectionStore
from muniment_core.db.deployment_store import DeploymentStore
from muniment_core.db.finding_store import FindingStore
from muniment_core.db.history_store import HistoryStore
from muniment_core.db.inspection_store import InspectionStore
from muniment_core.db.lease_store import LeaseStore
from muniment_core.db.ledger_store import LedgerStore
from muniment_core.db.lineage_store import LineageStore
from muniment_core.db.metric_store import MetricStore
from muniment_core.db.model_store import ModelStore
from muniment_core.db.prediction_search import PredictionSearch
from muniment_core.db.prediction_store import PredictionStore
from muniment_core.db.project_store import ProjectStore
from muniment_core.db.promotion_store import PromotionStore
from muniment_core.db.registration_store import RegistrationStore
from muniment_core.db.release_store import ReleaseStore
from muniment_core.db.request_store import RequestStore
from muniment_core.db.search.store import SearchStore
from muniment_core.db.stage_store import StageStore
from muniment_core.db.token_store import TokenStore
from muniment_core.db.tree_store import TreeStore
from muniment_core.db.usage_store import UsageStore
from muniment_core.db.version_heads import VersionHeads
from muniment_core.db.version_store import VersionStore
from muniment_core.domain.ledger import EntryDraft


class Reader:
    """The stores on one connection; each is made when it is first asked for."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self.now = now

    @property
    def connection(self) -> Connection:
        """The connection, for stores."""
        return self._connection

    @cached_property
    def projects(self) -> ProjectStore:
        """Projects and their stages."""
        return ProjectStore(self.connection)

    @cached_property
    def models(self) -> ModelStore:
        """Models and their tags."""
        return ModelStore(self.connection)

    @cached_property
    def versions(self) -> VersionStore:
        """Versions and what is frozen with them."""
        return VersionStore(self.connection)

    @cached_property
    def version_heads(self) -> VersionHeads:
        """Which versions there are, and how large they are."""
        return VersionHeads(self.connection)

    @cached_property
    def metrics(self) -> MetricStore:
        """Measured values."""
        return MetricStore(self.connection)

    @cached_property
    def search(self) -> SearchStore:
        """Search over versions and models."""
        return SearchStore(self.connection)

    @cached_property
    def aliases(self) -> AliasStore:
        """Free pointers."""
        return AliasStore(self.connection)

    @cached_property
    def history(self) -> HistoryStore:
        """Pointers and states of the past."""
        return HistoryStore(self.connection)

    @cached_property
    def lineage(self) -> LineageStore:
        """Edges from version to version, data set and code."""
        return LineageStore(self.connection)

    @cached_property
    def stages(self) -> StageStore:
        """Stage pointers and their moves."""
        return StageStore(self.connection)

    @cached_property
    def promotions(self) -> PromotionStore:
        """Promotions."""
        return PromotionStore(self.connection)

    @cached_property
    def deployments(self) -> DeploymentStore:
        """What controllers reported."""
        return DeploymentStore(self.connection)

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """Chunks held and manifests."""
        return ArtifactStore(self.connection)

    @cached_property
    def inspections(self) -> InspectionStore:
        """What was found out about the bytes of files."""
        return InspectionStore(self.connection)

    @cached_property
    def findings(self) -> FindingStore:
        """Old findings about bytes."""
        return FindingStore(self.connection)

    @cached_property
    def leases(self) -> LeaseStore:
        """Who counts on chunks until when."""
        return LeaseStore(self.connection)

    @cached_property
    def collection(self) -> CollectionStore:
        """Blobs that are about to be removed."""
        return CollectionStore(self.connection)

    @cached_property
    def cold(self) -> ColdStore:
        """What is in the cold tier."""
        return ColdStore(self.connection)

    @cached_property
    def usage(self) -> UsageStore:
        """How much space versions take."""
        return UsageStore(self.connection)

    @cached_property
    def releases(self) -> ReleaseStore:
        """Manifests and chunks that nothing needs any more."""
        return ReleaseStore(self.connection)

    @cached_property
    def predictions(self) -> PredictionStore:
        """Sealed batches of predictions."""
        return PredictionStore(self.connection)

    @cached_property
    def prediction_search(self) -> PredictionSearch:
        """Which batches hold whose predictions."""
        return PredictionSearch(self.connection)

    @cached_property
    def ledger(self) -> LedgerStore:
        """The log."""
        return LedgerStore(self.connection)

    @cached_property
    def tree(self) -> TreeStore:
        """The log's Merkle tree."""
        return TreeStore(self.connection)

    @cached_property
    def checkpoints(self) -> CheckpointStore:
        """Signatures of the log, and who signs."""
        return CheckpointStore(self.connection)

    @cached_property
    def requests(self) -> RequestStore:
        """Answers given before."""
        return RequestStore(self.connection)

    @cached_property
    def tokens(self) -> TokenStore:
        """Tokens and roles."""
        return TokenStore(self.connection)


class UnrecordedChange(RuntimeError):
    """A use case changed something without recording it, or recorded it twice."""


class UnitOfWork(Reader):
    """One change: its stores, and the one ledger entry it leaves.

    Attributes:
        actor: principal that makes the change.
        revision: the revision its entry gets.
    """

    def __init__(self, batch: Batch, now: datetime, *, actor: str, revision: int) -> None:
        super().__init__(batch.raw, now)
        self.actor = actor
        self.revision = revision
        self._batch = batch
        self._draft: EntryDraft | None = None

    @property
    def connection(self) -> Connection:
        """The connection, on which everything done before can be seen, and from here on undone."""
        return self._batch.settle()

    @cached_property
    def registrations(self) -> RegistrationStore:
        """Versions to be registered."""
        return RegistrationStore(self._batch)

    def record(self, draft: EntryDraft) -> None:
        """Say what happened; a use case does so exactly once.

        The entry names the model whose versions the change touches. Answers kept about a model are given up when
        an entry names it, and only then: a change to versions of several models needs more than this.

        Raises:
            UnrecordedChange: if it was said before.
        """
        if self._draft is not None:
            raise UnrecordedChange(f"recorded {draft.type} after {self._draft.type}")
        self._draft = draft

    @property
    def draft(self) -> EntryDraft:
        """What was recorded.

        Raises:
            UnrecordedChange: if nothing was.
        """
        if self._draft is None:
            raise UnrecordedChange("the change recorded no ledger entry")
        return self._draft

    @property
    def has_recorded(self) -> bool:
        """Whether anything was recorded."""
        return self._draft is not None
