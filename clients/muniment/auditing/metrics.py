"""The values a registry lists of a version's metrics, against the digests its ledger holds of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

from muniment.auditing.difference import differs, short, time_of
from muniment.ledger.canonical import write
from muniment.ledger.state import VersionState
from muniment.registry.session import Session
from muniment.v1 import metadata_service_pb2 as pb

_PAGE = 1_000

_Value = list[str | float]
"""A value as the ledger hashes it: key, number, step, data set, reporter, time."""


def metric_differences(session: Session, version: Any, told: VersionState) -> list[str]:
    """What the registry says of the metrics of a version otherwise than the ledger.

    Values are listed in the order in which they were added, so those of each entry follow each other. How many
    came with the version itself no entry tells: they are as many as have the digest that it holds.
    """
    what = short(version.name)
    request = pb.ListMetricsRequest(version=version.name, page_size=_PAGE)
    newest: dict[str, _Value] = {}
    values = _noted(session.calls.pages(session.metadata.ListMetrics, request, "metrics"), newest)
    found = []
    for revision, expected in sorted(told.metrics.items()):
        digest = _digest(values, told.metric_counts.get(revision), expected)
        if digest != expected:
            found.append(differs(what, f"metrics of revision {revision}", digest, expected))
    if more := sum(1 for _ in values):
        found.append(f"{what} has {more} values of metrics that the ledger does not tell of")
    # What is shown with the version is kept beside the values.
    shown = {metric.key: _value(metric) for metric in version.metrics}
    for key in sorted({*shown, *newest}):
        if shown.get(key) != newest.get(key):
            found.append(
                f"{what} shows metric {key:.100} as {shown.get(key)!r:.100}, while its last value is "
                f"{newest.get(key)!r:.100}"
            )
    return found


def _noted(metrics: Iterator[Any], newest: dict[str, _Value]) -> Iterator[_Value]:
    for metric in metrics:
        value = newest[metric.key] = _value(metric)
        yield value


def _digest(values: Iterator[_Value], count: int | None, expected: str) -> str:
    """Digest of the next values, as the ledger holds it of a list; None: of as many as have the one expected."""
    hasher, separator = hashlib.sha256(b"["), b""
    for value in islice(values, count):
        hasher.update(separator + write(value))
        separator = b","
        if count is None and _closed(hasher) == expected:
            break
    return _closed(hasher)


def _closed(hasher: Any) -> str:
    whole = hasher.copy()
    whole.update(b"]")
    return f"sha256:{whole.hexdigest()}"


def _value(metric: Any) -> _Value:
    # JSON has no NaN and no infinities: they are written as text.
    number = metric.value if math.isfinite(metric.value) else str(metric.value)
    return [metric.key, number, metric.step, metric.dataset, metric.reporter, time_of(metric.measure_time)]
