"""Where aliases were and which states versions had: what answers about the past are looked up in."""

from __future__ import annotations

from collections.abc import Iterator

from muniment.ledger.fold import Fold
from muniment_core.db.audit.catalog import CatalogRows

from muniment_server.fsck.difference import Difference, compare, missing, surplus


def check_alias_moves(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """How the aliases came to point where they do."""
    expected = {
        (*key, *move): number
        for key, model in fold.models.items()
        for move, number in model.alias_moves.items()
    }
    for row in rows.of("alias_moves"):
        key = row.in_project, row.in_model, row.name, row.revision
        number = expected.pop(key, None)
        if number is None:
            yield surplus("alias_moves", _name(key))
            continue
        told: dict[str, object] = (
            {"of_number": number, "version_model": row.model_id} if number else {"version_id": None}
        )
        yield from compare("alias_moves", _name(key), row._mapping, told)
    yield from (missing("alias_moves", _name(key)) for key in expected)


def check_version_states(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """How the versions came to their states."""
    expected = {
        (*key, number, revision): state
        for key, model in fold.models.items()
        for number, version in model.versions.items()
        for revision, state in version.states.items()
    }
    for row in rows.of("version_state_moves"):
        key = row.in_project, row.in_model, row.of_number, row.revision
        state = expected.pop(key, None)
        if state is None:
            yield surplus("version_state_moves", _name(key))
            continue
        yield from compare("version_state_moves", _name(key), row._mapping, {"state": state})
    yield from (missing("version_state_moves", _name(key)) for key in expected)


def _name(key: tuple[object, object, object, object]) -> str:
    project, model, what, revision = key
    return f"{project}/{model}@{what} at revision {revision}"
