"""Entries whose members are also kept apart: in the columns of a table, in the fields of a message.

Whoever checks that both say the same need not parse a body to find out. Its members stand in one order only, so
the text around ``data`` can be put together from the columns and compared: a third of the work, which is what
checking a whole ledger consists of.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from json.encoder import encode_basestring
from typing import Any

from muniment.ledger.canonical import NotCanonical, is_canonical, read_prefix
from muniment.ledger.entries import FORMAT, Body

_quote: Callable[[str], str] = encode_basestring
_EPOCH = datetime(1970, 1, 1)  # without a zone, which every time would have to be rid of again
_DATA = ',"data":'
_REQUEST = re.compile(r',"request":"([0-9a-f]{64})"')


class ColumnReader:
    """Reads bodies next to their columns, one entry after the other."""

    def __init__(self) -> None:
        self._microseconds = 0
        self._time = ""

    def read(self, columns: tuple[Any, ...], body: bytes) -> Body | None:
        """The members of a body of which the columns say exactly the same.

        Args:
            columns: revision, type, time in microseconds since 1970, actor, project, model, stage, number,
                previous number, digest and reason; 0 and empty where there is none.
            body: the entry's bytes.

        Returns:
            None if they differ in anything, or the body has members this program does not know, or is not one at
            all; :func:`muniment.ledger.entries.read_body` tells.
        """
        revision, kind, microseconds, actor, project, model, stage, number, previous, digest, reason = columns
        try:
            text = body.decode()
            head = f'{{"actor":{_quote(actor)}'
            if microseconds != self._microseconds or not self._time:
                self._time = time_text(microseconds)
                self._microseconds = microseconds
            at = len(head)
            members: Body = {
                "v": FORMAT,
                "revision": revision,
                "type": kind,
                "time": self._time,
                "actor": actor,
            }
            middle = ""
            if digest:
                members["digest"] = digest
                middle = f',"digest":{_quote(digest)}'
            elif digest != "":
                return None
            if model:
                members["model"] = model
                middle += f',"model":{_quote(model)}'
            elif model != "":
                return None
            if number:
                members["number"] = number
                middle += f',"number":{number:d}'
            elif number != 0:
                return None
            if previous:
                members["previous_number"] = previous
                middle += f',"previous_number":{previous:d}'
            elif previous != 0:
                return None
            if project:
                members["project"] = project
                middle += f',"project":{_quote(project)}'
            elif project != "":
                return None
            if reason:
                members["reason"] = reason
                middle += f',"reason":{_quote(reason)}'
            elif reason != "":
                return None
            tail = f',"revision":{revision:d}'
            if stage:
                members["stage"] = stage
                tail += f',"stage":{_quote(stage)}'
            elif stage != "":
                return None
            tail += f',"time":"{self._time}","type":{_quote(kind)},"v":{FORMAT}}}'
            if not text.startswith(head):
                return None
            if text.startswith(_DATA, at):
                start = at + len(_DATA)
                data, at = read_prefix(text, start)
                if type(data) is not dict or not is_canonical(data, text[start:at]):
                    return None
                members["data"] = data
        except (TypeError, ValueError, OverflowError, NotCanonical):
            # A column of the wrong type, or bytes that are no text or no JSON.
            return None
        if text.startswith(',"request":"', at + len(middle)):
            request = _REQUEST.match(text, at + len(middle))
            if request is None:
                return None
            members["request"] = request[1]
            middle += request[0]
        return members if text[at:] == middle + tail else None


def time_text(microseconds: int) -> str:
    """A time as bodies write it: RFC 3339 in UTC with microseconds.

    Raises:
        TypeError, OverflowError: if there is no such time.
    """
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds") + "Z"
