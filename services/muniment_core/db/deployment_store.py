"""What controllers reported: the newest report of each target."""

from __future__ import annotations

from typing import Any

from muniment.names import ModelName
from sqlalchemy import Connection, Row, delete, insert, select, tuple_

from muniment_core.db.tables import deployments, models, projects
from muniment_core.domain.promotion import DeploymentRecord, DeploymentState

_DEPLOYMENTS = (
    select(deployments, models.c.name.label("model"), projects.c.name.label("project"))
    .join(models, models.c.id == deployments.c.model_id)
    .join(projects, projects.c.id == deployments.c.project_id)
)


class DeploymentStore:
    """Deployments on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def report(self, report: DeploymentRecord, *, project_id: int, model_id: int, revision: int) -> None:
        """Keep a report in the place of the target's last one."""
        key = {"project_id": project_id, "target": report.target, "model_id": model_id, "stage": report.stage}
        self._connection.execute(delete(deployments).filter_by(**key))
        self._connection.execute(
            insert(deployments).values(
                **key,
                number=report.number,
                digest=report.digest,
                state=report.state,
                acted_revision=report.acted_revision,
                message=report.message,
                reporter=report.reporter,
                report_time=report.report_time,
                revision=revision,
            )
        )

    def page(
        self, project_id: int, *, model: str, after: tuple[str, str, str] | None, limit: int
    ) -> list[DeploymentRecord]:
        """Reports of a project ordered by target, model and stage, after one; ``model`` empty for all."""
        order = (deployments.c.target, models.c.name, deployments.c.stage)
        statement = _DEPLOYMENTS.where(deployments.c.project_id == project_id)
        if model:
            statement = statement.where(models.c.name == model)
        if after is not None:
            statement = statement.where(tuple_(*order) > tuple_(*after))
        return [_record(row) for row in self._connection.execute(statement.order_by(*order).limit(limit))]


def _record(row: Row[Any]) -> DeploymentRecord:
    return DeploymentRecord(
        target=row.target,
        model=ModelName(row.project, row.model),
        stage=row.stage,
        number=row.number,
        digest=row.digest,
        state=DeploymentState(row.state),
        acted_revision=row.acted_revision,
        message=row.message,
        reporter=row.reporter,
        report_time=row.report_time,
    )
