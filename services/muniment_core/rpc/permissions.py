"""Reads from the contract what each method asks of its caller."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from muniment.v1 import options_pb2

from muniment_core.domain.access import Permission


class MissingAccessRule(RuntimeError):
    """A method says nothing, or something impossible, about who may call it: the server must not start."""


@dataclass(frozen=True, slots=True)
class AccessRule:
    """What a method asks.

    Attributes:
        permission: what the caller must hold.
        resource_field: request field whose resource tells the project; empty for the instance.
    """

    permission: Permission
    resource_field: str


def access_rules(services: Iterable[ServiceDescriptor]) -> dict[str, AccessRule]:
    """The rule of every method, by its full name as gRPC writes it (``/package.Service/Method``).

    Raises:
        MissingAccessRule: if a method has no rule, or its rule names a field its request lacks.
    """
    rules = {}
    for service in services:
        for method in service.methods:
            extensions: Any = method.GetOptions().Extensions
            rule = extensions[options_pb2.access]
            if rule.permission == options_pb2.PERMISSION_UNSPECIFIED:
                raise MissingAccessRule(f"{method.full_name} has no access option with a permission")
            if rule.resource_field and rule.resource_field not in method.input_type.fields_by_name:
                raise MissingAccessRule(
                    f"{method.full_name} finds its project in field {rule.resource_field!r}, "
                    f"which {method.input_type.name} does not have"
                )
            permission = options_pb2.Permission.Name(rule.permission).removeprefix("PERMISSION_")
            rules[f"/{service.full_name}/{method.name}"] = AccessRule(
                Permission(permission), rule.resource_field
            )
    return rules
