"""An event loop that asks the database itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from muniment_core.db.direct import DirectLookUp, Row
from muniment_core.db.integrity import is_infrastructure

_log = logging.getLogger(__name__)


class Direct:
    """A look-up whose connection one event loop reads.

    Attributes:
        loop: that loop.
        lost: whether the connection broke; who asks then does so elsewhere.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, look_up: DirectLookUp) -> None:
        self.loop = loop
        self.lost = False
        self._look_up = look_up
        self._socket = look_up.socket
        self._asked: asyncio.Future[list[Row | None]] | None = None
        loop.add_reader(self._socket, self._read)

    async def ask(self, asked: Sequence[Mapping[str, str]]) -> list[Row | None] | None:
        """The first row, or None, for each of the values; None instead of a list if the connection broke.

        One call at a time.
        """
        future: asyncio.Future[list[Row | None]] = self.loop.create_future()
        self._asked = future
        try:
            if not self._look_up.send(asked):
                self.loop.add_writer(self._socket, self._write)
        except Exception as error:  # noqa: BLE001 - raised below
            self._lose(error)
        try:
            return await future
        except Exception as error:
            if not is_infrastructure(error):
                raise
            return None

    def close(self) -> None:
        """Let the connection go."""
        if self.lost:
            return
        self.lost = True
        if not self.loop.is_closed():
            self.loop.remove_reader(self._socket)
            self.loop.remove_writer(self._socket)
        self._look_up.close()

    def _read(self) -> None:
        try:
            found = self._look_up.receive()
        except Exception as error:  # noqa: BLE001 - told to who waits
            self._lose(error)
            return
        if found is not None and self._asked is not None and not self._asked.done():
            self._asked.set_result(found)

    def _write(self) -> None:
        try:
            if self._look_up.flush():
                self.loop.remove_writer(self._socket)
        except Exception as error:  # noqa: BLE001 - told to who waits
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        self.close()
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(error)
        else:
            _log.debug("the connection for look-ups ended while nobody waited: %s", error)
