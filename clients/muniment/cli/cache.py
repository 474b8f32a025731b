"""``muniment cache``: what was pulled and is kept; no registry is asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from muniment.cache.settings import cache_settings, parse_size
from muniment.cli.invocation import Invocation
from muniment.cli.output import note, rows, say
from muniment.cli.text import size, when
from muniment.cli.verb import group, verb

if TYPE_CHECKING:
    from muniment.cache.cache import Cache
    from muniment.cache.retention import CacheEntry


def to_size(word: str) -> int:
    """Read a size like 500MB or 20GiB."""
    try:
        return parse_size(word)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


@verb("ls")
def list_entries(invocation: Invocation) -> None:
    """List what the cache holds, the last used first.

    A file that has not arrived as a whole is called partial: the next pull goes on with it. A manifest is shown
    with the version it was pulled as.
    """
    cache = _cache(invocation)
    entries = cache.entries() if cache is not None else []
    names = cache.manifests.names() if cache is not None else {}
    if invocation.json:
        for entry in entries:
            click.echo(json.dumps(_fields(entry, names.get(entry.digest, ""))))
        return
    rows(
        ("USED", "KIND", "SIZE", "DIGEST", "VERSION"),
        (
            (
                *(when(_used(entry)), entry.kind, size(entry.size_bytes), entry.digest),
                invocation.version(names.get(entry.digest, "")),
            )
            for entry in entries
        ),
    )
    if cache is None:
        note("The cache is off.")
    else:
        held = sum(entry.size_bytes for entry in entries)
        note(f"{size(held)} of {size(cache.settings.max_bytes)} in {cache.settings.directory}")


@verb("gc")
@click.option(
    "--max-size",
    type=to_size,
    metavar="SIZE",
    help="Leave no more than this, such as 20GiB; 0 empties it. [$MUNIMENT_CACHE_MAX_BYTES, 64 GiB]",
)
def collect(invocation: Invocation, max_size: int | None) -> None:
    """Remove what was not used for the longest time.

    It stops when the cache holds no more than it may. What a running pull is receiving stays.
    """
    cache = _cache(invocation)
    if cache is None:
        raise click.UsageError("the cache is off: name its directory with --cache or MUNIMENT_CACHE.")
    done = cache.collect(max_size)
    if invocation.json:
        counts = {"removed_count": done.removed_count, "removed_bytes": done.removed_bytes}
        click.echo(json.dumps({**counts, "kept_count": done.kept_count, "kept_bytes": done.kept_bytes}))
    else:
        say(f"Removed {size(done.removed_bytes)}; {size(done.kept_bytes)} are left")


cache = group("cache", "What was pulled and is kept on this machine.", list_entries, collect)


def _cache(invocation: Invocation) -> Cache | None:
    from muniment.cache.cache import Cache

    settings = cache_settings(invocation.cache)
    return Cache(settings) if settings is not None else None


def _used(entry: CacheEntry) -> datetime:
    return datetime.fromtimestamp(entry.used_ns / 1e9, UTC)


def _fields(entry: CacheEntry, version: str) -> dict[str, str | int]:
    return {
        "kind": entry.kind,
        "digest": entry.digest,
        "size_bytes": entry.size_bytes,
        "used_time": _used(entry).isoformat().replace("+00:00", "Z"),
        "version": version,
    }
