"""Comparing what a registry answers, while it changes, with what its entries imply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from muniment.auditing.access import may_list_tokens, token_differences
from muniment.auditing.catalog import model_differences, models_of, project_differences
from muniment.auditing.reading import LedgerReading
from muniment.auditing.reports import deployment_differences
from muniment.errors import EntryNotFound
from muniment.ledger.fold import ModelKey
from muniment.names import ALL_PROJECTS
from muniment.registry.session import Session
from muniment.v1 import ledger_service_pb2 as pb

ROUNDS = 20
"""How often what changes all the while is compared anew, before it is left out of what was compared."""


class StateComparison:
    """Compares one thing after the other; what differs is looked at again together with the entries since."""

    def __init__(self, session: Session, reading: LedgerReading) -> None:
        """
        Args:
            session: the registry.
            reading: of all its entries so far; those that come in meanwhile are added.
        """
        self._session = session
        self._reading = reading

    def run(self) -> tuple[int, int, list[str]]:
        """How many models and tokens were compared, and what differs though nothing changes it meanwhile."""
        session, fold = self._session, self._reading.fold
        self._catch_up()
        listed: dict[ModelKey, Any] = {}
        for project in list(fold.projects):
            listed |= models_of(session, project)
        keys = sorted({*listed, *fold.models})
        suspects = [
            key for key in keys if model_differences(session, key, listed.get(key), fold.models.get(key))
        ]
        found: list[str] = []
        compared = len(keys)
        for key in suspects:
            told = self._again(key)
            if told is None:
                compared -= 1
            else:
                found += told
        projects = self._at_rest(lambda: len(fold.projects), lambda: list(project_differences(session, fold)))
        deployments = self._at_rest(
            lambda: max((told.revision for told in fold.deployments.values()), default=0),
            lambda: list(deployment_differences(session, fold)),
        )
        tokens: list[str] | None = None
        if may_list_tokens(session):
            tokens = self._at_rest(
                lambda: (len(fold.tokens), sum(bool(told.revoke_time) for told in fold.tokens.values())),
                lambda: list(token_differences(session, fold)),
            )
        compared_tokens = 0 if tokens is None else len(fold.tokens)
        return compared, compared_tokens, [*(projects or ()), *found, *(deployments or ()), *(tokens or ())]

    def _again(self, key: ModelKey) -> list[str] | None:
        fold = self._reading.fold

        def changed() -> int:
            state = fold.models.get(key)
            return 0 if state is None else state.change_revision

        def differences() -> list[str]:
            listed = models_of(self._session, key[0]).get(key)
            return model_differences(self._session, key, listed, fold.models.get(key))

        return self._at_rest(changed, differences)

    def _at_rest(
        self, changed: Callable[[], object], differences: Callable[[], list[str]]
    ) -> list[str] | None:
        """What differs of something once no entry about it came in while it was looked at.

        Args:
            changed: what is another value after each entry that is about it.
            differences: looks at it.

        Returns:
            None if it never held still: what differs then says nothing.
        """
        for _ in range(ROUNDS):
            self._catch_up()
            before = changed()
            found = differences()
            if not found:
                return []
            self._catch_up()
            if changed() == before:
                return found
        return None

    def _catch_up(self) -> None:
        """Read what was added since."""
        method = self._session.ledger.GetEntry
        while True:
            request = pb.GetEntryRequest(parent=ALL_PROJECTS, revision=self._reading.size + 1)
            try:
                self._reading.add(self._session.calls.unary(method, request).body)
            except EntryNotFound:
                return
