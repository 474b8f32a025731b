"""From a target to a :class:`Registry`: what ``muniment.connect`` does."""

from __future__ import annotations

import os
from functools import partial
from os import PathLike
from pathlib import Path

from muniment import local
from muniment.embedded.client import EmbeddedClient
from muniment.errors import InvalidArgument
from muniment.names import DEFAULT_PROJECT
from muniment.registry.client import Registry
from muniment.registry.session import Session
from muniment.transport.calls import Calls
from muniment.transport.channel import open_channel
from muniment.transport.target import DEFAULT_TARGET, Address, data_directory, local_token


def connect(
    target: str | None = None,
    *,
    token: str | None = None,
    project: str | None = None,
    ca_file: str | PathLike[str] | None = None,
    timeout: float = 30.0,
) -> Registry:
    """Connect to a registry. Nothing is sent until the first call, except that ``file:`` may start a server.

    Args:
        target: ``host:port``, or ``file:DIR`` for an embedded registry in a directory: its server is started or
            joined, and stops when its last client has gone. Default: ``$MUNIMENT_TARGET``, then 127.0.0.1:7460.
        token: default ``$MUNIMENT_TOKEN``; a server of this user on this machine is also found without one.
        project: default ``$MUNIMENT_PROJECT``, then ``default``.
        ca_file: PEM file; speak TLS and trust this authority. Default: ``$MUNIMENT_CA_FILE``, then no TLS.
        timeout: seconds a call may take, and a transfer may stand still.

    Raises:
        InvalidTarget: if the target cannot be read.
        ServerNotInstalled: if ``file:`` was asked for and the server's packages are missing.
        ServerNotStarted: if the embedded server did not start.
    """
    if not timeout > 0:
        raise InvalidArgument(f"timeout is {timeout:g} s, while it is more than 0 s")
    chosen = target or os.environ.get("MUNIMENT_TARGET") or DEFAULT_TARGET
    project = project or os.environ.get("MUNIMENT_PROJECT") or DEFAULT_PROJECT
    directory = data_directory(chosen)
    if token is None and (directory is None or not target):
        # A token from the environment belongs to the registry of the environment, not to a directory named here.
        token = os.environ.get("MUNIMENT_TOKEN") or None
    if directory is not None:
        return _embedded(directory, token=token, project=project, timeout=timeout)
    address = Address.parse(chosen)
    authority = ca_file or os.environ.get("MUNIMENT_CA_FILE") or None
    if not authority:
        # With TLS the certificate says who answers, by the name that was asked for.
        address = address.definite
    calls = Calls(
        partial(open_channel, address, Path(authority) if authority else None),
        target=address.text,
        timeout=timeout,
        token=lambda: token or local_token(address),
    )
    return _registry(calls, project)


def _embedded(directory: Path, *, token: str | None, project: str, timeout: float) -> Registry:
    client = EmbeddedClient.join(directory)
    try:
        address = Address.parse(client.address)
        calls = Calls(
            partial(open_channel, address),
            target=address.text,
            timeout=timeout,
            token=lambda: token or local.read_admin_token(client.directory),
        )
        return _registry(calls, project, client)
    except BaseException:
        client.release()
        raise


def _registry(calls: Calls, project: str, client: EmbeddedClient | None = None) -> Registry:
    try:
        session = Session(calls, project, client.directory if client else None)
    except BaseException:
        calls.close()
        raise
    return Registry(session, release=client.release if client else None)
