"""A real S3 server for tests: `rclone serve s3` from a wheel, on loopback and a free port."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.processes import ProcessRunner, RunningProcess

ACCESS_KEY = "tests-access-key"
SECRET_KEY = "tests-secret-key"
REGION = "us-east-1"


@dataclass(frozen=True)
class S3Server:
    """A running S3 server. Buckets are directories below `root`, objects are files in them."""

    endpoint: str
    root: Path
    process: RunningProcess = field(repr=False)
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION
    secure: bool = False
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    @property
    def url(self) -> str:
        """The endpoint with its scheme."""
        return f"http://{self.endpoint}"

    def new_bucket(self) -> str:
        """Makes an empty bucket nobody else uses and returns its name."""
        name = f"bucket-{next(self._numbers)}"
        (self.root / name).mkdir()
        return name

    def options(self, bucket: str, *, endpoint: str = "") -> tuple[str, ...]:
        """Options of `muniment-server` for a bucket, by way of another endpoint if there is one."""
        keys = ("--s3-access-key", self.access_key, "--s3-secret-key", self.secret_key)
        return ("--s3-endpoint", endpoint or self.endpoint, "--s3-bucket", bucket, "--s3-plain-http", *keys)


def start_s3(processes: ProcessRunner, root: Path, *, listen: str = "127.0.0.1:0") -> S3Server:
    """Starts an S3 server over a directory; `processes` stops it."""
    root.mkdir(parents=True, exist_ok=True)
    process = processes.start(
        Path(sys.executable).with_name("rclone"),
        *("serve", "s3", str(root)),
        *("--addr", listen),
        *("--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"),
        # Seen by a listing at once, whichever way an object or a bucket came to be.
        *("--dir-cache-time", "1ms", "--poll-interval", "0"),
        *("--config", ""),
        name="rclone",
    )
    endpoint = process.wait_for_stderr(r"Starting s3 server on \[?http://([0-9.:]+)").group(1)
    return S3Server(endpoint, root, process)
