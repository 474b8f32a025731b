"""Which version is to be read: what a digest means does not change, so it is asked once."""

from __future__ import annotations

from muniment.cache.manifests import RememberedVersion
from muniment.errors import Unreachable
from muniment.names import VersionSelector
from muniment.registry import versions
from muniment.registry.session import Session
from muniment.v1 import catalog_pb2
from muniment.values import Version


def resolve(session: Session, selector: str) -> Version:
    """The version a selector means, from the cache if it names a digest that was pulled from this registry.

    What was pulled from a registry elsewhere counts when none answers: the bytes are the same, if not the number.

    Raises:
        MunimentError: as the server or the connection says.
    """
    parts = session.selector(selector)
    if VersionSelector.parse(parts.selector).digest is None or (cache := session.usable_cache()) is None:
        return versions.show(session, selector)
    remembered = cache.manifests.recall(parts)
    if remembered is not None and remembered.target == session.calls.target:
        return _version(remembered)
    try:
        return versions.show(session, selector)
    except Unreachable as error:
        if remembered is not None:
            return _version(remembered)
        where = cache.settings.directory
        raise Unreachable(f"{parts.text} is not in the cache in {where}, and {error.message}") from error


def _version(remembered: RememberedVersion) -> Version:
    message = catalog_pb2.Version(
        name=remembered.name,
        number=remembered.number,
        digest=remembered.digest,
        state=f"VERSION_STATE_{remembered.state}",
        size_bytes=remembered.size_bytes,
        file_count=remembered.file_count,
    )
    return Version.of(message)
