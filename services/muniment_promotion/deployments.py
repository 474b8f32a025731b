"""Use cases on deployments: what controllers report they run."""

from __future__ import annotations

from dataclasses import replace

from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import InvalidField, StageNotFound
from muniment_core.domain.ledger import EntryDraft
from muniment_core.domain.promotion import DeploymentRecord


def report_deployment(unit: UnitOfWork, report: DeploymentRecord) -> DeploymentRecord:
    """Keep a report as the newest of its target, as of the time the ledger tells.

    Raises:
        ModelNotFound: if the model does not exist.
        StageNotFound: if the project has no such stage.
        VersionNotFound: if the version does not exist.
        InvalidField: if it acted on a revision the ledger has not reached.
    """
    project = unit.projects.require(report.model.project)
    if report.stage not in project.stages:
        raise StageNotFound(report.stage, project.stages)
    if report.acted_revision >= unit.revision:
        raise InvalidField(
            "deployment.acted_revision",
            f"is {report.acted_revision}, while the ledger is at {unit.revision - 1}",
        )
    model_id = unit.models.id_of(report.model)
    if report.number:
        unit.versions.require(report.model.version(report.number))
    report = replace(report, report_time=unit.now)
    unit.deployments.report(report, project_id=project.id, model_id=model_id, revision=unit.revision)
    unit.record(
        EntryDraft(
            type="deployment.reported",
            project=report.model.project,
            model=report.model.model,
            stage=report.stage,
            number=report.number,
            digest=report.digest,
            reason=report.message,
            data={"target": report.target, "state": report.state, "acted_revision": report.acted_revision},
        )
    )
    return report


def list_deployments(
    reader: Reader, project: str, *, model: str, after: tuple[str, str, str] | None, limit: int
) -> list[DeploymentRecord]:
    """The newest report of each target, ordered by target.

    Raises:
        ProjectNotFound: if the project does not exist.
    """
    return reader.deployments.page(reader.projects.require(project).id, model=model, after=after, limit=limit)
