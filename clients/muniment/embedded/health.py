"""Asks the standard gRPC health service, without its package: both messages are a handful of bytes.

Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

from typing import Any

import grpc

from muniment.errors import InvalidTarget
from muniment.transport.channel import open_channel
from muniment.transport.target import Address

_WHOLE_SERVER = b""
_SERVING = b"\x08\x01"
_SECONDS = 2.0


def is_serving(address: str) -> bool:
    """Whether a healthy gRPC server answers at ``host:port``."""
    try:
        channel = open_channel(Address.parse(address))
    except InvalidTarget:
        return False
    with channel:
        check: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            return bool(check(_WHOLE_SERVER, timeout=_SECONDS) == _SERVING)
        except grpc.RpcError:
            return False
