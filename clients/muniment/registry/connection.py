"""From a target to a :class:`Registry`: what ``muniment.connect`` does."""

from __future__ import annotations

import os
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Literal

from muniment import local
from muniment.cache.cache import Cache
from muniment.cache.settings import cache_settings
from muniment.embedded.client import EmbeddedClient
from muniment.errors import InvalidArgument, TokenInClear
from muniment.local_paths import local_path
from muniment.names import DEFAULT_PROJECT
from muniment.registry.client import Registry
from muniment.registry.session import Session
from muniment.transport.calls import Calls
from muniment.transport.channel import open_channel
from muniment.transport.moving import MovingChannel
from muniment.transport.target import DEFAULT_TARGET, Address, data_directory, local_token

MAX_TIMEOUT = 7 * 86_400.0
"""Seconds. Nothing takes longer, and gRPC cannot count for ever."""


def connect(
    target: str | None = None,
    *,
    token: str | None = None,
    project: str | None = None,
    ca_file: str | PathLike[str] | None = None,
    insecure: bool | None = None,
    timeout: float | None = None,
    cache: str | PathLike[str] | Literal[False] | None = None,
    cache_max_bytes: int | None = None,
) -> Registry:
    """Connect to a registry. Nothing is sent until the first call, except that ``file:`` may start a server.

    Args:
        target: ``host:port``, or ``file:DIR`` for an embedded registry in a directory: its server is started or
            joined, and stops when its last client has gone. Default: ``$MUNIMENT_TARGET``, then 127.0.0.1:7460.
        token: default ``$MUNIMENT_TOKEN``; a server of this user on this machine is also found without one.
        project: default ``$MUNIMENT_PROJECT``, then ``default``.
        ca_file: PEM file; speak TLS and trust this authority. ``"system"``: those this machine trusts. Default:
            ``$MUNIMENT_CA_FILE``, then no TLS.
        insecure: send the token to another machine without TLS as well. Default: ``$MUNIMENT_INSECURE``, then no.
        timeout: seconds a call may take, and a transfer may stand still. Default: 30, and more for calls for which
            the registry reads all bytes of a version.
        cache: directory that keeps what is pulled; False or ``"off"`` for none. Default: ``$MUNIMENT_CACHE``, then
            ``$XDG_CACHE_HOME/muniment``. It is made by the first pull.
        cache_max_bytes: what it may hold; default ``$MUNIMENT_CACHE_MAX_BYTES``, then 64 GiB.

    Raises:
        InvalidTarget: if the target cannot be read.
        TokenInClear: if the token would travel to another machine for everybody on the way to read.
        ServerNotInstalled: if ``file:`` was asked for and the server's packages are missing.
        ServerNotStarted: if the embedded server did not start.
    """
    if timeout is not None and (not isinstance(timeout, int | float) or not 0 < timeout <= MAX_TIMEOUT):
        raise InvalidArgument(
            f"timeout is {timeout!r:.50}, while it is more than 0 s and at most {MAX_TIMEOUT:g} s"
        )
    for name, value in (("target", target), ("token", token), ("project", project)):
        if not isinstance(value, str | None):
            # Not repeated: it may be a secret.
            raise InvalidArgument(f"{name} is of type {type(value).__name__}, while text is needed")
    settings = cache_settings(cache, cache_max_bytes)
    kept = Cache(settings) if settings is not None else None
    chosen = target or os.environ.get("MUNIMENT_TARGET") or DEFAULT_TARGET
    project = project or os.environ.get("MUNIMENT_PROJECT") or DEFAULT_PROJECT
    directory = data_directory(chosen)
    if token is None and (directory is None or not target):
        # A token from the environment belongs to the registry of the environment, not to a directory named here.
        token = os.environ.get("MUNIMENT_TOKEN") or None
    if directory is not None:
        return _embedded(directory, token=token, project=project, timeout=timeout, cache=kept)
    address = Address.parse(chosen)
    named = ca_file or os.environ.get("MUNIMENT_CA_FILE")
    authority = local_path(named, "ca_file") if named else None
    if not authority:
        # With TLS the certificate says who answers, by the name that was asked for.
        address = address.definite
        if token and not address.is_loopback and not _insecure(insecure):
            raise TokenInClear(f"the token would be sent to {address.text} unencrypted")
    calls = Calls(
        partial(open_channel, address, authority),
        target=address.text,
        timeout=timeout,
        token=lambda: token or local_token(address),
        plain=not authority,
        ca_file=authority,
    )
    return _registry(calls, project, cache=kept)


def _insecure(said: bool | None) -> bool:
    """What was said, otherwise what the environment says."""
    word = os.environ.get("MUNIMENT_INSECURE", "").lower()
    if said is None and word not in ("", "0", "false", "no", "1", "true", "yes"):
        raise InvalidArgument(f"MUNIMENT_INSECURE is {word[:50]!r}, while it is 1 or 0")
    return said if said is not None else word in ("1", "true", "yes")


def _embedded(
    directory: Path, *, token: str | None, project: str, timeout: float | None, cache: Cache | None
) -> Registry:
    client = EmbeddedClient.join(directory)
    try:
        address = Address.parse(client.address)

        def rejoin(channel: MovingChannel) -> str:
            channel.move(open_channel(Address.parse(client.rejoin())))
            return client.address

        calls = Calls(
            lambda: MovingChannel(open_channel(Address.parse(client.address))),
            target=address.text,
            timeout=timeout,
            token=lambda: token or local.read_admin_token(client.directory),
            rejoin=rejoin,
        )
        return _registry(calls, project, client, cache=cache)
    except BaseException:
        client.release()
        raise


def _registry(
    calls: Calls, project: str, client: EmbeddedClient | None = None, *, cache: Cache | None
) -> Registry:
    try:
        session = Session(calls, project, client.directory if client else None, cache=cache)
    except BaseException:
        calls.close()
        raise
    return Registry(session, release=client.release if client else None)
