"""Settings of a bucket that are wrong: whoever starts a server is told in a sentence what the S3 service said."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from harness.s3 import S3Server
from muniment_server.cli import main


def said(*arguments: str) -> str:
    """What a command says that refuses to begin."""
    done = CliRunner().invoke(main, ["token", "create", "--role", "reader", *arguments])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit), "a sentence, and nothing that escaped"
    return done.output


def options(s3: S3Server, data: Path, *wrong: str) -> tuple[str, ...]:
    return ("--data", str(data), *s3.options("bucket-that-is-not-there"), *wrong)


def test_a_bucket_that_is_not_there_is_named_as_the_cause(s3_server: S3Server, tmp_path: Path) -> None:
    sentence = said(*options(s3_server, tmp_path))
    assert "the anchor store does not answer: try again (" in sentence
    assert "NoSuchBucket" in sentence


def test_keys_that_are_refused_are_the_cause_and_are_not_repeated(
    s3_server: S3Server, s3_bucket: str, tmp_path: Path
) -> None:
    sentence = said(*options(s3_server, tmp_path, "--s3-bucket", s3_bucket, "--s3-secret-key", "wrong-word"))
    assert "SignatureDoesNotMatch" in sentence
    assert "wrong-word" not in sentence


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (("--s3-bucket", "b1"), "invalid bucket name b1"),
        (("--s3-endpoint", "http://localhost:9000"), "without a scheme"),
        (("--s3-region", "x y"), "invalid region x y"),
    ],
)
def test_settings_that_cannot_be_right_are_refused_with_a_sentence(
    s3_server: S3Server, tmp_path: Path, wrong: tuple[str, str], cause: str
) -> None:
    sentence = said(*options(s3_server, tmp_path, *wrong))
    assert "the S3 service cannot be used: " in sentence
    assert cause in sentence
