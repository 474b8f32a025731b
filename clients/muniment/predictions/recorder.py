"""The recorder that serving code calls."""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import secrets
import threading
import time as clock
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from muniment.errors import DeadlineExceeded, InvalidArgument, MunimentError
from muniment.names import VersionName
from muniment.predictions.buffer import Buffer, Policy
from muniment.predictions.courier import Courier
from muniment.predictions.outbox import Outbox
from muniment.predictions.packing import Packer
from muniment.predictions.payload import take
from muniment.transport.calls import Calls

DEFAULT_CAPACITY = 100_000
MAX_ID = 128
CLOSE_SECONDS = 30.0
EXIT_SECONDS = 5.0
"""How long the end of the process waits for all recorders together."""
END_SECONDS = 2.0
"""How long closing waits for each of its threads, whose call was ended by then."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_POLICIES = ("wait", "drop", "raise")
_log = logging.getLogger("muniment.predictions")


class PredictionRecorder:
    """Records the predictions of one version, from any thread, in the background.

    ::

        with registry.predictions("churn@production") as recorder:
            prediction_id = recorder.record(input=features, output=score)

    A prediction is kept once it is acknowledged; :meth:`flush` waits for that, and so does the end of the process
    for a few seconds. While the registry is away predictions wait here, at most ``capacity`` of them. A child
    process that was forked off records as a sender of its own.

    Attributes:
        version: resource name of the version.
    """

    def __init__(
        self,
        version: VersionName,
        connect: Callable[[], Calls],
        *,
        policy: Policy = "wait",
        capacity: int = DEFAULT_CAPACITY,
        keep_payload: bool = False,
    ) -> None:
        if policy not in _POLICIES:
            raise InvalidArgument(f"policy is {policy!r}, while it is one of {', '.join(_POLICIES)}")
        if not isinstance(capacity, int) or capacity < 1:
            raise InvalidArgument(f"capacity is {capacity!r:.50}, while it is a number of at least 1")
        self.version = version.text
        self._parent = f"projects/{version.project}"
        self._connect = connect
        self._policy = policy
        self._capacity = capacity
        self._keep_payload = keep_payload
        self._inherited: list[object] = []
        self._closed = False
        self._begin()
        _look_after(self)

    def __enter__(self) -> PredictionRecorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(
        self, id: str | None = None, *, input: object, output: object, time: datetime | None = None
    ) -> str:
        """Record one prediction, without waiting for the registry.

        Args:
            id: by which it will be found, 1 to 128 printable characters; by default a new one.
            input: what the model was asked: bytes, text, a :class:`muniment.digests.Digest` of it, or plain
                lists, mappings and numbers, of which the canonical JSON is digested.
            output: what it answered, likewise.
            time: when, with a time zone; by default now.

        Returns:
            The id.

        Raises:
            InvalidArgument: if an argument is none of these.
            BufferFull: if ``capacity`` predictions wait and the policy is to raise.
            RegistryClosed: if the recorder was closed.
            MunimentError: what keeps predictions from being kept for good, such as PermissionDenied.
        """
        if id is None:
            id = f"{self._prefix}-{next(self._numbers):x}"
        elif not isinstance(id, str) or not 0 < len(id) <= MAX_ID or not id.isprintable():
            raise InvalidArgument(f"prediction id {id!r:.200} is not 1 to {MAX_ID} printable characters")
        moment = clock.time_ns() if time is None else _nanoseconds(time)
        self._buffer.put((id, moment, take(input, "input"), take(output, "output")))
        if not self._started:
            self._start()
        return id

    @property
    def recorded(self) -> int:
        """Predictions taken so far."""
        return self._buffer.counts.recorded

    @property
    def acknowledged(self) -> int:
        """Those of them that the registry keeps."""
        return self._buffer.counts.acknowledged

    @property
    def dropped(self) -> int:
        """Predictions that will never be kept: without room under the policy ``drop``, or impossible to send."""
        return self._buffer.counts.dropped

    def flush(self, timeout: float | None = CLOSE_SECONDS) -> None:
        """Wait until everything recorded so far is acknowledged.

        Args:
            timeout: seconds; None: for ever.

        Raises:
            DeadlineExceeded: if it is not in time; nothing is lost by that.
            InvalidArgument: if a prediction could not be sent, as its payload holds NaN; the others are kept.
            MunimentError: as :meth:`record`.
        """
        self._outbox.hurry(True)
        try:
            done = self._buffer.flush(timeout)
        finally:
            self._outbox.hurry(False)
        if not done:
            raise DeadlineExceeded(
                f"{self._buffer.outstanding} predictions are not acknowledged after {timeout:g} s: the recorder "
                "goes on trying"
            )

    def close(self, timeout: float | None = CLOSE_SECONDS) -> None:
        """Flush, and take nothing more. Closing twice is fine.

        Raises:
            As :meth:`flush`; the recorder is closed all the same, and what was not acknowledged is given up.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self.flush(timeout)
        finally:
            self._end()

    def _begin(self) -> None:
        self._started = False
        self._threads: list[threading.Thread] = []
        self._prefix = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._starting = threading.Lock()
        self._buffer = Buffer(self._capacity, self._policy)
        self._outbox = Outbox(self._parent)
        self._packer = Packer(self._buffer, self._outbox, self.version, keep_payload=self._keep_payload)
        self._courier = Courier(self._buffer, self._outbox, self._connect)

    def _start(self) -> None:
        with self._starting:
            if not self._started:
                for target in (self._packer.run, self._courier.run):
                    thread = threading.Thread(target=target, name="muniment-predictions", daemon=True)
                    thread.start()
                    self._threads.append(thread)
                self._started = True
                _open.add(self)

    def _end(self) -> None:
        self._buffer.close()
        _open.discard(self)
        if not self._started:
            return
        self._outbox.abandon()
        if (calls := self._courier.calls) is not None:
            calls.close()
        # A thread that is still in gRPC when the interpreter ends can take the process down with it.
        for thread in self._threads:
            thread.join(END_SECONDS)

    def _after_fork(self) -> None:
        """In a child: what waits is the parent's affair, its threads are not here, its locks may be held."""
        # Kept for ever: ending a connection whose threads are gone would hang.
        self._inherited.append((self._buffer, self._outbox, self._packer, self._courier))
        self._begin()
        if self._closed:
            self._buffer.close()


def _nanoseconds(time: datetime) -> int:
    if time.tzinfo is None:
        raise InvalidArgument(f"time {time} has no time zone")
    return (time - _EPOCH) // _MICROSECOND * 1000


_recorders: weakref.WeakSet[PredictionRecorder] = weakref.WeakSet()
_open: set[PredictionRecorder] = set()
"""Those that recorded something and are not closed: who lets go of one has not lost what it holds."""
_watching = threading.Event()


def _look_after(recorder: PredictionRecorder) -> None:
    """See to it that forks and the end of the process know of a recorder."""
    _recorders.add(recorder)
    if not _watching.is_set():
        _watching.set()
        os.register_at_fork(after_in_child=_forked)
        atexit.register(_flush_at_exit)


def _forked() -> None:
    _open.clear()
    for recorder in list(_recorders):
        recorder._after_fork()


def _flush_at_exit() -> None:
    """Give what waits a last chance; the process does not end later for it than some seconds."""
    end = clock.monotonic() + EXIT_SECONDS
    for recorder in list(_open):
        try:
            recorder.close(max(0.0, end - clock.monotonic()))
        except MunimentError as error:
            _log.warning("predictions of %s were lost at exit: %s", recorder.version, error.message)
