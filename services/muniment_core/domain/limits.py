"""Limits on what is recorded, as the contract documents them. Lengths are in characters."""

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

ANSWERS_REMEMBERED = timedelta(days=7)
"""How long a repeated request gets its first answer again, as the contract promises: far longer than clients try,
and a week for pipelines that stood still while nobody worked."""
ANSWERS_KEPT = ANSWERS_REMEMBERED + timedelta(days=1)
"""Then answers go. The day between is for clocks that differ: of who forgets, and of who looks for answers."""
