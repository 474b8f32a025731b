"""Help, wrong usage, and where options may stand."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import click
import pytest
from muniment.cli.program import program

Run = Callable[..., subprocess.CompletedProcess[str]]


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands(program))
VERBS = {path: command for path, command in ALL.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize("path", [(), *ALL], ids=" ".join)
def test_every_verb_explains_itself_and_every_option(path: tuple[str, ...]) -> None:
    command = ALL[path] if path else program
    assert command.help
    # Cut short it would end in dots, and say nothing.
    assert not command.get_short_help_str(60).endswith("...")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_every_verb_knows_the_connection_and_json(path: tuple[str, ...]) -> None:
    options = {option for parameter in VERBS[path].params for option in parameter.opts}
    assert {"--target", "--token", "--project", "--ca-file", "--insecure", "--timeout", "--json"} <= options


def test_help_lists_every_verb_and_the_variables(muniment: Run) -> None:
    outcome = muniment("--help")
    assert outcome.returncode == 0
    for name in program.commands:
        assert f"\n  {name} " in outcome.stdout
    for variable in ("MUNIMENT_TARGET", "MUNIMENT_TOKEN", "MUNIMENT_PROJECT", "MUNIMENT_CA_FILE"):
        assert variable in outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("frobnicate",), "No such command 'frobnicate'"),
        (("show",), "Missing argument 'SELECTOR'"),
        (("models", "extra"), "unexpected extra argument"),
        (("promote", "churn"), "Missing option '--to'"),
        (("promote", "churn", "--to", "staging", "--expected-current", "one"), "'one' is not a number"),
        (("rollback", "churn"), "Missing option '--stage'"),
        (("push", "churn", ""), "'PATH': it is empty"),
        (("pull", "churn@1", ""), "'INTO': it is empty"),
        (("push", "churn", ".", "--metric", "f1=good"), "'good' is not a number"),
        (("push", "churn", ".", "--metric", "f1=1", "--metric", "f1=2"), "--metric f1=… is given twice"),
        (("push", "churn", ".", "--param", "depth"), "'depth' is not KEY=VALUE"),
        (("push", "churn", ".", "--dataset", "version=1"), "name=… is missing"),
        (("push", "churn", ".", "--parent", "base:copied"), "relation 'copied' is not one of"),
        (("alias", "churn", "champion"), "give either VERSION"),
        (("alias", "churn", "champion", "1", "--delete"), "give either VERSION"),
        (("alias", "churn", "--delete"), "NAME is missing"),
        (("alias", "churn", "--expected", "1"), "NAME is missing"),
        (("predictions",), "give either SELECTOR or --dataset"),
        (("predictions", "churn", "--dataset", "x"), "give either SELECTOR or --dataset"),
        (("predictions", "churn", "--since", "soon"), "'soon' is neither like"),
        (("verify", "receipt.json"), "Missing option '--key'"),
        (("verify", "receipt.json", "--key", "x"), "is neither a file nor a public key"),
        (("watch", "--after", "-1"), "'-1' is not a number"),
        (("audit", "log", "--limit", "few"), "'few' is not a number"),
        (("audit", "log", "--limit", "0"), "'0' is too few"),
        (("token", "create", "ci"), "Missing option '--role'"),
        (("token", "create", "ci", "--role", "reader", "--expires", "soon"), "'soon' is neither like"),
        (("show", ""), "'SELECTOR': it is empty"),
        (("du", ""), "'[NAME]': it is empty"),
        (("delete", "churn@1", "--etag", ""), "'--etag': it is empty"),
        (("update", "churn@1", "--description", "", "--etag", ""), "'--etag': it is empty"),
        (("rollback", "churn", "--stage", "production", "--to", ""), "'--to': it is empty"),
        (("history", "churn", "--stage", ""), "'--stage': it is empty"),
        (("watch", "--stage", ""), "'--stage': it is empty"),
        (("audit", "log", "--actor", ""), "'--actor': it is empty"),
        (("metrics", "churn@1", "--key", ""), "'--key': it is empty"),
        (("lineage", "churn@1", "--dataset", ""), "'--dataset': it is empty"),
        (("--target", "", "models"), "it is empty"),
        (("models", "--project", ""), "it is empty"),
        (("models", "--timeout", "0"), "'0' is not a number of seconds"),
        (("models", "--timeout", "inf"), "'inf' is not a number of seconds"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_told_and_exits_2(muniment: Run, arguments: tuple[str, ...], sentence: str) -> None:
    outcome = muniment(*arguments)
    assert outcome.returncode == 2, outcome.stderr
    assert sentence in outcome.stderr
    assert outcome.stdout == ""


def test_options_may_stand_before_the_verb_in_a_group_and_after_it(muniment: Run, shared_server) -> None:
    here = ("--target", shared_server.address, "--token", shared_server.token)
    for arguments in (
        (*here, "audit", "log", "--json"),
        ("audit", *here, "log", "--json"),
        ("audit", "log", *here, "--json"),
        ("--target", shared_server.address, "audit", "log", "--token", shared_server.token, "--json"),
    ):
        outcome = muniment(*arguments)
        assert (outcome.returncode, outcome.stderr) == (0, ""), arguments


def test_the_option_after_the_verb_wins_and_options_win_over_variables(muniment: Run, shared_server) -> None:
    token = ("--token", shared_server.token)
    outcome = muniment(
        *("--target", "127.0.0.1:1", "models", "--target", shared_server.address, *token),
        env={"MUNIMENT_TARGET": "127.0.0.1:2", "MUNIMENT_TOKEN": "mun_wrong"},
    )
    assert outcome.returncode == 0, outcome.stderr
