"""The audit log: the ledger, read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muniment.errors import InvalidArgument
from muniment.registry.session import Session
from muniment.v1 import ledger_service_pb2 as pb
from muniment.values import Event


def entry_filter(
    session: Session, *, model: str | None, stage: str | None, actor: str | None, types: Sequence[str]
) -> tuple[str, pb.EntryFilter]:
    """The project to ask in and what to ask for; a model may name its project."""
    project, last = session.project.text, ""
    if model is not None:
        name = session.model(model)
        project, last = f"projects/{name.project}", name.model
    if isinstance(types, str):
        raise InvalidArgument(f"types is the text {types!r}, while a sequence of texts is needed")
    return project, pb.EntryFilter(model=last, stage=stage or "", types=types, actor=actor or "")


def audit_log(
    session: Session,
    *,
    model: str | None,
    stage: str | None,
    actor: str | None,
    types: Sequence[str],
    newest_first: bool,
) -> Iterator[Event]:
    project, wanted = entry_filter(session, model=model, stage=stage, actor=actor, types=types)
    request = pb.ListEntriesRequest(parent=project, filter=wanted, newest_first=newest_first)
    return map(Event.of, session.calls.pages(session.ledger.ListEntries, request, "entries"))
