"""One serving process: the gRPC server, what it serves, and its orderly end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from ipaddress import ip_address

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection
from muniment_artifact.collection.upkeep import look_after_bytes
from muniment_core.db.schema import page_token_key
from muniment_core.domain.access import Principal
from muniment_core.domain.tiers import Shelf
from muniment_core.rpc.auth import Authorizer
from muniment_core.rpc.forgetting import look_after_answers
from muniment_core.rpc.interceptor import CallInterceptor
from muniment_core.rpc.paging import PageTokens
from muniment_core.rpc.peers import ArtifactPeer
from muniment_core.rpc.permissions import access_rules
from muniment_metadata.predictions.retention import look_after_predictions
from muniment_promotion.watch.tail import LedgerTail

from muniment_server.blobs import addresses_of, open_prediction_bodies, open_stores
from muniment_server.core import Core
from muniment_server.data_directory import ClientsLock
from muniment_server.services import Serving, descriptors_of, serve_artifact, serve_metadata, serve_promotion
from muniment_server.settings import ServeSettings, Service, StorageSettings

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""A commit of 10,000 files with their chunks is one message."""
MAX_CONCURRENT_CALLS = 20_000
"""Thousands of watchers, and room for calls; each takes some 20 KiB."""
POLL_SECONDS_EMBEDDED = 5.0
POLL_SECONDS_REPLICATED = 0.1
IDLE_GRACE_SECONDS = 5.0
IDLE_POLL_SECONDS = 0.5
WRITES = "muniment.v1.writes"
"""Name by which the health service tells whether anything may be changed: not while the ledger is in recovery."""
WRITES_POLL_SECONDS = 0.5

