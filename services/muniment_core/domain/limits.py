"""Limits on what is recorded, as the contract documents them. Lengths are in characters."""

from collections.abc import Iterable
from datetime import timedelta

MAX_TAGS = 1_000
MAX_TAG_VALUE = 4_096
MAX_DESCRIPTION = 16_384
MAX_REASON = 4_096
MAX_PARAMS = 1_000
MAX_PARAM_TEXT = 16_384
MAX_DATASETS = 100
MAX_PARENTS = 100
MAX_STEPS = 100
MAX_STEP_DESCRIPTION = 4_096
MAX_METRICS = 1_000
MAX_PACKAGES = 2_000
MAX_LABEL = 250
MAX_SHORT_LABEL = 64
MAX_COMMIT = 128
MAX_ENTRY_POINT = 1_024
MAX_URI = 2_048
MAX_BATCH = 1_000
MAX_PAGE_BYTES = 2 * 1024 * 1024
"""Most of one page: default clients refuse messages above 4 MiB."""
MAX_BATCH_BYTES = 32 * 1024 * 1024
"""Most of what is recorded in one answer without pages, which clients may ask for in parts."""

ANSWERS_REMEMBERED = timedelta(days=7)
"""How long a repeated request gets its first answer again, as the contract promises: far longer than clients try,
and a week for pipelines that stood still while nobody worked."""
ANSWERS_KEPT = ANSWERS_REMEMBERED + timedelta(days=1)
"""Then answers go. The day between is for clocks that differ: of who forgets, and of who looks for answers."""


def fitting(sizes: Iterable[int], most: int) -> int:
    """How many of the first results of these sizes are one page: one at least, and at most so many."""
    count = total = 0
    for size in sizes:
        total += size
        if count == most or (count and total > MAX_PAGE_BYTES):
            break
        count += 1
    return count
