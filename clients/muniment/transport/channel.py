"""The gRPC channel: its options, its security, and which calls it repeats by itself."""

from __future__ import annotations

import json
import ssl
import threading
from pathlib import Path
from typing import Protocol

import grpc

from muniment.errors import CannotRead
from muniment.transport.target import Address

MAX_ATTEMPTS = 5
"""gRPC allows no more. With the back-off below a call is given up after about two seconds without a server."""

SYSTEM = Path("system")
"""Stands for the authorities this machine trusts; a file of that name is ``./system`` and absolute by then."""

MAX_RECEIVED_BYTES = 64 * 1024 * 1024
"""A manifest with its chunk map is one message: 10,000 files of 8 MiB chunks stay below this."""

# Reads, and mutations that carry a request id: the SDK sends none without. PutChunks, ReadRanges and Watch are
# continued from where they stopped by those who use them.
_WHOLE_SERVICES = ("MetadataService", "LedgerService", "AccessService")
_ARTIFACT_METHODS = (
    *("GetCapabilities", "PlanUpload", "CommitUpload", "GetManifest", "VerifyManifest"),
    *("InspectManifest", "ListTensors", "GetDirectReads", "GetUsage"),
)
_PROMOTION_METHODS = (
    "RequestPromotion",
    "GetPromotion",
    "ListPromotions",
    "Rollback",
    "ListStages",
    "GetStage",
    "ListStageHistory",
    "ReportDeployment",
    "ListDeployments",
)


class Closable(Protocol):
    """A channel, of gRPC or like one."""

    def close(self) -> None: ...


def service_config() -> str:
    """The gRPC service config (https://github.com/grpc/grpc/blob/master/doc/service_config.md) as JSON."""
    names = [{"service": f"muniment.v1.{service}"} for service in _WHOLE_SERVICES]
    names += [{"service": "muniment.v1.ArtifactService", "method": method} for method in _ARTIFACT_METHODS]
    names += [{"service": "muniment.v1.PromotionService", "method": method} for method in _PROMOTION_METHODS]
    policy = {
        "maxAttempts": MAX_ATTEMPTS,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": policy}]})


CLOSING_SECONDS = 5.0
"""Closing takes no time; after this long it never will."""


def close_channel(channel: Closable) -> None:
    """End all calls of a channel. Closing twice is fine.

    An exception that a signal raises just when a call begins can leave a call that nobody looks after, and for
    that one ``grpc.Channel.close`` waits for ever. So it is not waited for for ever here.
    """
    closing = threading.Thread(target=channel.close, name="muniment-close", daemon=True)
    try:
        closing.start()
    except RuntimeError:  # the interpreter is ending, and starts no more threads
        channel.close()
    else:
        closing.join(CLOSING_SECONDS)


def open_channel(address: Address, ca_file: Path | None = None) -> grpc.Channel:
    """Make a channel; nothing is sent yet.

    Args:
        address: where the registry is.
        ca_file: PEM file of the authority that signed the registry's certificate, or ``SYSTEM``; None speaks
            without TLS.

    Raises:
        CannotRead: if ``ca_file`` cannot be read, or holds no certificate.
    """
    options: list[tuple[str, str | int]] = [
        ("grpc.service_config", service_config()),
        ("grpc.max_receive_message_length", MAX_RECEIVED_BYTES),
        ("grpc.max_send_message_length", -1),
        # A server that was restarted is found again soon, not after gRPC's two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # Two connections of one process do not share a socket: closing one leaves the other alone.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if address.is_loopback:
        options.append(("grpc.enable_http_proxy", 0))
    if ca_file is None:
        return grpc.insecure_channel(address.text, options=options)
    credentials = grpc.ssl_channel_credentials(_authorities(ca_file))
    return grpc.secure_channel(address.text, credentials, options=options)


def _authorities(ca_file: Path) -> bytes | None:
    """The certificates to trust; None leaves it to gRPC, which brings a list of its own."""
    if ca_file == SYSTEM:
        system = ssl.get_default_verify_paths().cafile
        if system is None:
            return None
        ca_file = Path(system)
    try:
        certificates = ca_file.read_bytes()
    except (OSError, ValueError) as error:
        raise CannotRead(
            f"CA file {ca_file} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    # gRPC would tell it on standard error, and that nobody answers.
    if b"-----BEGIN CERTIFICATE-----" not in certificates:
        raise CannotRead(f"CA file {ca_file} holds no certificate in PEM form")
    return certificates
