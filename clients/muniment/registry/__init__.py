"""The client: what people do with a registry, one module per noun, gathered in :class:`Registry`.

The names below are looked up when they are used: ``muniment.transfer`` needs the sessions of this package, and
the client needs ``muniment.transfer``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muniment.registry.client import Registry
    from muniment.registry.connection import connect
    from muniment.registry.watch import Watch

__all__ = ["Registry", "Watch", "connect"]

_HOMES = {"Registry": "client", "Watch": "watch", "connect": "connection"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
