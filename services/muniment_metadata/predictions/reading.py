"""The predictions of a version, or of all versions trained on a data set: in order of time, and counted."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.errors import LimitExceeded
from muniment_core.domain.prediction import MICROSECONDS_OF_HOUR, Batch, ListedShare, PredictionScope
from muniment_core.rpc.execution import Execution

from muniment_metadata.predictions.bodies import BodyStore
from muniment_metadata.predictions.body import unpack_body
from muniment_metadata.predictions.record import Prediction, nanoseconds

SHARES_AT_ONCE = 64
MAX_CUT_SHARES = 1_000
"""Most batches a count looks into: those that begin before a bound of its time and end after it."""
_BODIES_HELD = 8
_NANOSECONDS_OF_HOUR = MICROSECONDS_OF_HOUR * 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Position = tuple[int, int, int]
"""Time in nanoseconds, revision, place in the batch: the order in which predictions are listed."""


@dataclass(frozen=True, slots=True)
class ListedPrediction:
    """A prediction on a page."""

    position: Position
    data: bytes

    @property
    def message(self) -> Prediction:
        """What the bytes say."""
        return Prediction.FromString(self.data)


@dataclass(frozen=True, slots=True)
class Period:
    """From a time on, and before another, in nanoseconds since 1970; None: without bound."""

    start: int | None = None
    end: int | None = None

    def holds(self, time: int) -> bool:
        """Whether a time lies in it."""
        return (self.start is None or time >= self.start) and (self.end is None or time < self.end)

    @property
    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Its bounds as the index knows times: rounded down to microseconds."""
        return _rounded(self.start), _rounded(self.end)


async def list_predictions(
    execution: Execution,
    bodies: BodyStore,
    scope: PredictionScope,
    period: Period,
    *,
    after: Position | None,
    limit: int,
) -> list[ListedPrediction]:
    """Predictions in order of position, after one.

    Shares come by their first prediction, and those of different hours do not overlap. What was read waits in a
    heap, and leaves it once no share that is still to come can hold anything earlier.
    """
    start, end = period.bounds
    if after is not None:
        resumed = _rounded(after[0])
        start = resumed if start is None or resumed is None else max(start, resumed)
    reader = _ShareReader(bodies, period, after)
    page: list[ListedPrediction] = []
    heap: list[tuple[Position, bytes]] = []
    cursor = None
    more = True
    while more:
        shares = await execution.query(partial(_shares, scope, start, end, cursor))
        more = len(shares) == SHARES_AT_ONCE
        for share in shares:
            horizon = _nanoseconds(share.first_time)
            while heap and heap[0][0][0] < horizon:
                page.append(ListedPrediction(*heapq.heappop(heap)))
                if len(page) == limit:
                    return page
            for found in await execution.io(partial(reader.read, share)):
                heapq.heappush(heap, found)
            cursor = share.position
    while heap and len(page) < limit:
        page.append(ListedPrediction(*heapq.heappop(heap)))
    return page


async def count_predictions(
    execution: Execution, bodies: BodyStore, scope: PredictionScope, period: Period
) -> tuple[int, int]:
    """How many predictions there are whose bodies are kept, and how many were made in expired batches.

    Raises:
        LimitExceeded: if too many batches lie across a bound.
    """
    start, end = period.bounds

    def count(reader: Reader) -> tuple[int, int, list[ListedShare]]:
        whole, expired = reader.prediction_search.counts(scope, start=start, end=end)
        cut = reader.prediction_search.cut(scope, start=start, end=end, limit=MAX_CUT_SHARES + 1)
        return whole, expired, cut

    whole, expired, cut = await execution.query(count)
    if len(cut) > MAX_CUT_SHARES:
        raise LimitExceeded("batches across the bounds of the time", MAX_CUT_SHARES, len(cut))
    shares = _ShareReader(bodies, period, None)
    looked_at = await execution.io(lambda: sum(len(shares.read(share)) for share in cut))
    return whole + looked_at, expired


class _ShareReader:
    """Reads shares; batches of several versions are met several times in a row, so the last bodies are held."""

    def __init__(self, bodies: BodyStore, period: Period, after: Position | None) -> None:
        self._bodies = bodies
        self._period = period
        self._after = after
        self._held: OrderedDict[int, list[bytes]] = OrderedDict()

    def read(self, share: ListedShare) -> list[tuple[Position, bytes]]:
        """Those predictions of a share that are wanted."""
        return list(self._wanted(share))

    def _wanted(self, share: ListedShare) -> Iterator[tuple[Position, bytes]]:
        version = share.version.text
        revision = share.batch.revision
        for index, data in enumerate(self._records(share.batch)):
            message = Prediction.FromString(data)
            time = nanoseconds(message)
            if message.version == version and time // _NANOSECONDS_OF_HOUR == share.hour:
                position = time, revision, index
                if self._period.holds(time) and (self._after is None or position > self._after):
                    yield position, data

    def _records(self, batch: Batch) -> list[bytes]:
        records = self._held.get(batch.revision)
        if records is None:
            records = unpack_body(self._bodies.get(batch.body_digest, batch.body_bytes), batch.body_digest)
            self._held[batch.revision] = records
            if len(self._held) > _BODIES_HELD:
                self._held.popitem(last=False)
        return records


def _shares(
    scope: PredictionScope,
    start: datetime | None,
    end: datetime | None,
    after: tuple[int, datetime, int, int] | None,
    reader: Reader,
) -> list[ListedShare]:
    return reader.prediction_search.shares(scope, start=start, end=end, after=after, limit=SHARES_AT_ONCE)


def _nanoseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000


def _rounded(nanoseconds_since_1970: int | None) -> datetime | None:
    if nanoseconds_since_1970 is None:
        return None
    return _EPOCH + timedelta(microseconds=nanoseconds_since_1970 // 1000)
