"""Where the registry is and how to answer: options that stand before the verb as well as after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from muniment.cli.parameters import to_seconds, to_text
from muniment.names import DEFAULT_PROJECT, InvalidName, ModelName, VersionName

if TYPE_CHECKING:
    from muniment.registry import Registry


@dataclass
class Invocation:
    """What was given on the command line, before the verb or after it; what was not is None."""

    target: str | None = None
    token: str | None = None
    project: str | None = None
    ca_file: str | None = None
    insecure: bool = False
    timeout: float | None = None
    cache: str | None = None
    json: bool = False

    def connect(self) -> Registry:
        """The registry; ``connect`` looks at the environment for what was not given here."""
        # Imported when a verb runs: gRPC takes longer to load than all of --help.
        from muniment.registry.connection import connect

        return connect(
            self.target,
            token=self.token,
            project=self.own_project,
            ca_file=self.ca_file,
            insecure=self.insecure or None,
            cache=self.cache,
            timeout=self.timeout,
        )

    @property
    def own_project(self) -> str:
        """The project that need not be written."""
        return self.project or os.environ.get("MUNIMENT_PROJECT") or DEFAULT_PROJECT

    def project_of(self, model: str | None) -> str:
        """The project of a model as it was typed, which may name it."""
        if model is None or "/" not in model:
            return self.own_project
        return model.removeprefix("projects/").partition("/")[0]

    def model(self, resource: str) -> str:
        """What to type for a model, given its resource name; what is none is shown as it is."""
        try:
            name = ModelName.parse(resource)
        except InvalidName:
            return resource
        return name.model if name.project == self.own_project else f"{name.project}/{name.model}"

    def version(self, resource: str) -> str:
        """What to type for a version, given its resource name; what is none is shown as it is."""
        try:
            name = VersionName.parse(resource)
        except InvalidName:
            return resource
        return f"{self.model(name.of_model.text)}@{name.number}"


def _remember(context: click.Context, parameter: click.Parameter, value: str | float | bool | None) -> None:
    invocation = context.ensure_object(Invocation)
    if value not in (None, False):
        # The verb's own options are read after those before it, so the nearer one holds.
        setattr(invocation, str(parameter.name), value)


def _shared(*declarations: str, **attributes: Any) -> Callable[[click.Command], click.Command]:
    """An option that is kept in the invocation instead of being handed to the function."""
    return click.option(*declarations, callback=_remember, expose_value=False, **attributes)


CONNECTION_OPTIONS = (
    _shared(
        "--target", type=to_text, metavar="TARGET", help="Registry: HOST:PORT or file:DIR. [$MUNIMENT_TARGET]"
    ),
    _shared(
        "--token", type=to_text, metavar="TOKEN", help="Who calls. [$MUNIMENT_TOKEN, which others cannot see]"
    ),
    _shared("--project", type=to_text, metavar="NAME", help="Project of the names. [$MUNIMENT_PROJECT]"),
    _shared(
        "--ca-file",
        type=to_text,
        metavar="FILE",
        help="Speak TLS, trusting FILE or 'system'. [$MUNIMENT_CA_FILE]",
    ),
    _shared("--insecure", is_flag=True, help="Send the token without TLS, too. [$MUNIMENT_INSECURE]"),
    _shared(
        "--cache", type=to_text, metavar="DIR", help="Keeps what is pulled; 'off' for none. [$MUNIMENT_CACHE]"
    ),
    _shared(
        "--timeout",
        type=to_seconds,
        metavar="SECONDS",
        help="Longest wait for an answer. [30; more where all bytes are read]",
    ),
)
"""Where the registry is. Their variables are read by ``connect``, so that there is one rule for both."""

JSON_OPTION = _shared("--json", is_flag=True, help="Print JSON, one object per line.")
