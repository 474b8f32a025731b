"""The client: what people do with a registry, one module per noun, gathered in :class:`Registry`."""

from muniment.registry.client import Registry
from muniment.registry.connection import connect
from muniment.registry.watch import Watch

__all__ = ["Registry", "Watch", "connect"]
