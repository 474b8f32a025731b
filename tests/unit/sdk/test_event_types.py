"""The types of entries that clients know."""

from __future__ import annotations

import re
from pathlib import Path

from muniment.values.ledger import EVENT_TYPES

KINDS = {known.partition(".")[0] for known in EVENT_TYPES}
TYPE = re.compile(rf'"((?:{"|".join(KINDS)})\.[a-z_]+(?:ed|_back|\.set))"')


def test_clients_know_every_type_the_services_write(repository: Path) -> None:
    written = {
        found
        for folder in ("services", "clients")
        for source in (repository / folder).rglob("*.py")
        for found in TYPE.findall(source.read_text())
    }
    assert {"version.created", "stage.rolled_back"} <= written
    assert written <= set(EVENT_TYPES)
