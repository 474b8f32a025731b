"""Batches of predictions against the entries that sealed them, and against their bodies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from muniment.ledger.entries import Body
from muniment.v1 import prediction_pb2
from muniment_artifact.blobs.store import BlobStore
from muniment_artifact.blobs.whole import get_blob
from muniment_core.db.audit.predictions import PredictionRows
from muniment_core.domain.errors import BytesDamaged
from muniment_core.domain.merkle import leaf_hash
from muniment_core.domain.prediction import MICROSECONDS_OF_HOUR
from muniment_metadata.predictions.body import unpack_body
from muniment_metadata.predictions.record import id_hash
from muniment_metadata.predictions.retention import EXPIRED
from muniment_metadata.predictions.sealing import SEALED
from muniment_metadata.predictions.tree import batch_root

from muniment_server.fsck.bytes import digest_of
from muniment_server.fsck.difference import Difference, compare, microseconds, missing, shown, surplus
from muniment_server.fsck.owned import OwnedRows

BATCHES, SHARES, SENDERS, IDS, BODIES = (
    "prediction_batches",
    "prediction_shares",
    "prediction_senders",
    "prediction_ids",
    "prediction bodies",
)
TYPES = frozenset({SEALED, EXPIRED})


class BatchesCheck:
    """Batches and shares, read alongside the entries that tell of them.

    Batches are many more than anything else the ledger tells of, so that they are no part of the folded state.
    """

    def __init__(self, rows: PredictionRows) -> None:
        self._batches = rows.batches()
        self._shares_of = rows.shares()
        self._shares = OwnedRows(SHARES, self._shares_of, owner="revision")
        self._following: Any = next(self._batches, None)
        self._given_up: dict[int, int] = {}

    def close(self) -> None:
        """Read no further."""
        self._batches.close()
        self._shares_of.close()

    def check(self, revision: int, members: Body) -> Iterator[Difference]:
        """What one entry of :data:`TYPES` tells."""
        try:
            if members["type"] == SEALED:
                yield from self._sealed(revision, members, members["data"])
            else:
                yield from self._expired(revision, members, members["data"]["batches"])
        except (KeyError, TypeError, ValueError) as error:
            said = f"does not say all that a {members['type']} entry must: {error}"
            yield Difference("ledger_entries", str(revision), "body", said)

    def rest(self) -> Iterator[Difference]:
        """Batches no entry tells of, or that no entry says to be given up."""
        yield from self._before(None)
        yield from self._shares.strays()
        for revision, time in self._given_up.items():
            yield Difference(BATCHES, str(revision), "expire_time", f"is {time}", "the ledger says nothing")

    def _sealed(self, revision: int, members: Body, data: dict[str, Any]) -> Iterator[Difference]:
        yield from self._before(revision)
        row = self._following
        if row is None or row.revision != revision:
            yield missing(BATCHES, revision)
            return
        self._following = next(self._batches, None)
        if row.expire_time is not None:
            self._given_up[revision] = row.expire_time
        elif row.body_dropped:
            yield Difference(BATCHES, str(revision), "body_dropped", "is set", "it was not given up")
        told = {
            "in_project": members["project"],
            "count": data["count"],
            "root_hash": bytes.fromhex(data["root"]),
            "body_digest": data["body"],
            "first_time": microseconds(data["first_time"]),
            "last_time": microseconds(data["last_time"]),
            "seal_time": microseconds(members["time"]),
        }
        yield from compare(BATCHES, revision, row._mapping, told)
        yield from self._shares_against(revision, data)

    def _shares_against(self, revision: int, data: dict[str, Any]) -> Iterator[Difference]:
        shares = self._shares.of(revision)
        made: Counter[str] = Counter()
        for share in shares:
            version = f"projects/{share.in_project}/models/{share.in_model}/versions/{share.of_number}"
            made[version] += share.count
            begin = share.hour * MICROSECONDS_OF_HOUR
            if not begin <= share.first_time <= share.last_time < begin + MICROSECONDS_OF_HOUR:
                found = f"are {share.first_time} to {share.last_time}"
                yield Difference(
                    SHARES,
                    f"{revision} {version}",
                    "first_time, last_time",
                    found,
                    f"its hour is {share.hour}",
                )
        if made != Counter(data["versions"]):
            told = f"the ledger says {shown(data['versions'])}"
            yield Difference(SHARES, str(revision), "count by version", f"is {shown(dict(made))}", told)
        if shares:
            span = min(share.first_time for share in shares), max(share.last_time for share in shares)
            expected = microseconds(data["first_time"]), microseconds(data["last_time"])
            if span != expected:
                yield Difference(
                    SHARES,
                    str(revision),
                    "first and last time",
                    f"are {span}",
                    f"the ledger says {expected}",
                )

    def _expired(self, revision: int, members: Body, batches: list[int]) -> Iterator[Difference]:
        time = microseconds(members["time"])
        for batch in batches:
            found = self._given_up.pop(batch, None)
            if found != time:
                says = f"entry {revision} says {time}"
                yield Difference(BATCHES, str(batch), "expire_time", f"is {shown(found)}", says)

    def _before(self, revision: int | None) -> Iterator[Difference]:
        while (row := self._following) is not None and (revision is None or row.revision < revision):
            yield surplus(BATCHES, row.revision)
            self._following = next(self._batches, None)


def check_senders(rows: PredictionRows) -> Iterator[Difference]:
    """How far senders are: their last message is in a batch of their own."""
    for row in rows.senders():
        told = {"project_id": row.batch_project, "time": row.batch_time, "principal": row.actor}
        yield from compare(
            SENDERS, f"{row.principal}/{row.sender}", row._mapping, told, by=f"batch {row.revision}"
        )


class BodiesCheck:
    """The bodies of batches, and what is found by them."""

    def __init__(
        self, rows: PredictionRows, store: BlobStore, *, read: bool, still_kept: Callable[[int], bool]
    ) -> None:
        """
        Args:
            rows: the tables.
            store: where the bodies are.
            read: whether to read them, and not only to look whether they are there.
            still_kept: whether a batch's body is not given up now; asked for one that is not what it should be,
                as a running server may have removed it since the tables were read.
        """
        self._rows = rows
        self._store = store
        self._read = read
        self._still_kept = still_kept

    def run(self, looked_at: Callable[[], None]) -> Iterator[Difference]:
        """Everything that differs; ``looked_at`` is called for each body."""
        shares = OwnedRows(SHARES, self._rows.shares(), owner="revision")
        for row in self._rows.batches():
            own = shares.of(row.revision)
            if row.expire_time is not None:
                continue
            looked_at()
            try:
                found = list(self._body(row, own) if self._read else self._stat(row))
            except (BytesDamaged, ValueError) as error:
                says = f"it is the body of batch {row.revision}"
                found = [Difference(BODIES, shown(row.body_digest), "", f"is damaged ({error})", says)]
            if found and self._still_kept(row.revision):
                yield from found
        yield from shares.strays()

    def _stat(self, row: Any) -> Iterator[Difference]:
        found = self._store.stat(digest_of(row.body_digest))
        if found is None:
            yield missing(BODIES, row.body_digest, f"it is the body of batch {row.revision}")
        elif found.size != row.body_bytes:
            says = f"the body has {found.size}"
            yield Difference(BATCHES, str(row.revision), "body_bytes", f"is {row.body_bytes}", says)

    def _body(self, row: Any, shares: list[Any]) -> Iterator[Difference]:
        body = get_blob(self._store, digest_of(row.body_digest), row.body_bytes)
        records = unpack_body(body, row.body_digest)
        root = batch_root([leaf_hash(record) for record in records])
        told = {"count": len(records), "root_hash": root}
        yield from compare(BATCHES, row.revision, row._mapping, told, by="its body")
        ids: set[int] = set()
        made: dict[tuple[str, int], list[int]] = {}
        for record in records:
            message = prediction_pb2.Prediction.FromString(record)
            ids.add(id_hash(message.id))
            time = message.time.seconds * 1_000_000 + message.time.nanos // 1000
            made.setdefault((message.version, time // MICROSECONDS_OF_HOUR), []).append(time)
        for lost in sorted(ids - self._rows.known_ids(row.revision, sorted(ids))):
            yield missing(IDS, f"{lost} of revision {row.revision}", "the body has a prediction of that id")
        expected = {key: (len(times), min(times), max(times)) for key, times in made.items()}
        found = {
            (f"projects/{one.in_project}/models/{one.in_model}/versions/{one.of_number}", one.hour): (
                one.count,
                one.first_time,
                one.last_time,
            )
            for one in shares
        }
        if found != expected:
            says = f"its body says {shown(expected)}"
            yield Difference(SHARES, str(row.revision), "", f"are {shown(found)}", says)
