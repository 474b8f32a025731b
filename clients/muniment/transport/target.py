"""Where a registry is, and the token a local client finds for it."""

from __future__ import annotations

import fcntl
import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path

from muniment import local
from muniment.errors import InvalidTarget

DEFAULT_PORT = 7460
DEFAULT_TARGET = f"127.0.0.1:{DEFAULT_PORT}"
FILE_SCHEME = "file:"

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?"
_ADDRESS = re.compile(rf"(?P<host>{_HOST}|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{{1,5}}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``host``, ``host:port`` or ``[ipv6]:port``.

        Raises:
            InvalidTarget: if the text has another form.
        """
        match = _ADDRESS.fullmatch(text)
        if not match:
            raise InvalidTarget(f"target {text[:200]!r} is not an address")
        port = int(match["port"] or DEFAULT_PORT)
        if not 0 < port < 65536:
            raise InvalidTarget(f"target {text!r} has port {port}, while ports are 1 to 65535")
        if match["ipv6"]:
            try:
                ipaddress.IPv6Address(match["ipv6"])
            except ValueError:
                raise InvalidTarget(f"target {text[:200]!r} holds no IPv6 address in its brackets") from None
        return cls(match["ipv6"] or match["host"], port)

    @property
    def text(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def definite(self) -> Address:
        """The one address ``localhost`` stands for here: as a name it may be two, with a program behind each."""
        return Address("127.0.0.1", self.port) if self.host == "localhost" else self

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def data_directory(target: str) -> Path | None:
    """The directory a ``file:`` target names, or None for an address.

    Raises:
        InvalidTarget: if it names none.
    """
    if not target.startswith(FILE_SCHEME):
        return None
    path = target.removeprefix(FILE_SCHEME)
    if path.startswith("//"):
        if not path.startswith("///"):
            raise InvalidTarget(
                f"target {target[:200]!r} names a host, while a file: target is of this machine"
            )
        path = path[2:]
    if not path or "\0" in path:
        raise InvalidTarget(f"target {target[:200]!r} names no directory")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InvalidTarget(f"target {target[:200]!r} names the home of somebody unknown") from error


def local_token(address: Address) -> str | None:
    """The admin token of a server of this user on this machine, or None.

    The token leaves this process only for the address at which the server of its data directory serves now. An
    announcement outlives a server that was killed: by then another program may have taken the port, while the next
    server of the same directory holds its lock and serves on another one.
    """
    if not address.is_loopback:
        return None
    try:
        announced = local.read_server_file(local.announcement_file(address.port))
    except RuntimeError:
        return None  # this user has no home directory
    if announced is None or announced.address != address.text:
        return None
    served = local.read_server_file(announced.data / local.SERVER_FILE)
    if served != announced or not _lives(announced.pid):
        return None
    # Servers of a PostgreSQL database share a directory: each holds what it says there, and nobody the directory.
    if not (is_served(announced.data) or _is_locked(announced.data / local.SERVER_FILE)):
        return None
    return local.read_admin_token(announced.data)


def _lives(pid: int) -> bool:
    """Whether a process has this number. Between a server's lock and its first word lies the last one's file."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def is_served(data: Path) -> bool:
    """Whether a live server holds the lock of a data directory."""
    return _is_locked(data / local.LOCK_FILE)


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
