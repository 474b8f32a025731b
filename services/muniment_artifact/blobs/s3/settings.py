"""Where the bucket is, and how patient to be with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEADLINE_SECONDS = 25.0
"""What one request may take with all its repeats. Clients take a stream for dead that stands still for thirty
seconds: before that they are told that the store does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """Where the bucket is and how patient to be.

    Attributes:
        endpoint: ``host:port``, without scheme.
        region: must be given, or every start asks the server for it.
        secure: TLS.
        prefix: put before every key, without slashes at its ends; empty: none.
        deadline: seconds that a request may take with its repeats, and that a read may stand still.
        public_endpoint: ``host:port`` in addresses for clients; empty: ``endpoint``.
        public_secure: TLS for clients.
        spool_directory: where bytes wait for their digest; made when missing. None: the temporary directory.
    """

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    secure: bool = True
    prefix: str = ""
    deadline: float = DEADLINE_SECONDS
    public_endpoint: str = ""
    public_secure: bool = True
    spool_directory: Path | None = None

    @property
    def connect_timeout(self) -> float:
        """Seconds for a connection: a server that is there takes one at once, even when it is busy."""
        return min(5.0, self.deadline * 0.2)

    @property
    def read_timeout(self) -> float:
        """Seconds without a byte. A server that hangs is asked a second time within the deadline."""
        return self.deadline * 0.4

    @property
    def root(self) -> str:
        """What every key begins with."""
        return self.prefix + "/" if self.prefix else ""
