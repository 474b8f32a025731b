"""Promote, roll back, watch: through the SDK, against a real server."""

from __future__ import annotations

import muniment
import pytest
from muniment import errors


@pytest.fixture
def two_versions(registry, model_dir):
    """A model with versions 1 and 2."""
    first = registry.push("churn", model_dir)
    (model_dir / "config.json").write_text('{"layers": 4}')
    return first, registry.push("churn", model_dir)


def test_a_stage_moves_forth_and_back(registry, two_versions) -> None:
    first, second = two_versions
    assert registry.stage("churn", "production").number == 0
    assert registry.promote(first, to="production", expected_current=0).state == "PROMOTED"
    assert registry.promote("churn@2", to="production", reason="better").previous_number == 1
    assert registry.show("churn@production").name == second.name
    assert registry.rollback("churn", stage="production").number == 1
    assert [(move.kind, move.number) for move in registry.history("churn", "production")] == [
        ("ROLLBACK", 1),
        ("PROMOTION", 2),
        ("PROMOTION", 1),
    ]


def test_a_stale_expectation_is_refused_with_both_sides(registry, two_versions) -> None:
    first, second = two_versions
    registry.promote(first, to="production")
    with pytest.raises(errors.CurrentMismatch) as caught:
        registry.promote(second, to="production", expected_current=2)
    assert caught.value.metadata["expected"] == "2"
    assert caught.value.metadata["actual"] == "1"
    assert registry.stage("churn", "production").number == 1


def test_what_makes_no_sense_is_refused(registry, two_versions) -> None:
    first, _ = two_versions
    registry.promote(first, to="staging")
    with pytest.raises(errors.AlreadyCurrent):
        registry.promote(first, to="staging")
    with pytest.raises(errors.NoPreviousVersion):
        registry.rollback("churn", stage="staging")
    with pytest.raises(errors.StageNotFound):
        registry.promote(first, to="nowhere")
    with pytest.raises(errors.VersionNotFound):
        registry.promote("churn@9", to="staging")


def test_a_version_that_is_not_ready_is_refused_with_its_state(registry, two_versions) -> None:
    first, _ = two_versions
    registry.archive(first)
    for state in ("ARCHIVED", "DELETED"):
        with pytest.raises(errors.VersionNotReady, match=f"is {state}, while READY is needed") as refused:
            registry.promote(first, to="staging")
        assert refused.value.metadata == {"version": first.name, "state": state}
        if state == "ARCHIVED":
            registry.delete_version(first)
    assert registry.stage("churn", "staging").number == 0


def test_watch_tells_every_change_once_through_a_killed_server(server, registry, two_versions) -> None:
    first, second = two_versions
    with registry.watch(model="churn", stage="production", heartbeat=1) as watch:
        registry.promote(first, to="production")
        assert next(watch).number == 1
        server.kill9()
        server.restart()
        registry.promote(second, to="production")
        registry.rollback("churn", stage="production")
        events = [next(watch), next(watch)]
    assert [(event.type, event.number) for event in events] == [
        ("stage.promoted", 2),
        ("stage.rolled_back", 1),
    ]
    assert watch.revision == events[-1].revision


def test_watch_continues_after_a_stored_revision(registry, two_versions) -> None:
    everything = [event.revision for event in registry.audit_log()]
    with registry.watch(after=everything[1]) as watch:
        assert [next(watch).revision for _ in everything[2:]] == everything[2:]


def test_a_closed_watch_ends(registry) -> None:
    watch = registry.watch()
    watch.close()
    assert list(watch) == []


def test_an_alias_follows_its_guard(registry, two_versions) -> None:
    registry.alias("churn", "champion", 1, expected=0)
    with pytest.raises(errors.CurrentMismatch):
        registry.alias("churn", "champion", 2, expected=2)
    assert registry.show("churn@champion").number == 1
    assert registry.alias("churn", "champion", "churn@2", expected=1).number == 2
    registry.delete_alias("churn", "champion")
    assert registry.aliases("churn") == []


def test_a_controller_watches_from_now(shared_server, registry, project, two_versions) -> None:
    first, second = two_versions
    registry.promote(first, to="production")
    token = registry.create_token("edge-1", roles=["controller"]).secret
    # A controller may watch and may not read the ledger.
    with muniment.connect(shared_server.address, token=token, project=project) as controller:
        with pytest.raises(errors.PermissionDenied):
            list(controller.audit_log())
        with controller.watch(stage="production", heartbeat=1) as watch:
            moved = registry.promote(second, to="production")
            event = next(watch)
    assert (event.type, event.number, event.revision) == ("stage.promoted", 2, moved.revision)


def test_a_watch_from_now_of_a_project_that_does_not_exist_is_refused(registry) -> None:
    with pytest.raises(errors.ProjectNotFound):
        registry.watch(model="elsewhere/churn")
