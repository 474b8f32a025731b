"""A channel to a server that may come back at another address.

Stubs make their methods once, from one channel. Made from this one, they go along when it moves.
"""

from __future__ import annotations

from typing import Any

import grpc


class MovingChannel:
    """As much of a ``grpc.Channel`` as stubs use."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channels = [channel]
        self._methods: list[_Method] = []

    def unary_unary(self, *arguments: Any, **options: Any) -> _Method:
        return self._made("unary_unary", arguments, options)

    def unary_stream(self, *arguments: Any, **options: Any) -> _Method:
        return self._made("unary_stream", arguments, options)

    def stream_unary(self, *arguments: Any, **options: Any) -> _Method:
        return self._made("stream_unary", arguments, options)

    def stream_stream(self, *arguments: Any, **options: Any) -> _Method:
        return self._made("stream_stream", arguments, options)

    def move(self, channel: grpc.Channel) -> None:
        """Send what is called from now on through another channel.

        The old one stays open: another thread may be about to call through it, and then has to find out by the
        answer of the network that nobody is there.
        """
        self._channels.append(channel)
        for method in self._methods:
            method.bind(channel)

    def close(self) -> None:
        """End all calls. Closing twice is fine."""
        for channel in self._channels:
            channel.close()

    def _made(self, kind: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> _Method:
        method = _Method(kind, arguments, options)
        method.bind(self._channels[-1])
        self._methods.append(method)
        return method


class _Method:
    """A method of a stub."""

    def __init__(self, kind: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._kind = kind
        self._arguments = arguments
        self._options = options
        self._call: Any = None

    def bind(self, channel: grpc.Channel) -> None:
        self._call = getattr(channel, self._kind)(*self._arguments, **self._options)

    def __call__(self, request: Any, **options: Any) -> Any:
        return self._call(request, **options)
