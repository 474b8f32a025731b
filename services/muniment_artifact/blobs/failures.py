"""What a failing operating system call means to a blob store."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from muniment_core.domain.errors import DomainError, StorageFull, StorageUnavailable

from muniment_artifact.blobs.store import STORE_NAME

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def storage_error(error: OSError) -> DomainError:
    """The domain error for a failed write or directory operation."""
    return StorageFull(STORE_NAME) if error.errno in _NO_ROOM else StorageUnavailable(STORE_NAME)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Translate the ``OSError`` of the block, keeping it as the cause."""
    try:
        yield
    except OSError as error:
        raise storage_error(error) from error
