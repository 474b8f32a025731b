"""Where the registry is and how to answer: options that stand before the verb as well as after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from muniment.cli.parameters import TEXT
from muniment.names import DEFAULT_PROJECT, ModelName, VersionName

if TYPE_CHECKING:
    from muniment.registry import Registry

Decorated = TypeVar("Decorated", bound=Callable[..., Any] | click.Command)


@dataclass
class Invocation:
    """What was given on the command line, before the verb or after it; what was not is None."""

    target: str | None = None
    token: str | None = None
    project: str | None = None
    ca_file: str | None = None
    json: bool = False

    def connect(self) -> Registry:
        """The registry; ``connect`` looks at the environment for what was not given here."""
        # Imported when a verb runs: gRPC takes longer to load than all of --help.
        from muniment.registry import connect

        return connect(self.target, token=self.token, project=self.own_project, ca_file=self.ca_file)

    @property
    def own_project(self) -> str:
        """The project that need not be written."""
        return self.project or os.environ.get("MUNIMENT_PROJECT") or DEFAULT_PROJECT

    def model(self, resource: str) -> str:
        """What to type for a model, given its resource name."""
        name = ModelName.parse(resource)
        return name.model if name.project == self.own_project else f"{name.project}/{name.model}"

    def version(self, resource: str) -> str:
        """What to type for a version, given its resource name."""
        name = VersionName.parse(resource)
        return f"{self.model(name.of_model.text)}@{name.number}"


def _remember(context: click.Context, parameter: click.Parameter, value: str | bool | None) -> None:
    invocation = context.ensure_object(Invocation)
    if value == "":
        raise click.BadParameter("it is empty; leave the option out for the default", context, parameter)
    if value not in (None, False):
        # The verb's own options are read after those before it, so the nearer one holds.
        setattr(invocation, str(parameter.name), value)


def _shared(*declarations: str, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """An option that is kept in the invocation instead of being handed to the function."""

    def add(decorated: Decorated) -> Decorated:
        option = click.Option(declarations, callback=_remember, expose_value=False, **attributes)
        if isinstance(decorated, click.Command):
            decorated.params.append(option)
            return decorated
        return click.option(cls=_Given, given=option)(decorated)

    return add


class _Given(click.Option):
    """Placeholder, replaced below."""


def connection_options(decorated: Decorated) -> Decorated:
    """Add --target, --token, --project and --ca-file."""
    return decorated


json_option = _shared("--json", is_flag=True, help="Print JSON, one object per line.")
