"""Where the anchor is, as the settings say: in a bucket it protects processes that have nothing of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from harness.s3 import S3Server
from muniment_core.domain.errors import StorageUnavailable
from muniment_core.signing.anchor import FileAnchor
from muniment_core.signing.shared_anchor import SharedAnchor
from muniment_server.anchor_place import Bucket
from muniment_server.cli import main
from muniment_server.core import running_core
from muniment_server.settings import StorageSettings, storage_options, storage_settings
from muniment_server.signing import open_anchor

Settings = Callable[..., StorageSettings]
KEYS = ("--s3-access-key", "key", "--s3-secret-key", "secret")


def parsed(*arguments: str) -> StorageSettings:
    found: list[StorageSettings] = []

    @click.command()
    @storage_options
    def command(**values: Any) -> None:
        found.append(storage_settings(values))

    done = CliRunner().invoke(command, list(arguments))
    if done.exit_code:
        raise click.UsageError(done.output)
    return found[0]


@pytest.fixture
def arguments(tmp_path: Path, s3_server: S3Server, s3_bucket: str) -> tuple[str, ...]:
    """Those of a registry with its bytes in a bucket."""
    return ("--data", str(tmp_path / "data"), *s3_server.options(s3_bucket))


def entries(settings: StorageSettings) -> int:
    """Start and stop a core that signs; how many entries the ledger has, or the alarm is raised."""
    with running_core(settings, keep_signed=True) as core:
        assert core.keeper.alarm == ""
    anchored = open_anchor(settings).read()
    assert anchored is not None
    return anchored.checkpoint.size


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("s3://kept", Bucket("kept")),
        ("s3://kept/", Bucket("kept")),
        ("s3://kept.here/of/risk", Bucket("kept.here", "of/risk")),
        ("some/anchor", Path("some/anchor")),
    ],
)
def test_a_place_is_a_file_or_a_bucket(written: str, place: Path | Bucket) -> None:
    settings = parsed("--anchor", written, *KEYS)
    assert settings.anchor == place
    kind = SharedAnchor if isinstance(place, Bucket) else FileAnchor
    assert isinstance(open_anchor(settings), kind)


@pytest.mark.parametrize("written", ["s3://", "s3://A_b", "https://kept/x", "s3://kept/a b", "."])
def test_what_is_neither_is_wrong_usage(written: str) -> None:
    with pytest.raises(click.UsageError, match=r"s3://BUCKET/PREFIX|is a directory"):
        parsed("--anchor", written, *KEYS)


def test_a_bucket_needs_its_keys() -> None:
    with pytest.raises(click.UsageError, match="needs --s3-access-key"):
        parsed("--anchor", "s3://kept")


def test_unless_told_the_anchor_is_where_the_bytes_are(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert isinstance(open_anchor(parsed("--data", str(tmp_path / "data"))), FileAnchor)
    assert isinstance(open_anchor(parsed(*arguments)), SharedAnchor)
    kept = str(tmp_path / "kept")
    assert isinstance(open_anchor(parsed(*arguments, "--anchor", kept)), FileAnchor)


@pytest.mark.parametrize("place", ["", "s3://{bucket}/elsewhere"])
def test_an_older_copy_is_noticed_in_a_data_directory_that_is_new(
    arguments: tuple[str, ...], s3_server: S3Server, s3_bucket: str, tmp_path: Path, place: str
) -> None:
    if place:
        arguments = (*arguments, "--anchor", place.format(bucket=s3_bucket))
    settings = parsed(*arguments)
    first = entries(settings)
    older = tmp_path / "older"
    shutil.copytree(settings.data, older)
    done = CliRunner().invoke(main, ["token", "create", "--role", "admin", *arguments])
    assert done.exit_code == 0, done.output
    assert entries(settings) == first + 1
    assert not (settings.data / "anchor").exists()
    (kept,) = (s3_server.root / s3_bucket / ("elsewhere" if place else "") / "anchor").iterdir()
    assert kept.name.startswith(f"{0:010}-{first + 1:020}-")

    replica = (*arguments, "--data", str(older))
    with running_core(parsed(*replica)) as core:
        assert f"the ledger has {first} entries, while the anchor has {first + 1}" in core.keeper.alarm
    done = CliRunner().invoke(main, ["fsck", *replica])
    assert done.exit_code == 1
    assert f"says that the ledger had {first + 1} entries" in done.output
    done = CliRunner().invoke(main, ["recover", "--reason", "restored on purpose", *replica])
    assert done.exit_code == 0, done.output
    assert entries(parsed(*replica)) == first + 1
    assert CliRunner().invoke(main, ["fsck", *replica]).exit_code == 0
    # The one whose history was given up is now the one that does not fit.
    with running_core(settings) as core:
        assert "the anchor" in core.keeper.alarm


def test_a_bucket_that_does_not_answer_refuses_a_start(arguments: tuple[str, ...]) -> None:
    settings = replace(parsed(*arguments), s3_endpoint="127.0.0.1:9", s3_deadline=1.0)
    with pytest.raises(StorageUnavailable, match="the anchor store does not answer"), running_core(settings):
        pass
