"""Whatever went wrong once, in the end what the stage holds runs, and the ledger is told once."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from muniment import errors
from muniment_deployer.pauses import Pauses
from muniment_deployer.state import StateFile

SOON = Pauses(first=0.001, longest=0.005, first_retry=0.001, longest_retry=0.005, resync=60)
OFTEN = replace(SOON, resync=0.005)


def outage() -> errors.MunimentError:
    return errors.StorageUnavailable("the store for bytes does not answer", "STORAGE_UNAVAILABLE", {})


@pytest.fixture
def ran(registry, directory, start):
    """A deployer has run version 1 in the directory, and ended."""
    version = registry.push(model=b"one")
    registry.promote(version)
    first = start()
    first.wait_until_told("RUNNING", 1, 2)
    first.stop()
    return version


def test_a_directory_that_cannot_be_removed_does_not_end_the_deployer(
    registry, activator, directory, start, monkeypatch
):
    remove = shutil.rmtree

    def refuse(path, *arguments, **options):
        if Path(path).name.startswith("1-") and Path(path).parent.name == "versions":
            raise PermissionError(13, "Permission denied", str(path))
        remove(path, *arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", refuse)
    controller = start()
    for number in range(1, 6):
        registry.promote(registry.push(model=bytes([number])))
        controller.wait_until_told("RUNNING", number, 2 * number)
    controller.stop()
    assert controller.failure is None
    kept = {path.name.partition("-")[0] for path in (directory / "versions").iterdir() if path.is_dir()}
    assert kept == {"1", "3", "4", "5"}


def test_a_version_that_could_not_be_restored_is_tried_again(registry, activator, start, ran):
    activator.unfit[1] = "no memory just now"
    second = start(SOON)
    second.wait_until_told("FAILED", 1, 2)
    activator.unfit.clear()
    second.wait_until_told("RUNNING", 1, 2)
    assert activator.serving == 1
    assert second.told.count(("FAILED", 1, 2)) == 1


def test_a_version_that_did_not_come_up_is_tried_again_and_told_once(registry, activator, start, ran):
    two = registry.push(model=b"two")
    tries = []

    def full(number):
        tries.append(number)
        if len(tries) < 5:
            raise errors.CannotWrite(f"no space left on device ({len(tries)})")

    registry.before_pull = full
    second = start(SOON)
    second.wait_until_told("RUNNING", 1, 2)
    registry.promote(two)
    second.wait_until_told("RUNNING", 2, 4)
    assert [report for report in second.told if report[1] == 2] == [
        ("DEPLOYING", 2, 4),
        ("FAILED", 2, 4),
        ("RUNNING", 2, 4),
    ]


def test_while_the_wanted_version_does_not_come_up_the_one_before_is_restored(
    registry, activator, start, ran
):
    registry.promote(registry.push(model=b"two"))
    activator.unfit.update({1: "no memory just now", 2: "broken"})
    second = start(SOON)
    second.wait_until_told("FAILED", 2, 4)
    del activator.unfit[1]
    second.wait_until_told("RUNNING", 1, 4)
    assert activator.serving == 1


def test_a_version_that_fails_is_not_fetched_for_every_try(registry, activator, start, ran):
    activator.unfit[2] = "broken"
    registry.promote(registry.push(model=b"two"))
    second = start(SOON)
    tried_often = len(activator.prepared) + 5
    activator.on_prepare = lambda version: (
        activator.unfit.clear() if len(activator.prepared) > tried_often else None
    )
    second.wait_until_told("RUNNING", 2, 4)
    assert registry.pulled == [1, 2]


def test_an_outage_of_the_store_is_no_stream_of_reports(registry, activator, start, ran):
    second = start(SOON)
    second.wait_until_told("RUNNING", 1, 2)
    left = 20

    def away(number):
        nonlocal left
        left -= 1
        if left > 0:
            raise outage()

    registry.before_pull = away
    registry.promote(registry.push(model=b"two"))
    second.wait_until_told("RUNNING", 2, 4)
    assert second.told == [("RUNNING", 1, 2), ("DEPLOYING", 2, 4), ("RUNNING", 2, 4)]


def test_a_registry_with_a_shorter_ledger_is_taken_for_another_one(
    registry, activator, directory, start, ran
):
    StateFile(directory / "state.json").store(
        replace(StateFile(directory / "state.json").load("churn", "production"), revision=20)
    )
    registry.rebuild()
    registry.promote(registry.push(model=b"other"))
    second = start(SOON)
    second.wait_until_told("DEPLOYING", 1, 2)
    second.wait_until_told("RUNNING", 1, 2)
    registry.promote(registry.push(model=b"next"))
    second.wait_until_told("RUNNING", 2, 4)
    second.stop()
    assert (directory / "current/model").read_bytes() == b"next"
    assert json.loads((directory / "state.json").read_text())["revision"] == 4


def test_a_registry_that_is_replaced_while_it_is_watched_is_followed(registry, activator, start, ran):
    for number in range(8):
        registry.push(model=bytes([number]))
    second = start(SOON)
    second.wait_until_told("RUNNING", 1, 2)
    registry.rebuild()
    registry.push(model=b"not this")
    registry.promote(registry.push(model=b"other"))
    registry.break_watches()
    second.wait_until_told("RUNNING", 2, 3)
    assert activator.serving == 2


def test_a_replaced_registry_whose_ledger_is_longer_is_noticed_without_any_event(
    registry, activator, directory, start, ran
):
    registry.rebuild()
    registry.promote(registry.push(model=b"other"))  # at revision 2, which counts as done
    for number in range(20):
        registry.push(model=bytes([number]))
    second = start(SOON)
    second.wait_until_told("DEPLOYING", 1, 2)
    second.stop()
    assert (directory / "current/model").read_bytes() == b"other"


def test_what_no_event_told_is_found_by_looking_again(registry, activator, start, ran):
    two = registry.push(model=b"two")
    second = start(OFTEN)
    second.wait_until_told("RUNNING", 1, 2)
    with registry.changed:  # a move at a revision that counts as done
        registry.current = replace(registry.current, number=2, digest=two.digest, revision=3)
    second.wait_until_told("RUNNING", 2, 3)
    assert activator.serving == 2


def test_after_a_death_between_swap_and_state_the_swapped_version_is_restored(
    registry, activator, directory, start, ran
):
    before = (directory / "state.json").read_text()
    registry.promote(registry.push(model=b"two"))
    second = start()
    second.wait_until_told("RUNNING", 2, 4)
    second.stop()
    (directory / "state.json").write_text(before)

    registry.failures.extend([errors.Unavailable("the registry is away", "SHUTTING_DOWN", {})] * 1000)
    third = start()
    third.wait_until_told("RUNNING", 2, 2)
    third.stop()
    assert activator.serving == 2
    assert (directory / "current").readlink().name.startswith("2-")
    assert json.loads((directory / "state.json").read_text())["number"] == 2


def test_pulling_a_damaged_version_again_never_empties_current(registry, directory, start, ran, monkeypatch):
    (directory / "current/model").write_bytes(b"damaged")
    seen = []
    remove = shutil.rmtree

    def look(path, *arguments, **options):
        seen.append((directory / "current/model").exists())
        remove(path, *arguments, **options)

    second_pull = registry.pull

    def pull(version, into):
        monkeypatch.setattr(shutil, "rmtree", look)
        return second_pull(version, into)

    registry.pull = pull
    second = start()
    second.wait_until_told("RUNNING", 1, 2)
    second.stop()
    assert (directory / "current/model").read_bytes() == b"one"
    assert seen
    assert all(seen)
    assert not list((directory / "incoming").iterdir())
