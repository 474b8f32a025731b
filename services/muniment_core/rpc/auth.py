"""Who calls, and whether it may: opaque tokens checked against the rule of the method.

OIDC and mTLS identities will be further ways to find the :class:`Principal`; the check of its
permissions stays the one here.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar

from muniment.names import InvalidName as InvalidNameText
from muniment.names import project_of

from muniment_core.domain.access import SYSTEM, Permission, Principal
from muniment_core.domain.errors import InvalidField, InvalidName, TokenInvalid, TokenMissing
from muniment_core.rpc.permissions import AccessRule

PRINCIPAL_CACHE_SECONDS = 2.0
"""How long a revoked token may still be accepted by a process that has just seen it."""
KNOWN_PRINCIPALS = 10_000
"""How many callers are kept in mind."""

current_principal: ContextVar[Principal] = ContextVar("current_principal", default=SYSTEM)
"""The caller of the RPC this task serves; the system itself outside of RPCs."""

current_token: ContextVar[str] = ContextVar("current_token", default="")
"""The token of the caller, to be passed on when this service asks another one on its behalf."""

_current_key: ContextVar[bytes] = ContextVar("_current_key", default=b"")
"""The hash of that token."""


def secret_hash(secret: str) -> bytes:
    """How a token's secret is kept."""
    return hashlib.sha256(secret.encode()).digest()


class Authorizer:
    """Admits calls."""

    def __init__(
        self, rules: Mapping[str, AccessRule], find_principal: Callable[[bytes], Awaitable[Principal | None]]
    ) -> None:
        """
        Args:
            rules: what each method asks.
            find_principal: looks a token up by the hash of its secret.
        """
        self._rules = rules
        self._find_principal = find_principal
        self._known: dict[bytes, tuple[Principal, float]] = {}
        self._forgotten = 0

    async def identify(self, metadata: Iterable[tuple[str, str | bytes]]) -> Principal:
        """The caller, from the call's metadata; it becomes the current principal of this task.

        Raises:
            TokenMissing: if there is no bearer token.
            TokenInvalid: if it is not valid.
        """
        secret = _bearer_token(metadata)
        # A call is identified when it comes and once more when its first message is there.
        again = secret == current_token.get()
        key = _current_key.get() if again else secret_hash(secret)
        known = self._known.get(key)
        principal = (
            known[0] if known is not None and time.monotonic() < known[1] else await self._look_up(key)
        )
        if not again:
            current_token.set(secret)
            _current_key.set(key)
        current_principal.set(principal)
        return principal

    async def _look_up(self, key: bytes) -> Principal:
        # The time counts from before the look-up: afterwards the answer is already as old as that took.
        until, forgotten = time.monotonic() + PRINCIPAL_CACHE_SECONDS, self._forgotten
        principal = await self._find_principal(key)
        if principal is None:
            self._known.pop(key, None)
            raise TokenInvalid
        if len(self._known) >= KNOWN_PRINCIPALS:
            self._known.clear()
        if forgotten == self._forgotten:  # else it may have been revoked after it was read
            self._known[key] = principal, until
        return principal

    def forget(self) -> None:
        """Look every token up anew, since one was revoked; other processes do so within two seconds."""
        self._forgotten += 1
        self._known.clear()

    def check(self, method: str, principal: Principal, request: object) -> None:
        """Refuse a call its caller may not make.

        Raises:
            InvalidName: if the field that names the resource does not.
            ProjectNotFound: if the caller has no role in that project.
            PermissionDenied: if it lacks the permission.
        """
        rule = self._rules[method]
        if rule.permission is Permission.AUTHENTICATED and not rule.resource_field:
            return
        principal.require(rule.permission, _project(rule, request))


def _project(rule: AccessRule, request: object) -> str | None:
    if not rule.resource_field:
        return None
    resource: str = getattr(request, rule.resource_field)
    if not resource:
        raise InvalidField(rule.resource_field, "is required")
    try:
        return project_of(resource)
    except InvalidNameText as error:
        raise InvalidName(rule.resource_field, resource, str(error)) from None


def _bearer_token(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    for key, value in metadata:
        if key == "authorization":
            scheme, _, secret = str(value).partition(" ")
            if scheme.lower() == "bearer" and secret:
                return secret
    raise TokenMissing
