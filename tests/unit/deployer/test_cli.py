"""What the command line of the deployer refuses before anything is done."""

from __future__ import annotations

from click.testing import CliRunner
from muniment_deployer.cli import command


def test_an_empty_directory_is_not_the_one_somebody_works_in():
    done = CliRunner().invoke(command, ["--model", "churn", "--into", ""])
    assert done.exit_code == 2, done.output
    assert "it is empty, while a path is needed." in done.output
