"""The files by which local clients and a local server find each other.

In the data directory of a server::

    admin-token    secret of the admin token, 0600
    signing-key.pem, anchor   private key of the ledger and its newest checkpoint, 0600; the server's own
    lock           held exclusively by the server of an embedded database while it lives
    server.json    {"address", "pid", "data"}, there while it serves, and held exclusively
    clients.lock   held shared by each embedded client; by the server exclusively once none is left
    start.lock     held exclusively by the client that is starting a server
    server.log     standard error of a server started by a client

A server on a loopback address is also announced in the user's state directory, by port, so that a client that
knows only the address finds the admin token.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

ADMIN_TOKEN_FILE = "admin-token"
LOCK_FILE = "lock"
SERVER_FILE = "server.json"
CLIENTS_LOCK_FILE = "clients.lock"
START_LOCK_FILE = "start.lock"
LOG_FILE = "server.log"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """What a server says of itself.

    Attributes:
        address: ``host:port``.
        data: its data directory.
    """

    address: str
    pid: int
    data: Path


def default_data_dir() -> Path:
    """Where a server keeps its data when nothing else is said: ``$XDG_DATA_HOME/muniment``."""
    return _xdg("XDG_DATA_HOME", ".local/share") / "muniment"


def default_cache_dir() -> Path:
    """Where clients keep what they pulled when nothing else is said: ``$XDG_CACHE_HOME/muniment``."""
    return _xdg("XDG_CACHE_HOME", ".cache") / "muniment"


def announcement_file(port: int) -> Path:
    """Where a server on a loopback port is announced: ``$XDG_STATE_HOME/muniment/servers/{port}.json``."""
    return state_directory() / "servers" / f"{port}.json"


def state_directory() -> Path:
    """What a user's clients remember: ``$XDG_STATE_HOME/muniment``."""
    return _xdg("XDG_STATE_HOME", ".local/state") / "muniment"


def read_server_file(path: Path) -> RunningServer | None:
    """What a ``server.json`` or announcement says, or None when it is not there or not readable as one."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return RunningServer(str(record["address"]), int(record["pid"]), Path(record["data"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_admin_token(data: Path) -> str | None:
    """The admin token of a data directory, or None when it is not there or not ours to read."""
    try:
        return (data / ADMIN_TOKEN_FILE).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _xdg(variable: str, fallback: str) -> Path:
    configured = os.environ.get(variable, "")
    # The XDG specification has relative paths ignored.
    return Path(configured) if Path(configured).is_absolute() else Path.home() / fallback
