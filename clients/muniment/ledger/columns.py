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
from typing import Any, TypeAlias

from muniment.ledger.canonical import NotCanonical, is_canonical, read_prefix
from muniment.ledger.entries import FORMAT, Body

_quote: Callable[[str], str] = encode_basestring
_EPOCH = datetime(1970, 1, 1)  # without a zone, which every time would have to be rid of again
_DATA = ',"data":'
_REQUEST = re.compile(r',"request":"([0-9a-f]{64})"')
# Half of all types of entries tell one text, mostly a digest. Of these characters none is written another way.
_ONE_TEXT = re.compile(r'\{"([a-z_]+)":"([ !#-\[\]-~]*)"\}')
_MOST_FRAMES = 1_024

_Frame: TypeAlias = tuple[Body, str, str, str, str, str]
"""Members, and the text of actor, model, project, stage, and of type to the end."""


class ColumnReader:
    """Reads bodies next to their columns, one entry after the other."""

    def __init__(self) -> None:
        self._microseconds = 0
        self._time = ""
        self._frames: dict[tuple[str, ...], _Frame] = {}

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
            frame = self._frames.get((kind, actor, project, model, stage))
            if frame is None:
                frame = self._frame(kind, actor, project, model, stage)
            known, head, of_model, of_project, of_stage, end = frame
            if microseconds != self._microseconds or not self._time:
                self._time = time_text(microseconds)
                self._microseconds = microseconds
            members: Body = {**known, "revision": revision, "time": self._time}
            middle = ""
            if digest:
                members["digest"] = digest
                middle = f',"digest":{_quote(digest)}'
            elif digest != "":
                return None
            middle += of_model
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
            middle += of_project
            if reason:
                members["reason"] = reason
                middle += f',"reason":{_quote(reason)}'
            elif reason != "":
                return None
            tail = f',"revision":{revision:d}{of_stage},"time":"{self._time}"{end}'
            if not text.startswith(head):
                return None
            at = len(head)
            if text.startswith(_DATA, at):
                start = at + len(_DATA)
                if one := _ONE_TEXT.match(text, start):
                    members["data"] = {one[1]: one[2]}
                    at = one.end()
                else:
                    data, at = read_prefix(text, start)
                    if type(data) is not dict or not is_canonical(data, text[start:at]):
                        return None
                    members["data"] = data
        except (TypeError, ValueError, OverflowError, NotCanonical):
            # A column of the wrong type, or bytes that are no text or no JSON.
            return None
        if request := _REQUEST.match(text, at + len(middle)):
            members["request"] = request[1]
            middle += request[0]
        return members if text[at:] == middle + tail else None

    def _frame(self, kind: str, actor: str, project: str, model: str, stage: str) -> _Frame:
        """What many entries have in common; kept, for putting that together is most of the work.

        Raises:
            TypeError: if one of them is no text.
        """
        own = {"model": model, "project": project, "stage": stage}
        of_model, of_project, of_stage = (_member(name, value) for name, value in own.items())
        members: Body = {"v": FORMAT, "type": kind, "actor": actor}
        members |= {name: value for name, value in own.items() if value}
        head, end = f'{{"actor":{_quote(actor)}', f',"type":{_quote(kind)},"v":{FORMAT}}}'
        if len(self._frames) >= _MOST_FRAMES:
            self._frames.clear()
        frame = members, head, of_model, of_project, of_stage, end
        self._frames[kind, actor, project, model, stage] = frame
        return frame


def _member(name: str, value: object) -> str:
    if type(value) is not str:
        raise TypeError(f"{name} is no text")
    return f',"{name}":{_quote(value)}' if value else ""


def time_text(microseconds: int) -> str:
    """A time as bodies write it: RFC 3339 in UTC with microseconds.

    Raises:
        TypeError, OverflowError: if there is no such time.
    """
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds") + "Z"
