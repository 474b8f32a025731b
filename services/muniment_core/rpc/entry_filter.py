"""Reads the filter that the audit log and Watch share."""

from __future__ import annotations

import re
from datetime import datetime

from muniment.v1 import ledger_service_pb2

from muniment_core.db.ledger_store import EntryQuery
from muniment_core.domain.errors import InvalidField, LimitExceeded
from muniment_core.rpc.convert import name

MAX_TYPES = 20
_TYPE = re.compile(r"[a-z_]+(\.[a-z_]+)*(\.\*)?")


def entry_query(
    project: str | None,
    message: ledger_service_pb2.EntryFilter,
    *,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
) -> EntryQuery:
    """The conditions of a filter, checked.

    Raises:
        InvalidName: if model, stage or actor is not a name.
        InvalidField: if a type does not look like one, or a number is none of a version of the model.
        LimitExceeded: if there are more than 20 types.
    """
    if len(message.types) > MAX_TYPES:
        raise LimitExceeded("filter.types", MAX_TYPES, len(message.types))
    for index, entry_type in enumerate(message.types):
        if not _TYPE.fullmatch(entry_type):
            raise InvalidField(
                f"filter.types[{index}]", "is not a type such as 'stage.promoted' or 'stage.*'"
            )
    if message.number < 0:
        raise InvalidField("filter.number", f"is {message.number}, while versions begin at 1")
    if message.number and not message.model:
        raise InvalidField("filter.number", "needs filter.model: every model has versions of that number")
    return EntryQuery(
        project=project,
        model=name("filter.model", "model", message.model) if message.model else "",
        number=message.number,
        stage=name("filter.stage", "stage", message.stage) if message.stage else "",
        actor=name("filter.actor", "principal", message.actor) if message.actor else "",
        types=tuple(message.types),
        start_time=start_time,
        end_time=end_time,
    )
