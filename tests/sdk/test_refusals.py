"""Bad input, wrong tokens, absent servers: one clear error each, and never one of gRPC's."""

from __future__ import annotations

import math
import os
import socket
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import muniment
import pytest
from muniment import errors

BAD_NAMES = ["../x", "a/b/c", "", "x" * 129, "a\nb", "a\x00b", "\u202echurn", "%2e%2e", "-x", "x.", "ä", " x"]


@pytest.fixture
def registry_nowhere() -> Iterator[muniment.Registry]:
    """A connection that fails as soon as anything is sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with muniment.connect(address, token="mun_x") as connected:
        yield connected


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_a_bad_model_name_is_refused_before_anything_is_sent(
    registry_nowhere, model_dir, tmp_path, name
) -> None:
    registry = registry_nowhere
    calls = [
        lambda: registry.push(name, model_dir),
        lambda: registry.model(name),
        lambda: list(registry.versions(name)),
        lambda: registry.stages(name),
        lambda: registry.alias(name, "champion", 1),
        lambda: registry.rollback(name, stage="production"),
    ]
    for call in calls:
        with pytest.raises(errors.InvalidName) as caught:
            call()
        assert "not valid" in caught.value.message
    with pytest.raises(errors.InvalidArgument):
        registry.pull(name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "selector", ["churn@", "churn@0", "churn@01", "churn@a/b", "churn@sha256:xy", "a/b/c@1"]
)
def test_a_malformed_selector_is_refused_before_anything_is_sent(registry_nowhere, selector) -> None:
    with pytest.raises((errors.InvalidSelector, errors.InvalidName)):
        registry_nowhere.show(selector)


def test_what_does_not_exist_is_named(registry, model_dir) -> None:
    with pytest.raises(errors.ModelNotFound, match="nobody"):
        registry.show("nobody")
    registry.push("churn", model_dir)
    with pytest.raises(errors.VersionNotFound):
        registry.show("churn@7")
    with pytest.raises(errors.StageEmpty):
        registry.show("churn@production")
    with pytest.raises(errors.StageNotFound):
        registry.stage("churn", "nowhere")
    with pytest.raises(errors.ProjectNotFound):
        registry.push("elsewhere/churn", model_dir)
    with pytest.raises(errors.ProjectNotFound, match="elsewhere"):
        registry.show("elsewhere/churn")


def test_a_wrong_token_is_told_without_its_text(shared_server) -> None:
    with muniment.connect(shared_server.address, token="mun_secret") as registry:
        with pytest.raises(errors.TokenInvalid) as caught:
            list(registry.models())
    assert "secret" not in caught.value.diagnostics()


def test_a_token_that_cannot_be_a_header_is_refused_without_its_text(shared_server) -> None:
    with muniment.connect(shared_server.address, token="mun_ä secret") as registry:
        with pytest.raises(errors.InvalidArgument) as caught:
            registry.whoami()
    assert "secret" not in caught.value.message


def test_a_reader_cannot_push(shared_server, registry, project, model_dir) -> None:
    token = registry.create_token("reader", roles=["reader"]).secret
    with muniment.connect(shared_server.address, token=token, project=project) as reader:
        with pytest.raises(errors.PermissionDenied):
            reader.push("churn", model_dir)


def test_no_server_is_told_with_its_address(registry_nowhere, model_dir) -> None:
    registry = registry_nowhere
    for call in (lambda: registry.push("churn", model_dir), lambda: list(registry.models())):
        with pytest.raises(errors.Unreachable, match=registry.target):
            call()


def test_a_closed_connection_says_so(registry) -> None:
    registry.close()
    registry.close()
    with pytest.raises(errors.RegistryClosed):
        registry.whoami()


@pytest.mark.parametrize(
    "target", ["host:0", "host:99999", "a b", "http://x", "file:", "file://host/x", "[::g]:1"]
)
def test_a_bad_target_is_refused(target) -> None:
    with pytest.raises(errors.InvalidTarget):
        muniment.connect(target)


@pytest.mark.parametrize("path", ["", None, 5], ids=repr)
def test_an_empty_path_is_not_the_working_directory(registry_nowhere, tmp_path, monkeypatch, path) -> None:
    (tmp_path / "secrets").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.InvalidArgument, match=r"^path is .*while a path is needed"):
        registry_nowhere.push("churn", path)
    with pytest.raises(errors.InvalidArgument, match=r"^into is .*while a path is needed"):
        registry_nowhere.pull("churn@1", path)


HUGE = 2**70
NO_TEXT = "\udcff"
NAIVE = datetime(2026, 11, 29)
AFTER_ALL = datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=12)))
UNFIT = {
    "promote to no text": lambda registry: registry.promote("churn@1", to=NO_TEXT),
    "promote for no text": lambda registry: registry.promote("churn@1", to="staging", reason=NO_TEXT),
    "promote nothing": lambda registry: registry.promote(5, to="staging"),
    "promote over a huge number": lambda registry: registry.promote("m@1", to="s", expected_current=HUGE),
    "promote over text": lambda registry: registry.promote("m@1", to="s", expected_current="1"),
    "roll back to truth": lambda registry: registry.rollback("m", stage="staging", to=True),
    "roll back over text": lambda registry: registry.rollback("m", stage="staging", expected_current="1"),
    "history of no text": lambda registry: list(registry.history("m", NO_TEXT)),
    "versions of nothing": lambda registry: list(registry.versions(None)),
    "show a number": lambda registry: registry.show(5),
    "a project that is no text": lambda registry: registry.create_project("p", NO_TEXT),
    "revoke no text": lambda registry: registry.revoke_token(NO_TEXT),
    "a token for no text": lambda registry: registry.create_token(NO_TEXT, roles=["reader"]),
    "a token of no roles": lambda registry: registry.create_token("ci", roles=None),
    "an alias of a huge number": lambda registry: registry.alias("m", "champion", HUGE),
    "an alias that is a number": lambda registry: registry.alias("m", 5, 1),
    "an alias expected at text": lambda registry: registry.alias("m", "champion", 1, expected="2"),
    "watch after a huge number": lambda registry: registry.watch(after=HUGE),
    "watch after text": lambda registry: registry.watch(after="5"),
    "watch no text": lambda registry: registry.watch(after=0, stage=NO_TEXT),
    "audit of numbers": lambda registry: registry.audit.log(types=[5]),
    "a proof of a huge number": lambda registry: registry.audit.inclusion_proof(HUGE),
    "a checkpoint of text": lambda registry: registry.audit.checkpoint("5"),
    "update with no text": lambda registry: registry.update("m@1", description=NO_TEXT),
    "update no tags": lambda registry: registry.update_model("m", tags=5),
    "update a tag of no text": lambda registry: registry.update_model("m", tags={NO_TEXT: None}),
    "report no text": lambda registry: report(registry, message=NO_TEXT),
    "report a huge number": lambda registry: report(registry, number=HUGE),
    "metrics that are none": lambda registry: registry.add_metrics("m@1", 5),
    "trace a number": lambda registry: registry.trace(5),
    "a receipt of a number": lambda registry: registry.receipt(5),
    "usage of a number": lambda registry: registry.usage(5),
    "verify with a number": lambda registry: registry.audit.verify(key=5),
    "export to nothing": lambda registry: registry.audit.export(""),
    "predictions since text": lambda registry: list(registry.list_predictions("m@1", start="monday")),
    "predictions until no zone": lambda registry: registry.count_predictions("m@1", end=NAIVE),
    "predictions of no number": lambda registry: registry.predictions("m@1", capacity="x"),
    "record a number": lambda registry: registry.predictions("m@1").record(5, input=b"", output=b""),
    "revoke a number": lambda registry: registry.revoke_token(5),
    "show at no time there is": lambda registry: registry.show("m@latest", at=AFTER_ALL),
    "push no data sets": lambda registry: registry.push("m", "/dev/null", datasets=5),
}


def report(registry: muniment.Registry, *, message: str = "", number: int = 1) -> None:
    registry.report_deployment(
        "target",
        model="m",
        stage="staging",
        number=number,
        digest="sha256:x",
        state="FAILED",
        acted_revision=1,
        message=message,
    )


@pytest.mark.parametrize("call", UNFIT.values(), ids=UNFIT)
def test_a_value_that_cannot_be_sent_is_an_error_of_the_sdk(registry_nowhere, call) -> None:
    with pytest.raises(errors.InvalidArgument):
        call(registry_nowhere)


def test_a_chosen_timeout_holds_for_every_call(server, model_dir) -> None:
    with muniment.connect(server.address, token=server.token) as registry:
        version = registry.push("churn", model_dir)
    with muniment.connect(server.address, token=server.token, timeout=0.5) as hasty:
        with server.paused():
            for call in (
                lambda: hasty.promote(version, to="staging"),
                lambda: hasty.rollback("churn", stage="staging"),
                lambda: hasty.restore(version),
                lambda: hasty.inspect(version, wait=0),
                lambda: hasty.inspect(version, wait=0.1),
            ):
                with pytest.raises(errors.DeadlineExceeded):
                    call()


def test_who_waits_for_an_inspection_does_not_wait_for_a_registry_that_hangs(
    server, model_dir, monkeypatch
) -> None:
    monkeypatch.setattr("muniment.registry.inspections.CALL_SECONDS", 0.2)
    with muniment.connect(server.address, token=server.token, timeout=0.5) as registry:
        version = registry.push("churn", model_dir)
        with server.paused(), pytest.raises(errors.DeadlineExceeded):
            registry.inspect(version)


def test_the_field_that_cannot_be_sent_is_named(registry_nowhere) -> None:
    with pytest.raises(errors.InvalidArgument, match=r"^expected_current cannot be sent"):
        registry_nowhere.promote("m@1", to="staging", expected_current=HUGE)


@pytest.mark.parametrize("timeout", [0, -1, math.inf, math.nan, 1e30, "5"])
def test_a_timeout_that_cannot_be_waited_for_is_refused(timeout) -> None:
    with pytest.raises(errors.InvalidArgument, match="timeout is"):
        muniment.connect("127.0.0.1:1", timeout=timeout)


def test_arguments_of_connect_that_are_no_text_are_refused_without_being_shown(tmp_path) -> None:
    for arguments in ({"target": tmp_path}, {"target": "h", "token": b"mun_secret"}, {"project": 5}):
        with pytest.raises(errors.InvalidArgument, match="while text is needed") as caught:
            muniment.connect(**arguments)
        assert "secret" not in caught.value.message


def test_a_home_of_nobody_is_no_target() -> None:
    with pytest.raises(errors.InvalidTarget, match="home of somebody unknown"):
        muniment.connect("file:~nosuchuser/registry")


def test_directories_that_are_too_deep_are_refused(registry_nowhere, tmp_path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(1_200):
            os.mkdir("d", dir_fd=descriptor)
            below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
    finally:
        os.close(descriptor)
    try:
        with pytest.raises(errors.InvalidPath, match="more than 32 directories deep"):
            registry_nowhere.push("churn", tmp_path)
    finally:
        # Neither pytest nor Python's rmtree can go that deep.
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)
