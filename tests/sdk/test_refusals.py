"""Bad input, wrong tokens, absent servers: one clear error each, and never one of gRPC's."""

from __future__ import annotations

import socket
from collections.abc import Iterator

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
