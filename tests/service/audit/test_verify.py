"""`muniment audit verify`: what a client finds out without believing the server."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import muniment
import pytest
from click.testing import Result
from harness.server import ServerFactory, ServerProcess
from muniment.auditing.export import verify_export
from muniment.auditing.trust import read_key
from muniment.ledger.keys import SigningKey
from muniment.local import state_directory


def _full(*_arguments: object) -> None:
    """A disk that is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def connected(server: ServerProcess) -> muniment.Registry:
    return muniment.connect(server.address, token=server.token)


def test_the_first_time_in_full_later_by_consistency(
    audit: Callable[..., Result], served: ServerProcess
) -> None:
    first = audit("verify")
    assert first.exit_code == 0, first.output
    assert "entries lead to the signed root, 8 models and 5 tokens are as it tells" in first.stdout
    assert "seen for the first time" in first.stderr
    with connected(served) as registry:
        registry.create_project("later")
        registry.audit.checkpoint(registry.audit.checkpoint().size)
    later = json.loads(audit("verify", "--json").stdout)
    assert not later["is_full"]
    assert later["begins_with"] > 100
    assert later["entries"] == 0
    assert "saw before" in later["trust"]
    assert json.loads(audit("verify", "--full", "--json").stdout)["entries"] >= later["size"]


