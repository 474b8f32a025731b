"""Promotes and points an alias by turns until told to stop, whatever happens to the server.

promote_on.py MODEL JOURNAL STOP-FILE. Versions 1 and 2 must exist. Beginnings and answers are noted.
"""

from __future__ import annotations

import sys
from pathlib import Path

import muniment
from journal import Journal, until_answered

model, stop = sys.argv[1], Path(sys.argv[3])
journal = Journal(Path(sys.argv[2]))
with muniment.connect() as registry:
    count = 0
    while not stop.exists():
        count += 1
        number = 1 + count % 2
        request_id = f"promotion-{count}"

        def promote(number: int = number, request_id: str = request_id) -> muniment.Promotion:
            return registry.promote(
                f"{model}@{number}", to="staging", request_id=request_id, reason=request_id
            )

        journal.note(begun=request_id)
        promotion = until_answered(promote)
        journal.note(promotion=request_id, revision=promotion.revision, number=number)

        def point(number: int = number) -> muniment.Alias:
            return registry.alias(model, "champion", to=number)

        alias = until_answered(point)
        journal.note(alias=alias.number, after=promotion.revision)
