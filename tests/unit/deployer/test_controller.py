"""The controller against a registry in memory: what runs, what is told, what is remembered."""

from __future__ import annotations

import json

import pytest
from muniment import errors
from muniment_deployer.errors import WrongDirectory
from muniment_deployer.state import State, StateFile


def away() -> errors.MunimentError:
    return errors.Unavailable("the registry is away", "SHUTTING_DOWN", {})


def state_of(directory):
    return json.loads((directory / "state.json").read_text())


def test_without_a_state_it_deploys_what_is_current(registry, activator, directory, start):
    version = registry.push(model=b"one", deep__file=b"x")
    registry.promote(version)
    registry.push(model=b"two")

    controller = start()
    controller.wait_until_told("RUNNING", 1, 2)
    controller.stop()

    assert controller.told == [("DEPLOYING", 1, 2), ("RUNNING", 1, 2)]
    assert activator.serving == 1
    assert (directory / "current").readlink().as_posix() == f"versions/1-{version.digest[7:19]}"
    assert (directory / "current/deep/file").read_bytes() == b"x"
    # Revision 3 was in what was read: it is done with, though it is no move.
    assert state_of(directory)["revision"] == 3


def test_each_move_of_the_stage_is_brought_up_and_told(registry, activator, start):
    one, two = registry.push(model=b"one"), registry.push(model=b"two")
    registry.promote(one)
    controller = start()
    controller.wait_until_told("RUNNING", 1, 3)
    registry.promote(two)
    controller.wait_until_told("RUNNING", 2, 4)
    registry.promote(one, type="stage.rolled_back")
    controller.wait_until_told("RUNNING", 1, 5)

    assert activator.serving == 1
    assert controller.told[-2:] == [("DEPLOYING", 1, 5), ("RUNNING", 1, 5)]
    assert registry.pulled == [1, 2]  # the rollback found its version on disk


def test_an_empty_stage_is_waited_for(registry, activator, start):
    version = registry.push(model=b"one")
    controller = start()
    registry.promote(version)
    controller.wait_until_told("RUNNING", 1, 2)


def test_a_model_that_does_not_exist_yet_is_waited_for(registry, activator, start):
    registry.exists = False
    controller = start()
    version = registry.push(model=b"one")
    registry.exists = True
    registry.promote(version)
    controller.wait_until_told("RUNNING", 1, 2)


def test_of_several_pending_events_only_the_newest_is_brought_up_and_the_revision_moves_past_all(
    registry, activator, directory, start
):
    versions = [registry.push(model=bytes([n])) for n in range(4)]
    registry.promote(versions[0])
    first = start()
    first.wait_until_told("RUNNING", 1, 5)
    first.stop()

    for version in versions[1:]:
        registry.promote(version)
    second = start()
    second.wait_until_told("RUNNING", 4, 8)
    second.stop()

    assert activator.prepared == [1, 1, 4]
    assert ("DEPLOYING", 2, 6) not in second.told
    assert state_of(directory)["revision"] == 8


def test_a_pointer_that_moved_away_and_back_changes_nothing_and_moves_the_revision(
    registry, activator, directory, start
):
    one, two = registry.push(model=b"one"), registry.push(model=b"two")
    registry.promote(one)
    first = start()
    first.wait_until_told("RUNNING", 1, 3)
    first.stop()

    registry.promote(two)
    registry.promote(one, type="stage.rolled_back")
    second = start()
    second.wait_until_told("RUNNING", 1, 5)
    second.stop()

    assert activator.prepared == [1, 1]
    assert state_of(directory)["revision"] == 5


def test_a_version_that_does_not_come_up_is_told_and_the_one_before_keeps_running(
    registry, activator, directory, start
):
    one, two, three = (registry.push(model=name) for name in (b"one", b"two", b"three"))
    registry.promote(one)
    activator.unfit[2] = "the self-test failed"
    controller = start()
    controller.wait_until_told("RUNNING", 1, 4)
    registry.promote(two)
    controller.wait_until_told("FAILED", 2, 5)

    assert controller.reports[-1].message == "the self-test failed"
    assert activator.serving == 1
    assert (directory / "current").readlink().name.startswith("1-")
    assert (state_of(directory)["number"], state_of(directory)["revision"]) == (1, 5)

    registry.promote(three)
    controller.wait_until_told("RUNNING", 3, 6)
    assert activator.serving == 3


def test_a_restart_tries_a_failed_version_once_more(registry, activator, directory, start):
    one, two = registry.push(model=b"one"), registry.push(model=b"two")
    registry.promote(one)
    activator.unfit[2] = "no room"
    first = start()
    first.wait_until_told("RUNNING", 1, 3)
    registry.promote(two)
    first.wait_until_told("FAILED", 2, 4)
    first.stop()

    activator.unfit.clear()
    second = start()
    second.wait_until_told("RUNNING", 2, 4)
    second.stop()
    assert second.told == [("RUNNING", 1, 4), ("DEPLOYING", 2, 4), ("RUNNING", 2, 4)]
    assert state_of(directory)["failure"] == ""


