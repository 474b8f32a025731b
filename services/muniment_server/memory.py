"""What the C library's allocator does with memory that is free again.

Each frame of a transfer is a block of a megabyte, taken and given back within a millisecond. Left to itself glibc
returns each to the system and asks for it anew: a fifth of the time of a download went into that. See
https://man7.org/linux/man-pages/man3/mallopt.3.html for the parameters.
"""

from __future__ import annotations

import ctypes

MIB = 1024 * 1024

KEPT_BYTES = 32 * MIB
"""What an arena keeps of what is free at its end."""
MAPPED_BYTES = 8 * MIB
"""Larger blocks are mapped by themselves, and gone when they are free."""
ARENAS = 4
"""Threads share so many heaps; there would be eight for each processor, and each keeps memory."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def keep_freed_memory() -> None:
    """Let the allocator keep a bounded amount for what is taken next; where it is another one, nothing changes."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, ARENAS)
        mallopt(_MMAP_THRESHOLD, MAPPED_BYTES)
        mallopt(_TRIM_THRESHOLD, KEPT_BYTES)
