"""The client class: every verb, each a few lines away from the module of its noun."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Literal

from muniment.local_paths import local_path
from muniment.registry import access, aliases, deployments, models, stages, versions
from muniment.registry.audit import Audit
from muniment.registry.inquiries import Inquiries
from muniment.registry.inspections import Inspections
from muniment.registry.lazy_reads import LazyReads
from muniment.registry.prediction_verbs import PredictionVerbs
from muniment.registry.search import Searches
from muniment.registry.session import Session, sendable
from muniment.registry.space import Space
from muniment.registry.watch import Watch
from muniment.transfer.progress import ProgressOption
from muniment.transfer.pull import pull
from muniment.transfer.push import push
from muniment.transfer.record import Record
from muniment.transfer.signatures import signature_files
from muniment.values import (
    Alias,
    Dataset,
    Deployment,
    Event,
    Identity,
    Metric,
    Model,
    Parent,
    ProcessingStep,
    Project,
    Promotion,
    Run,
    Stage,
    StageMove,
    Token,
    Version,
)


class Registry(Inquiries, Inspections, Searches, LazyReads, PredictionVerbs, Space):
    """A connection to a registry; make one with :func:`muniment.connect`. Threads may share it.

    A *selector* is ``[project/]model[@selector]``: ``churn``, ``churn@7``, ``churn@production``,
    ``risk/churn@champion``, ``churn@sha256:…``. Every method raises a :class:`muniment.errors.MunimentError`
    and nothing else when something goes wrong; methods that answer with an iterator ask when it is read.
    """

    def __init__(self, session: Session, *, release: Callable[[], None] | None = None) -> None:
        super().__init__(session)
        self._release = release

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close recorders of predictions that are still open, then the connection and all its calls.

        Closing twice is fine.
        """
        try:
            self._close_recorders()
        finally:
            self._session.calls.close()
            if self._release is not None:
                self._release()

    @property
    def target(self) -> str:
        """``host:port`` of the registry."""
        return self._session.calls.target

    def push(
        self,
        model: str,
        path: str | PathLike[str],
        *,
        metrics: Mapping[str, float] | Iterable[Metric] | None = None,
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, str] | None = None,
        datasets: Iterable[Dataset] = (),
        parents: Iterable[str | Version | Parent] = (),
        description: str = "",
        run: Run | str | None = None,
        steps: Iterable[ProcessingStep | str] = (),
        signature: str | PathLike[str] | None = None,
        signature_key: str | PathLike[str] | None = None,
        request_id: str | None = None,
        progress: ProgressOption = None,
    ) -> Version:
        """Store a file or directory as the next version of a model, which is created if it does not exist.

        The code (git commit, repository, entry point) and the environment (Python, packages, host) are recorded
        as well. After a failure push again: what has arrived is not sent twice.

        Args:
            model: ``[project/]model``.
            path: file or directory. Symbolic links inside the directory are stored as what they point to.
            metrics: value by name, or metrics with step and data set.
            params: text and numbers; anything else is kept as its text.
            parents: selectors or versions this one was made from.
            run: the run that made it, or its id.
            signature: file with a signature of the files, as ``model_signing sign key`` writes it.
            signature_key: file with the public key that made it, in PEM.
            request_id: the same id with the same arguments registers one version however often it is called within
                a week.
            progress: False for none; a function ``(phase, done, total)`` in bytes; by default a bar on a terminal.

        Raises:
            SourceRefused: if the path cannot be pushed as it is.
            SignatureInvalid, SignatureMismatch: if the signature is not one of these files by that key.
            FileChanged: if a file changed meanwhile; no version was made.
        """
        signed = signature_files(signature, signature_key)
        with sendable("what is recorded"):
            record = Record(
                metrics=metrics or {},
                params=params or {},
                tags=tags or {},
                datasets=tuple(datasets),
                parents=tuple(parents),
                description=description,
                run=Run(run) if isinstance(run, str) else run,
                steps=tuple(ProcessingStep(step) if isinstance(step, str) else step for step in steps),
                signature=signed,
            )
        source = local_path(path, "path")
        return push(self._session, model, source, record, request_id=request_id or "", progress=progress)

    def pull(
        self,
        version: Version | str,
        into: str | PathLike[str],
        *,
        overwrite: bool = False,
        progress: ProgressOption = None,
    ) -> Path:
        """Fetch the files of a version into a directory, which appears whole and verified or not at all.

        What is in the cache is not fetched; large files are shared with it where the file system can, and are
        read-only then. After a failure pull again: what has arrived is not fetched twice.

        Args:
            version: a version or a selector.
            into: directory that does not exist or is empty.
            overwrite: replace a directory that holds something.
            progress: as for :meth:`push`.

        Raises:
            DestinationRefused: if ``into`` is in use.
            DownloadRefused: if what came is not what the version's digest stands for.
        """
        destination = local_path(into, "into")
        found = version if isinstance(version, Version) else self.resolve(version)
        return pull(self._session, found, destination, overwrite=overwrite, progress=progress)

    def models(self) -> Iterator[Model]:
        """The models of the project, by name."""
        return models.list_models(self._session)

    def model(self, model: str) -> Model:
        """One model."""
        return models.get_model(self._session, model)

    def update_model(
        self,
        model: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        etag: str = "",
    ) -> Model:
        """Change description or single tags of a model; a tag that is None goes. ``etag`` guards the change."""
        return models.update_model(self._session, model, description=description, tags=tags, etag=etag)

    def versions(self, model: str, *, show_deleted: bool = False) -> Iterator[Version]:
        """The versions of a model, newest first."""
        return versions.list_versions(self._session, model, show_deleted=show_deleted)

    def show(self, selector: str, *, at: datetime | int | None = None) -> Version:
        """The version a selector means now, or meant at a moment of the past.

        Args:
            at: a time with time zone, or a revision of the ledger, its change included. The version is told as it
                is recorded now, also when it was deleted since.
        """
        return versions.show(self._session, selector, at=at)

    def update(
        self,
        version: Version | str,
        *,
        description: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        etag: str = "",
    ) -> Version:
        """Change description or single tags of a version; a tag that is None goes. ``etag`` guards the change."""
        return versions.update(self._session, version, description=description, tags=tags, etag=etag)

    def delete_version(self, version: Version | str, *, etag: str = "") -> Version:
        """Make a version a tombstone, for good; refused while it is in a stage or parent of a live version."""
        return versions.delete(self._session, version, etag=etag)

    def delete_model(self, model: str, *, etag: str = "") -> Model:
        """Make a model and all its versions tombstones, for good; its name is never free again."""
        return models.delete_model(self._session, model, etag=etag)

    def add_metrics(
        self, version: Version | str, metrics: Mapping[str, float] | Iterable[Metric]
    ) -> list[Metric]:
        """Add measured values to a version, all or none."""
        return versions.add_metrics(self._session, version, metrics)

    def metrics(self, version: Version | str, key: str = "") -> Iterator[Metric]:
        """Every value of a version's metrics, or of one of them, in the order they were added."""
        return versions.list_metrics(self._session, version, key=key)

    def alias(self, model: str, name: str, to: int | str | Version, expected: int | None = None) -> Alias:
        """Point an alias to a version, given by number or selector.

        Args:
            expected: number it must point to now; 0: it must not exist; None: no check.

        Raises:
            CurrentMismatch: if it is elsewhere.
        """
        return aliases.set_alias(self._session, model, name, to=to, expected=expected)

    def delete_alias(self, model: str, name: str, expected: int | None = None) -> Alias:
        """Remove an alias; answers with its last value."""
        return aliases.delete_alias(self._session, model, name, expected=expected)

    def aliases(self, model: str) -> list[Alias]:
        """The aliases of a model, by name."""
        return aliases.list_aliases(self._session, model)

    def promote(
        self,
        version: Version | str,
        *,
        to: str,
        expected_current: int | None = None,
        reason: str = "",
        request_id: str = "",
    ) -> Promotion:
        """Make a version current in a stage.

        Args:
            to: the stage.
            expected_current: number that must be current there now; 0: none must be; None: no check.

        Raises:
            CurrentMismatch: if another version is current than expected.
        """
        return stages.promote(
            self._session,
            version,
            to=to,
            expected_current=expected_current,
            reason=reason,
            request_id=request_id,
        )

    def rollback(
        self,
        model: str,
        *,
        stage: str,
        to: int | str | Version | None = None,
        expected_current: int | None = None,
        reason: str = "",
        request_id: str = "",
    ) -> StageMove:
        """Move a stage back to the version that was current before, or to ``to``, which once was."""
        return stages.rollback(
            self._session,
            model,
            stage=stage,
            to=to,
            expected_current=expected_current,
            reason=reason,
            request_id=request_id,
        )

    def stages(self, model: str) -> list[Stage]:
        """The stages of a model in promotion order, with what is current in each."""
        return stages.list_stages(self._session, model)

    def stage(self, model: str, stage: str) -> Stage:
        """One stage of a model; number 0 when it is empty."""
        return stages.get_stage(self._session, model, stage)

    def history(self, model: str, stage: str | None = None) -> Iterator[StageMove]:
        """How the stages of a model moved, newest first."""
        return stages.history(self._session, model, stage or "")

    def watch(
        self,
        *,
        after: int | None = None,
        model: str | None = None,
        stage: str | None = None,
        types: Sequence[str] = (),
        heartbeat: float = 15.0,
    ) -> Watch:
        """Follow changes in order, each once, through restarts of the server.

        Args:
            after: revision to continue after; 0: from the very first; None: from now on.
            model: a model, or as ``churn@7`` one version of it.
            types: event types; one ending in ``.*`` stands for all that begin so.
            heartbeat: seconds, 1 to 600, after which the server tells that it is there.
        """
        return Watch(self._session, after=after, model=model, stage=stage, types=types, heartbeat=heartbeat)

    def audit_log(
        self,
        *,
        model: str | None = None,
        stage: str | None = None,
        actor: str | None = None,
        types: Sequence[str] = (),
        newest_first: bool = False,
    ) -> Iterator[Event]:
        """Everything that happened in the project, oldest first; ``audit.log`` has further conditions."""
        return self.audit.log(model=model, stage=stage, actor=actor, types=types, newest_first=newest_first)

    @property
    def audit(self) -> Audit:
        """The ledger, its checkpoints and proofs."""
        return Audit(self._session)

    def report_deployment(
        self,
        target: str,
        *,
        model: str,
        stage: str,
        number: int,
        digest: str,
        state: Literal["DEPLOYING", "RUNNING", "FAILED"],
        acted_revision: int,
        message: str = "",
    ) -> Deployment:
        """Tell what a target runs; for deployment controllers."""
        return deployments.report_deployment(
            self._session,
            target,
            model=model,
            stage=stage,
            number=number,
            digest=digest,
            state=state,
            acted_revision=acted_revision,
            message=message,
        )

    def deployments(self, model: str | None = None) -> Iterator[Deployment]:
        """The newest report of each target, by target."""
        return deployments.list_deployments(self._session, model)

    def whoami(self) -> Identity:
        """Who this connection's token stands for."""
        return access.whoami(self._session)

    def create_token(
        self,
        principal: str,
        *,
        roles: Iterable[str],
        project: str | None = None,
        expires: datetime | None = None,
    ) -> Token:
        """Create a token with roles in a project (``-``: the instance); its secret is answered once."""
        return access.create_token(self._session, principal, roles=roles, project=project, expires=expires)

    def tokens(self, project: str | None = None) -> Iterator[Token]:
        """The tokens of a project, newest first, without their secrets."""
        return access.list_tokens(self._session, project)

    def revoke_token(self, name: str) -> Token:
        """Revoke a token, by resource name or id, for good."""
        return access.revoke_token(self._session, name)

    def create_project(self, name: str, description: str = "") -> Project:
        """Create a project."""
        return models.create_project(self._session, name, description=description)

    def projects(self) -> Iterator[Project]:
        """The projects this connection's token has a role in, by name."""
        return models.list_projects(self._session)