def test_a_verdict_is_told_also_where_it_cannot_be_kept_that_the_ledger_was_seen(
    audit: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("muniment.auditing.seen._write", _full)
        refused = audit("verify")
    assert refused.exit_code == 1
    assert "nothing is wrong with the" in refused.stderr
    assert "No space left on device" in refused.stderr
    assert "seen for the first time" in audit("verify").stderr


def test_a_key_that_was_given_is_the_one_believed(audit: Callable[..., Result], tmp_path: Path) -> None:
    key = audit("keys").stdout.strip()
    file = tmp_path / "trusted"
    file.write_text(f"# of the operator\n{key}\n")
    for given in (key, file):
        assert audit("verify", "--key", given).exit_code == 0
    name = key.partition("+")[0]
    stranger = SigningKey.from_seed(name, bytes(32)).public.text
    refused = audit("verify", "--key", stranger)
    assert refused.exit_code == 1
    assert "proves nothing" in refused.stderr
    assert audit("verify", "--key", tmp_path / "none").exit_code == 1


def test_without_a_role_on_the_instance_it_says_what_is_needed_and_what_can_be_done(
    served: ServerProcess, audit: Callable[..., Result]
) -> None:
    with connected(served) as registry:
        secret = registry.create_token("carl", roles=["reader"], project="default").secret
    with muniment.connect(served.address, token=secret) as registry:
        with pytest.raises(muniment.errors.PermissionDenied, match="--project -"):
            registry.audit.verify()
        assert registry.audit.verify(full=False)
        assert registry.audit.verify()


def test_a_key_that_follows_from_the_one_seen_is_believed(served: ServerProcess, tmp_path: Path) -> None:
    from harness.population import storage
    from muniment_server.core import running_core
    from muniment_server.signing import rotate

    with connected(served) as registry:
        first = registry.audit.verify()
    served.stop()
    settings = storage(served.data)
    with running_core(settings) as core:
        rotate(settings, core.database, core.writer)
        core.keeper.keep(core.writer)
    served.restart()
    with connected(served) as registry:
        for full in (None, True):
            later = registry.audit.verify(full=full)
            assert later, later.differences
            assert later.key != first.key
        assert registry.audit.verify(key=first.key, full=True)
        registry.audit.export(tmp_path / "export", key=first.key)
    for key in (first.key, later.key):
        assert verify_export(tmp_path / "export", read_key(key))


def test_another_key_than_the_one_seen_before_is_refused_by_verify_and_export_alike(
    served: ServerProcess, server_factory: ServerFactory, tmp_path: Path
) -> None:
    with connected(served) as registry:
        seen = registry.audit.verify()
    impostor = server_factory("--log-origin", seen.origin)
    with connected(impostor) as registry:
        told = registry.audit.log_keys()[-1].key
        assert told != seen.key
        for full in (True, False):
            with pytest.raises(muniment.errors.LedgerUnproven, match="proves nothing"):
                registry.audit.verify(full=full)
        with pytest.raises(muniment.errors.LedgerUnproven, match="proves nothing"):
            registry.audit.export(tmp_path / "refused")
        assert not (tmp_path / "refused").exists()
        # Who says which key is to be believed is.
        registry.audit.export(tmp_path / "export", key=told)
    with connected(served) as registry:
        registry.audit.export(tmp_path / "right")
    assert verify_export(tmp_path / "right", read_key(seen.key))


def test_a_key_that_took_the_place_of_a_lost_one_is_believed_only_when_it_is_given(
    served: ServerProcess, audit: Callable[..., Result], tmp_path: Path
) -> None:
    from harness.population import storage
    from muniment_server.core import running_core
    from muniment_server.signing import replace_lost

    with connected(served) as registry:
        first = registry.audit.verify()
    served.stop()
    settings = storage(served.data)
    (served.data / "signing-key.pem").unlink()
    with running_core(settings) as core:
        new = replace_lost(settings, core.database, core.writer, reason="the disk died").text
        core.keeper.keep(core.writer)
    served.restart()
    for given in ((), ("--key", first.key), ("--full",)):
        refused = audit("verify", *given)
        assert refused.exit_code == 1
        assert "was lost" in refused.stderr
        assert "give it with --key" in refused.stderr
        assert new in refused.stderr
    for trusted in (None, first.key):
        with pytest.raises(muniment.errors.LedgerUnproven), connected(served) as registry:
            registry.audit.export(tmp_path / "refused", key=trusted)

    told = audit("verify", "--key", new)
    assert told.exit_code == 0, told.output
    # What was seen before is what the ledger still begins with, whoever signs it.
    assert f"begin with the {first.size} seen before" in told.stdout
    assert f"A key was replaced without its word: entry {first.size + 1} says" in told.stdout
    # From now on it is the one that was seen, and the break is named all the same.
    for arguments in (("verify", "--json"), ("verify", "--full", "--json")):
        found = json.loads(audit(*arguments).stdout)
        assert found["key"] == new
        assert len(found["replaced_keys"]) == 1
        assert found["differences"] == []

    with connected(served) as registry:
        registry.audit.export(tmp_path / "export", key=new)
    assert verify_export(tmp_path / "export", read_key(new)).replaced_keys == tuple(found["replaced_keys"])
    with pytest.raises(muniment.errors.LedgerUnproven, match="was lost"):
        verify_export(tmp_path / "export", read_key(first.key))
    # Who never saw it believes the registry, and is told of the break, too.
    shutil.rmtree(state_directory() / "checkpoints")
    newcomer = audit("verify")
    assert newcomer.exit_code == 0
    assert "seen for the first time" in newcomer.stderr
    assert "A key was replaced" in newcomer.stdout


def test_an_older_copy_of_the_database_is_named_and_both_checkpoints_are_kept(
    served: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.stop()
    shutil.copytree(served.data, tmp_path / "older")
    served.restart()
    with connected(served) as registry:
        registry.create_project("more")
        registry.audit.checkpoint(registry.audit.checkpoint().size + 1)
        seen = registry.audit.verify()
        assert seen
    served.stop()
    # All of it, the anchor too: nothing on the server knows better.
    shutil.rmtree(served.data)
    shutil.copytree(tmp_path / "older", served.data)
    served.restart()
    with connected(served) as registry:
        found = registry.audit.verify()
        assert not found
        assert f"was {seen.size} entries long and has {found.size} now" in found.differences[0]
        # Growing past what was seen does not heal it.
        while registry.audit.checkpoint().size <= seen.size:
            registry.create_project(f"other-{random.random()}")
        with monkeypatch.context() as patched:
            patched.setattr("muniment.auditing.seen._write", _full)
            (told,) = registry.audit.verify().differences
            assert "NOT THE ONE SEEN BEFORE" in told
            assert "No space left on device" in told
        assert "NOT THE ONE SEEN BEFORE" in registry.audit.verify().differences[0]
        assert "NOT THE ONE SEEN BEFORE" in registry.audit.verify(full=True).differences[0]
    kept = sorted(path.name for path in state_directory().glob("checkpoints/*/fork-*"))
    assert len(kept) == 2 * 2 or len(kept) == 2 * 3