def test_bytes_that_do_not_match_fail_the_deployment(registry, activator, start):
    one, two = registry.push(model=b"one"), registry.push(model=b"two")
    registry.promote(one)
    controller = start()
    controller.wait_until_told("RUNNING", 1, 3)

    def damaged(number):
        raise errors.Damaged("stored bytes are damaged", "BYTES_DAMAGED", {})

    registry.before_pull = damaged
    registry.promote(two)
    controller.wait_until_told("FAILED", 2, 4)
    assert activator.serving == 1
    assert controller.reports[-1].message == "stored bytes are damaged"


def test_a_version_whose_digest_is_not_the_one_the_stage_names_is_refused(registry, activator, start):
    one = registry.push(model=b"one")
    registry.promote(one)
    registry.versions[1] = type(one)(1, "sha256:" + "0" * 64, one.files)
    controller = start()
    controller.wait_until_told("FAILED", 1, 2)
    assert "sha256:" + "0" * 64 in controller.reports[-1].message
    assert one.digest in controller.reports[-1].message
    assert registry.pulled == []


def test_a_registry_that_is_away_during_a_pull_is_waited_for(registry, activator, start):
    one = registry.push(model=b"one")
    controller = start()
    registry.failures.extend([away(), away()])
    registry.promote(one)
    controller.wait_until_told("RUNNING", 1, 2)
    assert "FAILED" not in {report.state for report in controller.reports}


def test_a_token_that_is_refused_later_leaves_the_event_to_be_acted_on(registry, activator, directory, start):
    one, two = registry.push(model=b"one"), registry.push(model=b"two")
    registry.promote(one)
    controller = start()
    controller.wait_until_told("RUNNING", 1, 3)
    registry.failures.append(errors.Unauthenticated("the token is not valid", "TOKEN_INVALID", {}))
    registry.promote(two)
    controller.wait_until_told("RUNNING", 2, 4)


def test_a_broken_watch_is_taken_up_after_the_stored_revision(registry, activator, start):
    one, two = registry.push(model=b"one"), registry.push(model=b"two")
    registry.promote(one)
    controller = start()
    controller.wait_until_told("RUNNING", 1, 3)
    registry.break_watches()
    registry.promote(two)
    controller.wait_until_told("RUNNING", 2, 4)
    assert controller.told.count(("RUNNING", 1, 3)) == 1


def test_a_refusal_at_first_contact_ends_it(registry, start):
    registry.failures.append(errors.Unauthenticated("the token is not valid", "TOKEN_INVALID", {}))
    controller = start()
    controller.wait_until_ended()
    assert isinstance(controller.failure, errors.Unauthenticated)


def test_a_restart_runs_what_ran_from_disk_while_the_registry_is_away(registry, activator, start):
    version = registry.push(model=b"one")
    registry.promote(version)
    first = start()
    first.wait_until_told("RUNNING", 1, 2)
    first.stop()

    registry.failures.extend([away()] * 100)
    activator.serving = 0
    second = start()
    second.wait_until_told("RUNNING", 1, 2)
    assert activator.serving == 1
    assert registry.pulled == [1]


@pytest.mark.parametrize("damage", ["changed", "gone", "added", "symlink", "record"])
def test_damaged_files_on_disk_are_pulled_again(registry, activator, directory, start, damage):
    version = registry.push(model=b"one", other=b"more")
    registry.promote(version)
    first = start()
    first.wait_until_told("RUNNING", 1, 2)
    first.stop()

    files = directory / "current"
    if damage == "changed":
        (files / "model").write_bytes(b"eno")
    elif damage == "gone":
        (files / "model").unlink()
    elif damage == "added":
        (files / "extra").write_bytes(b"")
    elif damage == "symlink":
        (files / "model").unlink()
        (files / "model").symlink_to(files / "other")
    else:
        files.resolve().with_name(files.resolve().name + ".json").write_text("{}")
    second = start()
    second.wait_until_told("RUNNING", 1, 2)
    second.stop()

    assert registry.pulled == [1, 1]
    assert (directory / "current/model").read_bytes() == b"one"
    assert not (directory / "current/model").is_symlink()
    assert sorted(path.name for path in (directory / "current").iterdir()) == ["model", "other"]


def test_the_last_two_old_versions_are_kept_and_others_removed(registry, activator, directory, start):
    controller = start()
    for number in range(1, 6):
        registry.promote(registry.push(model=bytes([number])))
        controller.wait_until_told("RUNNING", number, 2 * number)
    controller.stop()

    kept = sorted(path.name.split("-")[0] for path in (directory / "versions").iterdir() if path.is_dir())
    records = sorted(path.name.split("-")[0] for path in (directory / "versions").glob("*.json"))
    assert kept == records == ["3", "4", "5"]


def test_a_state_that_cannot_be_read_is_replaced_from_the_stage(registry, activator, directory, start):
    version = registry.push(model=b"one")
    registry.promote(version)
    directory.mkdir()
    (directory / "state.json").write_text('{"revision": ')
    controller = start()
    controller.wait_until_told("RUNNING", 1, 2)


def test_a_directory_of_another_stage_is_refused(directory, start):
    directory.mkdir()
    StateFile(directory / "state.json").store(State(model="churn", stage="staging", revision=4))
    with pytest.raises(WrongDirectory, match="holds stage staging of model churn, not stage production"):
        start()


def test_stopping_while_the_registry_is_away_is_prompt(registry, activator, start):
    registry.failures.extend([away()] * 1000)
    controller = start()
    controller.stop()
    assert controller.told == []
