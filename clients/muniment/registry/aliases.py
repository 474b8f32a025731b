"""Aliases: free pointers to versions."""

from __future__ import annotations

from muniment.errors import InvalidArgument
from muniment.registry.session import Session, built, new_request_id, parsed
from muniment.registry.versions import resource_name
from muniment.v1 import metadata_service_pb2 as pb
from muniment.values import Alias, Version


def set_alias(
    session: Session, model: str, name: str, *, to: int | str | Version, expected: int | None
) -> Alias:
    of_model = session.model(model)
    alias = parsed(lambda: of_model.alias(name))
    if isinstance(to, int):
        number = to
    else:
        # A selector may stand alone, as the model is named already.
        text = f"{of_model.project}/{of_model.model}@{to}" if isinstance(to, str) and "@" not in to else to
        target = resource_name(session, text)
        if target.of_model != of_model:
            raise InvalidArgument(
                f"alias {name!r} is of model {of_model.model!r}, while {target.text} is of another one"
            )
        number = target.number
    request = built(
        pb.SetAliasRequest,
        name=alias.text,
        number=number,
        expected_number=expected,
        request_id=new_request_id(),
    )
    return Alias.of(session.calls.unary(session.metadata.SetAlias, request))


def delete_alias(session: Session, model: str, name: str, *, expected: int | None) -> Alias:
    of_model = session.model(model)
    alias = parsed(lambda: of_model.alias(name))
    request = built(
        pb.DeleteAliasRequest, name=alias.text, expected_number=expected, request_id=new_request_id()
    )
    return Alias.of(session.calls.unary(session.metadata.DeleteAlias, request))


def list_aliases(session: Session, model: str) -> list[Alias]:
    request = pb.ListAliasesRequest(parent=session.model(model).text)
    return [
        Alias.of(alias) for alias in session.calls.pages(session.metadata.ListAliases, request, "aliases")
    ]
