"""What points to versions: aliases, stages with their moves and promotions, and what targets were told to run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from muniment.ledger.fold import Fold
from muniment.ledger.state import PROMOTION, UNTOLD, MoveState
from muniment_core.db.audit.catalog import CatalogRows
from muniment_core.domain.promotion import PromotionState

from muniment_server.fsck.difference import Difference, compare, microseconds, missing, shown, surplus


def check_aliases(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """Free pointers."""
    expected = {
        (*key, name): alias for key, model in fold.models.items() for name, alias in model.aliases.items()
    }
    for row in rows.of("aliases"):
        key = row.in_project, row.in_model, row.name
        alias = expected.pop(key, None)
        if alias is None:
            yield surplus("aliases", _pointer_name(key))
            continue
        yield from compare(
            "aliases",
            _pointer_name(key),
            row._mapping,
            {
                "of_number": alias.number,
                "version_model": row.model_id,
                "project_id": row.model_project,
                "actor": alias.actor,
                "update_time": microseconds(alias.update_time),
                "revision": alias.revision,
            },
        )
    yield from (missing("aliases", _pointer_name(key)) for key in expected)


def check_stage_pointers(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """Where each stage points."""
    expected = {
        (*key, stage): pointer
        for key, model in fold.models.items()
        for stage, pointer in model.pointers.items()
    }
    for row in rows.of("stage_pointers"):
        key = row.in_project, row.in_model, row.stage
        pointer = expected.pop(key, None)
        if pointer is None:
            yield surplus("stage_pointers", _pointer_name(key))
            continue
        yield from compare(
            "stage_pointers",
            _pointer_name(key),
            row._mapping,
            {
                "of_number": pointer.number,
                "version_model": row.model_id,
                "project_id": row.model_project,
                "move_revision": pointer.move_revision,
                **_told("effective_revision", pointer.effective_revision),
            },
        )
    yield from (missing("stage_pointers", _pointer_name(key)) for key in expected)


def check_stage_moves(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """How the stages came to point there."""
    expected = _moves(fold)
    for row in rows.of("stage_moves"):
        project, model, move = expected.pop(row.revision, (None, None, None))
        if move is None:
            yield surplus("stage_moves", row.revision)
            continue
        yield from compare(
            "stage_moves",
            row.revision,
            row._mapping,
            {
                "in_project": project,
                "in_model": model,
                **_versions(row, move),
                "stage": move.stage,
                "kind": move.kind,
                **_told("base_revision", move.base_revision),
                "actor": move.actor,
                "reason": move.reason,
                "time": microseconds(move.time),
            },
        )
    yield from (missing("stage_moves", revision) for revision in expected)


def check_promotions(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """Who asked for what to be moved."""
    expected = {revision: found for revision, found in _moves(fold).items() if found[2].kind == PROMOTION}
    for row in rows.of("promotions"):
        project, model, move = expected.pop(row.revision, (None, None, None))
        if move is None:
            yield surplus("promotions", row.revision)
            continue
        time = microseconds(move.time)
        yield from compare(
            "promotions",
            row.revision,
            row._mapping,
            {
                "in_project": project,
                "in_model": model,
                **_versions(row, move),
                "stage": move.stage,
                "state": PromotionState.PROMOTED.value,
                "requester": move.actor,
                "reason": move.reason,
                "create_time": time,
                "update_time": time,
                "state_revision": row.revision,
            },
        )
    yield from (missing("promotions", revision) for revision in expected)


def check_deployments(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """The newest report of each target."""
    expected = dict(fold.deployments)
    for row in rows.of("deployments"):
        key = row.in_project, row.target, row.in_model, row.stage
        report = expected.pop(key, None)
        name = f"{row.in_project}/{row.target} {row.in_model}/{row.stage}"
        if report is None:
            yield surplus("deployments", name)
            continue
        yield from compare(
            "deployments",
            name,
            row._mapping,
            {
                "project_id": row.model_project,
                "number": report.number,
                "digest": report.digest,
                "state": report.state,
                "acted_revision": report.acted_revision,
                "message": report.message,
                "reporter": report.reporter,
                "report_time": microseconds(report.report_time),
                "revision": report.revision,
            },
        )
    for project, target, model, stage in expected:
        yield missing("deployments", f"{project}/{target} {model}/{stage}")


def check_alias_moves(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """Where aliases pointed over time."""
    expected = {
        (*key, *place): number
        for key, model in fold.models.items()
        for place, number in model.alias_moves.items()
    }
    for row in rows.of("alias_moves"):
        key = row.in_project, row.in_model, row.name, row.revision
        name = f"{_pointer_name(key[:3])} of revision {shown(row.revision)}"
        if key not in expected:
            yield surplus("alias_moves", name)
            continue
        told: dict[str, object] = {"of_number": expected.pop(key)}
        if row.version_id is not None:
            told["version_model"] = row.model_id
        yield from compare("alias_moves", name, row._mapping, told)
    for project, model, name, revision in expected:
        yield missing("alias_moves", f"{_pointer_name((project, model, name))} of revision {revision}")


def check_state_moves(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """Which states versions came into."""
    expected = {
        (*key, number, revision): state
        for key, model in fold.models.items()
        for number, version in model.versions.items()
        for revision, state in version.state_moves.items()
    }
    for row in rows.of("version_state_moves"):
        key = row.in_project, row.in_model, row.of_number, row.revision
        name = f"{_pointer_name(key[:3])} of revision {shown(row.revision)}"
        state = expected.pop(key, None)
        if state is None:
            yield surplus("version_state_moves", name)
            continue
        yield from compare("version_state_moves", name, row._mapping, {"state": state})
    for project, model, number, revision in expected:
        yield missing(
            "version_state_moves", f"{_pointer_name((project, model, number))} of revision {revision}"
        )


def _told(column: str, revision: int | None) -> dict[str, object]:
    """A revision that entries of old do not tell is not compared."""
    return {} if revision == UNTOLD else {column: revision}


def _moves(fold: Fold) -> dict[int, tuple[str, str, MoveState]]:
    return {
        revision: (*key, move) for key, model in fold.models.items() for revision, move in model.moves.items()
    }


def _versions(row: Any, move: MoveState) -> dict[str, object]:
    expected: dict[str, object] = {
        "of_number": move.number,
        "version_model": row.model_id,
        "of_previous": move.previous_number or None,
    }
    if row.previous_version_id is not None:
        expected["previous_model"] = row.model_id
    return expected


def _pointer_name(key: tuple[object, object, object]) -> str:
    project, model, name = key
    return f"{project}/{model}@{name}"