_OPTIONS = (
    # Otherwise a second process binds the same port silently and gets a share of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", 10_000),
    # Calls that came and that the event loop has not taken yet. Beyond a thousand gRPC ends them CANCELLED, one by
    # chance and by three thousand all, without a word that they were never looked at.
    ("grpc.server.max_pending_requests", MAX_CONCURRENT_CALLS),
    ("grpc.server.max_pending_requests_hard_limit", 2 * MAX_CONCURRENT_CALLS),
    # How long such a call waits is for its own deadline to say. After thirty seconds gRPC would end it CANCELLED.
    ("grpc.server_max_unrequested_time_in_server", 3_600),
    # Watchers that vanished without a word are noticed within a minute.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
_PEER_OPTIONS = (
    # The callers' tokens travel on it: never over the proxy that the environment names for the internet.
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
_log = logging.getLogger(__name__)


class CannotServe(RuntimeError):
    """The address cannot be served on."""


def check_listen(listen: str, *, insecure: bool) -> tuple[str, int]:
    """Host and port of a listen address.

    Raises:
        CannotServe: if it cannot be read, or is open to others without TLS.
    """
    host, separator, port = listen.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise CannotServe(f"listen address {listen!r} cannot be read: write HOST:PORT")
    host = host.strip("[]") or "127.0.0.1"
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback and not insecure:
        raise CannotServe(
            f"{listen} can be reached from other machines and tokens would travel in the clear: "
            "listen on 127.0.0.1 behind a TLS proxy, or say --insecure"
        )
    return host, int(port)


async def serve(
    core: Core,
    storage: StorageSettings,
    settings: ServeSettings,
    *,
    tail_of: Callable[[LedgerTail], None],
    ready: Callable[[str], None],
) -> None:
    """Serve until a signal, or until no embedded client is left.

    Args:
        tail_of: told where commits are to be reported.
        ready: told the address once calls are answered.

    Raises:
        CannotServe: if the address cannot be served on.
    """
    host, port = check_listen(settings.listen, insecure=settings.insecure)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _started(core, storage, settings, host, port, tail_of) as bound:
        # What start-up made stays for good: the collector need not look through it at every full collection.
        gc.freeze()
        core.directory.announce(_reachable(host), bound)
        ready(f"{_bracketed(host)}:{bound}")
        watcher = asyncio.create_task(_stop_when_idle(core, stop)) if settings.until_idle else None
        try:
            await stop.wait()
        finally:
            core.directory.withdraw(bound)
            if watcher is not None:
                watcher.cancel()


@asynccontextmanager
async def _started(
    core: Core,
    storage: StorageSettings,
    settings: ServeSettings,
    host: str,
    port: int,
    tail_of: Callable[[LedgerTail], None],
) -> AsyncIterator[int]:
    """A server that answers, and at the end finishes what is in flight; yields its port."""
    descriptors = descriptors_of(settings.service)
    authorizer = _authorizer(core, descriptors)
    interceptor = CallInterceptor(authorizer)
    server = grpc.aio.server(
        maximum_concurrent_rpcs=MAX_CONCURRENT_CALLS,
        interceptors=(interceptor,),
        options=_OPTIONS,
    )
    bound = _bind(server, host, port)
    serving = Serving(server, core.execution, PageTokens(page_token_key(core.database)), authorizer)
    # What is entered first ends last: watchers, calls in flight, the server, and then what those calls use.
    async with AsyncExitStack() as stack:
        peer = settings.artifact_peer or f"{_reachable(host)}:{bound}"
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(peer, options=_PEER_OPTIONS))
        artifact_peer = ArtifactPeer(channel)
        if settings.service in (Service.ALL, Service.PROMOTION):
            poll_seconds = POLL_SECONDS_EMBEDDED if core.database.is_sqlite else POLL_SECONDS_REPLICATED
            tail = LedgerTail(core.execution, poll_seconds=poll_seconds)
            serve_promotion(serving, artifact_peer, tail)
        if settings.service in (Service.ALL, Service.METADATA):
            bodies = open_prediction_bodies(storage)
            predictions = serve_metadata(serving, bodies, artifact_peer)
        if settings.service in (Service.ALL, Service.ARTIFACT):
            stores = open_stores(storage)
            artifacts = serve_artifact(
                serving,
                stores,
                remote=bool(storage.s3_bucket),
                addresses=addresses_of(storage, stores[Shelf.HOT]),
                drop_archived=storage.drop_archived,
            )
        health = _add_health_and_reflection(server, descriptors)
        if settings.service in (Service.ALL, Service.PROMOTION):
            tail_of(tail)
            await tail.start()
        await server.start()
        stack.push_async_callback(server.stop, 1.0)
        stack.push_async_callback(interceptor.drain, settings.grace)
        if settings.service in (Service.ALL, Service.PROMOTION):
            stack.push_async_callback(tail.close)
        if settings.service in (Service.ALL, Service.METADATA):
            days = timedelta(days=settings.prediction_days) if settings.prediction_days else None
            retention = asyncio.create_task(look_after_predictions(core.execution, bodies, older_than=days))
            stack.push_async_callback(_ended, retention)
            forgetting = asyncio.create_task(look_after_answers(core.execution))
            stack.push_async_callback(_ended, forgetting)
            stack.push_async_callback(predictions.close)
        if settings.service in (Service.ALL, Service.ARTIFACT):
            stack.callback(artifacts.close)
            tidying = asyncio.create_task(
                look_after_bytes(
                    core.execution,
                    stores,
                    every=settings.gc_every,
                    grace=settings.gc_grace,
                    drop_archived=storage.drop_archived,
                )
            )
            stack.push_async_callback(_ended, tidying)
        for descriptor in descriptors:
            await health.set(descriptor.full_name, health_pb2.HealthCheckResponse.SERVING)
        writes = asyncio.create_task(_tell_of_writes(core, health))
        stack.callback(writes.cancel)
        stack.push_async_callback(health.enter_graceful_shutdown)
        yield bound
        _log.info("stopping: calls in flight have %g s to finish", settings.grace)


async def _ended(task: asyncio.Task[None]) -> None:
    """Have a task of the server end; what went wrong in it is told now."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _authorizer(core: Core, descriptors: Iterable[ServiceDescriptor]) -> Authorizer:
    async def find_principal(key: bytes) -> Principal | None:
        return await core.execution.read(lambda reader: reader.tokens.principal_of(key, reader.now))

    return Authorizer(access_rules(descriptors), find_principal)


def _bind(server: grpc.aio.Server, host: str, port: int) -> int:
    try:
        return server.add_insecure_port(f"{_bracketed(host)}:{port}")
    except RuntimeError as error:
        raise CannotServe(
            f"{host}:{port} cannot be served on: another process uses it, or it is not of this machine; "
            "choose another --listen"
        ) from error


def _reachable(host: str) -> str:
    """Where this process reaches itself."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else _bracketed(host)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _add_health_and_reflection(
    server: grpc.aio.Server, descriptors: Iterable[ServiceDescriptor]
) -> health_aio.HealthServicer:
    servicer = health_aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    names = [descriptor.full_name for descriptor in descriptors]
    reflection.enable_server_reflection((*names, SERVICE_NAME, reflection.SERVICE_NAME), server)
    return servicer


async def _tell_of_writes(core: Core, health: health_aio.HealthServicer) -> None:
    """Tell whether anything may be changed, as that changes."""
    told: bool | None = None
    while True:
        refused = bool(core.keeper.alarm)
        if refused is not told:
            told = refused
            status = health_pb2.HealthCheckResponse
            await health.set(WRITES, status.NOT_SERVING if refused else status.SERVING)
        await asyncio.sleep(WRITES_POLL_SECONDS)


async def _stop_when_idle(core: Core, stop: asyncio.Event) -> None:
    """Stop once no embedded client holds its lock; the lock is kept, so that new ones wait for the end."""
    clients = ClientsLock(core.directory.path)
    await asyncio.sleep(IDLE_GRACE_SECONDS)
    while not clients.take():
        await asyncio.sleep(IDLE_POLL_SECONDS)
    _log.info("no client is left")
    stop.set()
