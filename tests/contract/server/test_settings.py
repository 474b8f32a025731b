"""Where settings come from: an option, the environment, a file that all commands of an installation share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from muniment_server.cli import main
from muniment_server.settings import serve_options

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file as an installation has it, with settings of every kind."""
    path = tmp_path / "muniment.toml"
    path.write_text(
        f'data = "{tmp_path}/data"\nlisten = "127.0.0.1:7470"\ngrace = 2.5\nprediction_days = 30\n'
        'gc_every = "12h"\ndrop_archived = true\nlog_origin = "example.com/registry"\n'
    )
    return path


@pytest.fixture
def values() -> Callable[..., dict[str, Any]]:
    """What a command that serves is given."""

    def found(*arguments: str, **environment: str) -> dict[str, Any]:
        given: dict[str, Any] = {}
        command = click.command()(serve_options(lambda **values: given.update(values)))
        done = CliRunner().invoke(command, arguments, env=environment)
        assert done.exit_code == 0, done.output
        return given

    return found


def refusal(path: Path) -> str:
    done = CliRunner().invoke(main, ["migrate", "--config", str(path)])
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit), "a sentence, and nothing that escaped"
    return " ".join(done.output.split())


def test_an_option_counts_before_the_environment_and_that_before_the_file(
    file: Path, values: Callable[..., dict[str, Any]]
) -> None:
    config = ("--config", str(file))
    assert values()["listen"] == "127.0.0.1:7460"
    assert values(*config)["listen"] == "127.0.0.1:7470"
    assert values(*config, MUNIMENT_LISTEN="127.0.0.1:7480")["listen"] == "127.0.0.1:7480"
    given = values(*config, "--listen", "127.0.0.1:7490", MUNIMENT_LISTEN="127.0.0.1:7480")
    assert given["listen"] == "127.0.0.1:7490"


def test_what_clients_may_send_in_the_clear_is_no_leave_to_serve_so(
    values: Callable[..., dict[str, Any]],
) -> None:
    assert values(MUNIMENT_INSECURE="1")["insecure"] is False
    assert values(MUNIMENT_LISTEN_INSECURE="1")["insecure"] is True
    assert values("--insecure")["insecure"] is True


def test_the_file_sets_numbers_spans_and_flags(file: Path, values: Callable[..., dict[str, Any]]) -> None:
    given = values(MUNIMENT_CONFIG=str(file))
    assert given["data"] == file.parent / "data"
    assert (given["grace"], given["prediction_days"]) == (2.5, 30)
    assert given["gc_every"].total_seconds() == 12 * 3600
    assert given["drop_archived"] is True
    assert given["s3_direct"] is False


def test_one_file_is_for_every_command(file: Path) -> None:
    for arguments in (
        ("migrate",),
        ("token", "create", "--role", "reader"),
        ("key", "show"),
        ("key", "rotate"),
        ("gc",),
        ("predictions", "expire", "--older-than", "30"),
        ("fsck",),
    ):
        for given in ((*arguments, "--config", str(file)), arguments):
            done = CliRunner().invoke(main, given, env={"MUNIMENT_CONFIG": str(file)})
            assert done.exit_code == 0, (given, done.output)
    shown = CliRunner().invoke(main, ["key", "show", "--config", str(file)])
    assert shown.output.startswith("example.com/registry+")


def test_what_the_file_says_of_serving_is_not_said_of_options_that_have_the_same_name(tmp_path: Path) -> None:
    """`serve --grace` is seconds, and `gc --grace` a span, for which 2.5 is none."""
    file = tmp_path / "muniment.toml"
    file.write_text(f'data = "{tmp_path}/data"\ngrace = 2.5\n')
    assert CliRunner().invoke(main, ["gc", "--config", str(file)]).exit_code == 0


@pytest.mark.parametrize("key", ["colour", "config", "reason", "MUNIMENT_DATA", "s3-bucket"])
def test_a_key_that_no_command_knows_is_refused_and_named(tmp_path: Path, key: str) -> None:
    file = tmp_path / "muniment.toml"
    file.write_text(f'data = "{tmp_path}/data"\n{key} = "x"\n')
    assert f"{file} sets {key}, which muniment-server does not know" in refusal(file)
    assert not (tmp_path / "data").exists()


def test_a_file_that_is_no_toml_is_refused_and_named(tmp_path: Path) -> None:
    file = tmp_path / "muniment.toml"
    file.write_text("data: here\n")
    assert f"{file} cannot be read: " in refusal(file)
    assert "line 1" in refusal(file)
    file.write_bytes(b'data = "\xff"\n')
    assert f"{file} cannot be read: " in refusal(file)


def test_a_file_that_is_not_there_or_not_to_be_read_is_refused_and_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'none.toml'} cannot be read: No such file" in refusal(tmp_path / "none.toml")
    assert f"{tmp_path} cannot be read: Is a directory" in refusal(tmp_path)


def test_a_value_that_cannot_be_is_refused_under_the_name_of_its_option(tmp_path: Path) -> None:
    file = tmp_path / "muniment.toml"
    file.write_text("s3_deadline = 10000\n")
    assert "'--s3-deadline'" in refusal(file)


@pytest.mark.parametrize("option", ["--data", "--cold-dir", "--signing-key"])
def test_a_path_is_neither_empty_nor_something_no_file_of_ours_could_name(option: str) -> None:
    for path, why in (
        ("", "it is empty, while a path is needed."),
        ("caf\udce9", "is not UTF-8: give another"),
    ):
        done = CliRunner().invoke(main, ["serve", option, path])
        assert done.exit_code == 2, done.output
        assert why in " ".join(done.output.split())
