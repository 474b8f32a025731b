"""Which key signs the ledger of this process and where its anchor is, as the settings say."""

from __future__ import annotations

import logging
import secrets
from functools import partial

from muniment.ledger.keys import PublicKey
from muniment_core.db.checkpoint_store import CheckpointStore
from muniment_core.db.database import Database
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.access import SYSTEM
from muniment_core.signing import durable
from muniment_core.signing.anchor import Anchor, FileAnchor
from muniment_core.signing.changes import KeyKnown, KeyMoved, add_first_key, replace_key, rotate_key
from muniment_core.signing.key_file import KeyFile, UnusableKey
from muniment_core.signing.shared_anchor import SharedAnchor

from muniment_server.anchor_place import Bucket
from muniment_server.blobs import open_anchor_objects
from muniment_server.settings import StorageSettings

KEY_FILE = "signing-key.pem"
ANCHOR_FILE = "anchor"
_log = logging.getLogger(__name__)


def key_file(settings: StorageSettings) -> KeyFile:
    """Where the private key is, or would be."""
    return KeyFile(settings.signing_key or settings.data / KEY_FILE)


def open_anchor(settings: StorageSettings) -> Anchor:
    """Where the newest checkpoint is kept besides the database: unless told, where the bytes are."""
    place = settings.anchor
    if place is None:
        place = Bucket(settings.s3_bucket) if settings.s3_bucket else settings.data / ANCHOR_FILE
    if isinstance(place, Bucket):
        return SharedAnchor(open_anchor_objects(settings, place))
    return FileAnchor(place)


def active_key(database: Database) -> PublicKey | None:
    """The key that signs the ledger now; None when nobody did yet."""
    with database.reading() as connection:
        active = CheckpointStore(connection).active_key()
    return None if active is None else active.public


def ensure_key(settings: StorageSettings, database: Database, writer: Writer) -> None:
    """Give a new log its first key; of an old one check that the key that was given is the right one.

    Raises:
        UnusableKey: if the key that was given cannot be read, or is not the log's; or if the log has another name.
    """
    active = active_key(database)
    file = key_file(settings)
    if active is None:
        active = _add_first_key(settings, file, database, writer)
    elif settings.signing_key is not None and file.load_matching(active) is None:
        raise UnusableKey(
            f"signing key {file.path} is not there or not the private key of {active.text}, which signs this log: "
            "give that one, or none to serve without signing"
        )
    if settings.log_origin and settings.log_origin != active.name:
        raise UnusableKey(
            f"the log is called {active.name}, and --log-origin {settings.log_origin} cannot change that"
        )


def rotate(settings: StorageSettings, database: Database, writer: Writer) -> PublicKey:
    """Make a new key, and let it follow the present one.

    Raises:
        UnusableKey: if this process does not have the present one.
    """
    active, file = active_key(database), key_file(settings)
    old = None if active is None else file.load_matching(active)
    if active is None or old is None:
        told = "the log's key" if active is None else active.text
        raise UnusableKey(
            f"{file.path} is not the private key of {told}, and only that one can name the next"
        )
    new = file.prepare_next(active.name)
    try:
        writer.submit(Change(partial(rotate_key, old=old, new=new.public), SYSTEM.name)).result()
    except KeyMoved:
        raise UnusableKey(f"{old.public.text} was replaced in this moment by another process") from None
    file.load_matching(new.public)
    return new.public


def replace_lost(settings: StorageSettings, database: Database, writer: Writer, *, reason: str) -> PublicKey:
    """Let a key that was given, or else a new one, take the place of the present one, which is lost.

    Raises:
        UnusableKey: if nothing is lost, or there is another key where the new one would be.
    """
    active, file = active_key(database), key_file(settings)
    if active is None:
        raise UnusableKey("nothing was ever signed here, so no key can be lost: the first start makes one")
    if file.load_matching(active) is not None:
        raise UnusableKey(
            f"{file.path} is the private key of {active.text}, so it is not lost: 'muniment-server key rotate' "
            "lets it name the next"
        )
    if not file.exists:
        new = file.prepare_next(active.name)
    elif settings.signing_key is not None:
        new = file.load(active.name)
    else:
        raise UnusableKey(
            f"{file.path} is another key than the lost one: move it away, or give it as --signing-key to use it"
        )
    with database.reading() as connection:
        if new.public in [known.public for known in CheckpointStore(connection).log_keys()]:
            raise UnusableKey(f"{new.public.text} was a key of this log before: give another")
    replacing = partial(replace_key, lost=active, new=new.public, reason=reason)
    try:
        writer.submit(Change(replacing, SYSTEM.name)).result()
    except KeyMoved:
        raise UnusableKey(f"{active.text} was replaced in this moment by another process") from None
    file.load_matching(new.public)
    return new.public


def _add_first_key(settings: StorageSettings, file: KeyFile, database: Database, writer: Writer) -> PublicKey:
    name = settings.log_origin or f"muniment/{secrets.token_hex(8)}"
    made = settings.signing_key is None and not file.exists
    try:
        # The file first: a ledger must not name a key that nobody has.
        key = file.generate(name) if made else file.load(name)
    except FileNotFoundError:
        raise UnusableKey(
            f"signing key {file.path} is not there: make it with 'openssl genpkey -algorithm ed25519'"
        ) from None
    try:
        writer.submit(Change(lambda unit: add_first_key(unit, key.public), SYSTEM.name)).result()
    except KeyKnown:
        if made:
            durable.remove(file.path)
        found = active_key(database)
        if found is None:
            raise
        return found
    _log.info("the log is called %s; its key is %s", name, key.public.text)
    return key.public
