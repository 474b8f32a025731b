"""Projects, models and tokens against the state the ledger implies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from muniment.ledger.canonical import NotCanonical
from muniment.ledger.fold import Fold
from muniment.ledger.state import ModelState
from muniment_core.db.audit.catalog import CatalogRows
from muniment_core.domain.catalog import bytes_digest, labels_digest

from muniment_server.fsck.difference import Difference, compare, microseconds, missing, shown, surplus
from muniment_server.fsck.owned import OwnedRows
from muniment_server.fsck.search import compare_tags

Check = Callable[[CatalogRows, Fold], Iterator[Difference]]


def check_projects(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """Projects and their stages."""
    seen: set[str] = set()
    stages = OwnedRows("project_stages", rows.of("project_stages"), owner="project_id")
    for row in rows.of("projects"):
        own_stages = stages.of(row.id)
        state = fold.projects.get(row.name)
        if state is None:
            yield surplus("projects", row.name)
            continue
        seen.add(row.name)
        yield from compare(
            "projects",
            row.name,
            row._mapping,
            {
                "folded_name": str(row.name).lower(),
                "create_time": microseconds(state.create_time),
                "revision": state.revision,
            },
        )
        yield from compare_labels("projects", row.name, row.description, {}, state.labels)
        found = [(stage.position, stage.name) for stage in own_stages]
        if found != list(enumerate(state.stages)):
            yield Difference(
                "project_stages",
                row.name,
                "name",
                f"is {shown(found)}",
                f"the ledger says {shown(state.stages)}",
            )
    yield from stages.strays()
    yield from (missing("projects", name) for name in fold.projects.keys() - seen)


def check_models(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """Models and their tags."""
    seen: set[tuple[str, str]] = set()
    tags = OwnedRows("model_tags", rows.of("model_tags"), owner="model_id")
    for row in rows.of("models"):
        tag_rows = tags.of(row.id)
        own_tags = {tag.key: tag.value for tag in tag_rows}
        name = f"{row.in_project}/{row.name}"
        state = fold.models.get((row.in_project, row.name))
        if state is None:
            yield surplus("models", name)
            continue
        seen.add((row.in_project, row.name))
        yield from compare("models", name, row._mapping, _model_columns(str(row.name), state))
        # 0 is what models have that were last changed before there was this column.
        if row.change_revision not in (0, state.change_revision):
            yield from compare("models", name, row._mapping, {"change_revision": state.change_revision})
        yield from compare_labels("models", name, row.description, own_tags, state.labels)
        yield from compare_tags("model_tags", name, tag_rows, row.project_id)
    yield from tags.strays()
    yield from (missing("models", "/".join(key)) for key in fold.models.keys() - seen)


def _model_columns(name: str, state: ModelState) -> dict[str, object]:
    return {
        "folded_name": name.lower(),
        "state": state.state,
        "latest_number": len(state.versions),
        "creator": state.creator,
        "create_time": microseconds(state.create_time),
        "update_time": microseconds(state.update_time),
        "revision": state.revision,
    }


def check_tokens(rows: CatalogRows, fold: Fold) -> Iterator[Difference]:
    """Who was given access."""
    seen: set[int] = set()
    for row in rows.of("tokens"):
        state = fold.tokens.get(row.id)
        if state is None:
            yield surplus("tokens", row.id)
            continue
        seen.add(row.id)
        yield from compare(
            "tokens",
            row.id,
            row._mapping,
            {
                "principal": state.principal,
                "in_project": state.project or None,
                "roles": " ".join(state.roles),
                "create_time": microseconds(state.create_time),
                "expire_time": microseconds(state.expire_time),
                "revoke_time": microseconds(state.revoke_time),
            },
        )
        hashed = bytes_digest(row.secret_hash) if type(row.secret_hash) is bytes else ""
        if state.secret and hashed != state.secret:
            yield Difference(
                "tokens", str(row.id), "secret_hash", f"hashes to {hashed}", f"the ledger says {state.secret}"
            )
    yield from (missing("tokens", key) for key in fold.tokens.keys() - seen)


def compare_labels(
    table: str, key: str, description: object, tags: Mapping[Any, Any], expected: str
) -> Iterator[Difference]:
    """Description and tags, of which the ledger holds the digest."""
    try:
        found = labels_digest(description, tags)  # type: ignore[arg-type]  # the table may hold anything
    except (ValueError, TypeError, NotCanonical) as error:
        found = f"nothing ({error})"
    if found != expected:
        yield Difference(table, key, "description, tags", f"hash to {found}", f"the ledger says {expected}")
