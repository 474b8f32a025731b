"""All checks of `fsck`, in an order in which what is found first explains what is found later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from muniment_artifact.collection.sweep import Stores
from muniment_core.db import schema
from muniment_core.db.audit.artifacts import ArtifactRows
from muniment_core.db.audit.catalog import CatalogRows
from muniment_core.db.audit.ledger import LedgerRows
from muniment_core.db.audit.predictions import PredictionRows
from muniment_core.db.audit.reading import Unreadable, damage_told, snapshot
from muniment_core.db.audit.soundness import damage, dangling
from muniment_core.db.database import Database
from muniment_core.domain.tiers import Shelf
from muniment_core.signing.anchor import Anchor, UnusableAnchor

from muniment_server.fsck.bytes import BytesCheck
from muniment_server.fsck.catalog import Check, check_models, check_projects, check_tokens
from muniment_server.fsck.difference import Difference, shown
from muniment_server.fsck.ledger import LedgerCheck
from muniment_server.fsck.pointers import (
    check_alias_moves,
    check_aliases,
    check_deployments,
    check_promotions,
    check_stage_moves,
    check_stage_pointers,
    check_state_moves,
)
from muniment_server.fsck.predictions import BodiesCheck, check_senders
from muniment_server.fsck.versions import check_versions

Progress = Callable[[str, int], None]

TABLE_CHECKS: tuple[tuple[str, Check], ...] = (
    ("projects", check_projects),
    ("models", check_models),
    ("versions", check_versions),
    ("aliases", check_aliases),
    ("alias moves", check_alias_moves),
    ("version states", check_state_moves),
    ("stage moves", check_stage_moves),
    ("stages", check_stage_pointers),
    ("promotions", check_promotions),
    ("deployments", check_deployments),
    ("tokens", check_tokens),
)


@dataclass(slots=True)
class Checked:
    """How much was checked."""

    entries: int = 0
    versions: int = 0
    blobs: int = 0


class Fsck:
    """One check of a whole registry.

    Attributes:
        checked: how much was checked so far.
    """

    def __init__(
        self,
        database: Database,
        stores: Stores | None,
        *,
        anchor: Anchor | None = None,
        remembered_since: datetime | None = None,
        read_bytes: bool = False,
        progress: Progress,
    ) -> None:
        """
        Args:
            database: with the schema of this program. A server may use it: the check sees one snapshot.
            stores: where the bytes are; None leaves them out.
            anchor: where the newest checkpoint is kept; None leaves it out.
            remembered_since: answers to requests from before then may have been forgotten; None: none may.
            read_bytes: whether to read and hash every blob.
            progress: told what is being counted, and how far it has come.
        """
        self._database = database
        self._stores = stores
        self._anchor = anchor
        self._remembered_since = remembered_since
        self._read_bytes = read_bytes
        self._progress = progress
        self.checked = Checked()

    def run(self) -> Iterator[Difference]:
        """Everything that differs, as it is found.

        Raises:
            SchemaBehind: if the database has the schema of an earlier program.
            SchemaAhead: if it has that of a later one.
        """
        try:
            with damage_told():
                yield from self.schema()
                yield from self.soundness()
                yield from self.tables()
                yield from self.bytes()
        except Unreadable as error:
            yield Difference("database", "", "", f"cannot be read on: {error}")

    def schema(self) -> Iterator[Difference]:
        """Tables, columns and indexes that are not those of this program.

        Raises:
            SchemaBehind: if it is the schema of an earlier program.
            SchemaAhead: if it is that of a later one.
        """
        schema.require_current(self._database)
        for difference in schema.differences(self._database):
            yield Difference("schema", "", "", f"is not that of this program: {shown(difference)}")

    def soundness(self) -> Iterator[Difference]:
        """What is wrong with the database file, whatever it holds, and with references from row to row."""
        with snapshot(self._database) as connection:
            for text in damage(connection):
                yield Difference("database", "", "", f"is damaged: {text}")
            for table, row, referenced in dangling(connection):
                said = f"refers to a row of {referenced} that there is not"
                yield Difference(table, f"rowid {row}", "", said)

    def tables(self) -> Iterator[Difference]:
        """What differs within the database, in one snapshot."""
        anchored = None
        if self._anchor is not None:
            # Before the tables: a server goes on signing, and the anchor would run ahead of them.
            try:
                anchored = self._anchor.read()
            except UnusableAnchor as error:
                yield Difference("anchor", "", "", f"cannot be read: {error}")
        with snapshot(self._database) as connection:
            ledger = LedgerCheck(
                LedgerRows(connection),
                PredictionRows(connection),
                anchored=anchored,
                remembered_since=self._remembered_since,
                progress=lambda count: self._progress("entries", count),
            )
            yield from ledger.run()
            self.checked.entries = ledger.size
            rows = CatalogRows(connection)
            for number, (what, check) in enumerate(TABLE_CHECKS, 1):
                self._progress(f"tables ({what})", number)
                yield from check(rows, ledger.fold)
            yield from check_senders(PredictionRows(connection))
            self.checked.versions = sum(len(model.versions) for model in ledger.fold.models.values())

    def bytes(self) -> Iterator[Difference]:
        """Blobs that are not what the database says, if there is a store to ask."""
        if self._stores is None:
            return
        with snapshot(self._database) as connection:
            blobs = BytesCheck(
                ArtifactRows(connection),
                self._stores,
                read=self._read_bytes,
                still_held=self._still_held,
                still_manifest=self._still_manifest,
                progress=lambda count: self._progress("blobs", count),
            )
            yield from blobs.run()
            self.checked.blobs = blobs.blobs
            bodies = BodiesCheck(
                PredictionRows(connection),
                self._stores[Shelf.PREDICTIONS],
                read=self._read_bytes,
                still_kept=self._still_kept,
            )
            yield from bodies.run(self._count_blob)

    def _count_blob(self) -> None:
        self.checked.blobs += 1
        self._progress("blobs", self.checked.blobs)

    def _still_kept(self, revision: int) -> bool:
        with snapshot(self._database) as connection:
            return PredictionRows(connection).is_kept(revision)

    def _still_held(self, shelf: Shelf, digest: str) -> bool:
        with snapshot(self._database) as connection:
            return ArtifactRows(connection).is_held(shelf, digest)

    def _still_manifest(self, manifest_id: int, tier: str) -> bool:
        with snapshot(self._database) as connection:
            return ArtifactRows(connection).is_kept(manifest_id, tier)
