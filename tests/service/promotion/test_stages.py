"""Stage pointers move by promotion and rollback alone, and remember how they moved."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from harness.api import Api, refusal
from harness.server import ServerProcess
from muniment.v1 import ledger_service_pb2, metadata_service_pb2
from muniment.v1 import promotion_service_pb2 as pb


def refused(error: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[grpc.StatusCode, str]:
    code, reason, _ = refusal(error.value)
    return code, reason


def test_a_promotion_moves_the_pointer_and_says_what_was_there_before(stages) -> None:
    first, second = stages.register(b"1"), stages.register(b"2")
    assert stages.promote(first).previous_number == 0
    promotion = stages.promote(second, expected=first)
    assert promotion.state == pb.PROMOTION_STATE_PROMOTED
    assert (promotion.previous_number, promotion.reason, promotion.requester) == (first, "because", "admin")
    assert stages.current() == second
    assert stages.current("staging") == 0


def test_rolling_back_twice_goes_two_promotions_back(stages) -> None:
    for number in (stages.register(bytes([n])) for n in range(3)):
        stages.promote(number)
    assert [stages.roll_back().number, stages.roll_back().number] == [2, 1]
    with pytest.raises(grpc.RpcError) as error:
        stages.roll_back()
    assert refused(error) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_PREVIOUS_VERSION")


def test_a_promotion_after_a_rollback_lies_on_what_the_rollback_restored(stages) -> None:
    for number in (stages.register(bytes([n])) for n in range(3)):
        if number < 3:
            stages.promote(number)
    stages.roll_back()
    stages.promote(3)
    assert stages.roll_back().number == 1


def test_a_rollback_passes_over_repeated_promotions_of_the_same_version(stages) -> None:
    for number in (stages.register(bytes([n])) for n in range(2)):
        stages.promote(number)
    stages.promote(1)
    stages.promote(2)
    assert [stages.roll_back().number, stages.roll_back().number] == [1, 2]


def test_a_rollback_passes_over_deleted_versions(stages) -> None:
    for number in (stages.register(bytes([n])) for n in range(3)):
        stages.promote(number)
    stages.api.metadata.DeleteVersion(
        metadata_service_pb2.DeleteVersionRequest(name=f"{stages.model}/versions/2")
    )
    assert stages.roll_back().number == 1


def test_a_rollback_to_a_named_version_needs_that_it_was_current_there(stages) -> None:
    for number in (stages.register(bytes([n])) for n in range(4)):
        if number < 4:
            stages.promote(number)
    assert stages.roll_back(to=1).number == 1
    for to, reason in ((4, "NO_PREVIOUS_VERSION"), (1, "ALREADY_CURRENT"), (9, "VERSION_NOT_FOUND")):
        with pytest.raises(grpc.RpcError) as error:
            stages.roll_back(to=to)
        assert refused(error)[1] == reason


def test_a_stale_expectation_moves_nothing_and_names_both_sides(stages) -> None:
    first, second = stages.register(b"1"), stages.register(b"2")
    stages.promote(first)
    for act in (lambda: stages.promote(second, expected=0), lambda: stages.roll_back(expected=7)):
        with pytest.raises(grpc.RpcError) as error:
            act()
        code, reason, facts = refusal(error.value)
        assert (code, reason, facts["actual"]) == (grpc.StatusCode.ABORTED, "CURRENT_MISMATCH", str(first))
    assert stages.current() == first


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"version": "{model}/versions/9"}, grpc.StatusCode.NOT_FOUND, "VERSION_NOT_FOUND"),
        ({"version": "{model}x/versions/1"}, grpc.StatusCode.NOT_FOUND, "VERSION_NOT_FOUND"),
        ({"version": "{model}/versions/0"}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME"),
        ({"stage": "prod"}, grpc.StatusCode.NOT_FOUND, "STAGE_NOT_FOUND"),
        ({"stage": "../x"}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME"),
        ({"stage": ""}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        ({"reason": "x" * 4097}, grpc.StatusCode.INVALID_ARGUMENT, "LIMIT_EXCEEDED"),
        ({"expected_current": -1}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
    ],
)
def test_a_wrong_request_is_refused_with_its_reason(stages, change, code, reason) -> None:
    stages.register()
    fields = {"version": f"{stages.model}/versions/1", "stage": "production"} | change
    fields["version"] = fields["version"].format(model=stages.model)
    with pytest.raises(grpc.RpcError) as error:
        stages.api.promotion.RequestPromotion(pb.RequestPromotionRequest(**fields))
    assert refused(error) == (code, reason)


def test_a_deleted_version_cannot_be_promoted(stages) -> None:
    stages.register(b"1")
    stages.api.metadata.DeleteVersion(
        metadata_service_pb2.DeleteVersionRequest(name=f"{stages.model}/versions/1")
    )
    with pytest.raises(grpc.RpcError) as error:
        stages.promote(1)
    assert refused(error) == (grpc.StatusCode.FAILED_PRECONDITION, "VERSION_NOT_READY")


def test_a_version_that_is_current_is_not_promoted_again_but_a_repeated_request_is_answered(stages) -> None:
    number = stages.register()
    # Remembered for the caller in all projects.
    once = f"once-{stages.api.project}"
    promotion = stages.promote(number, request_id=once)
    assert stages.promote(number, request_id=once) == promotion
    with pytest.raises(grpc.RpcError) as error:
        stages.promote(number)
    assert refused(error) == (grpc.StatusCode.FAILED_PRECONDITION, "ALREADY_CURRENT")


def test_damaged_bytes_never_reach_a_stage(stages, registry: ServerProcess) -> None:
    number = stages.register(b"damaged %s" % stages.model.encode())
    for blob in (registry.data / "cas" / "sha256").rglob("*"):
        if blob.is_file() and blob.read_bytes().startswith(b"damaged"):
            blob.chmod(0o644)
            blob.write_bytes(b"bent" * 5)
    with pytest.raises(grpc.RpcError) as error:
        stages.promote(number)
    assert refused(error) == (grpc.StatusCode.DATA_LOSS, "BYTES_DAMAGED")
    assert stages.current() == 0
    stages.register(b"damaged %s" % stages.model.encode())
    assert stages.promote(number).state == pb.PROMOTION_STATE_PROMOTED, "pushing the bytes again repairs them"


def test_history_and_promotions_page_newest_first(stages) -> None:
    for number in (stages.register(bytes([n])) for n in range(3)):
        stages.promote(number)
    stages.promote(1, "staging")
    stages.roll_back()
    request = pb.ListStageHistoryRequest(parent=stages.model, page_size=2)
    moves = []
    while True:
        page = stages.api.promotion.ListStageHistory(request)
        assert len(page.moves) <= 2
        moves += [
            (move.stage.rpartition("/")[2], move.kind, move.number, move.previous_number)
            for move in page.moves
        ]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert moves == [
        ("production", pb.STAGE_MOVE_KIND_ROLLBACK, 2, 3),
        ("staging", pb.STAGE_MOVE_KIND_PROMOTION, 1, 0),
        ("production", pb.STAGE_MOVE_KIND_PROMOTION, 3, 2),
        ("production", pb.STAGE_MOVE_KIND_PROMOTION, 2, 1),
        ("production", pb.STAGE_MOVE_KIND_PROMOTION, 1, 0),
    ]
    promotions = stages.api.promotion.ListPromotions(pb.ListPromotionsRequest(parent=stages.model)).promotions
    assert [promotion.version.rpartition("/")[2] for promotion in promotions] == ["1", "3", "2", "1"]
    for promotion in promotions:
        assert stages.api.promotion.GetPromotion(pb.GetPromotionRequest(name=promotion.name)) == promotion


def test_models_and_versions_tell_in_which_stages_they_are(stages) -> None:
    number = stages.register()
    stages.promote(number)
    stages.promote(number, "staging")
    version = stages.api.metadata.GetVersion(
        metadata_service_pb2.GetVersionRequest(name=f"{stages.model}/versions/{number}")
    )
    assert list(version.stages) == ["production", "staging"]
    listed = stages.api.promotion.ListStages(pb.ListStagesRequest(parent=stages.model)).stages
    assert [(stage.name.rpartition("/")[2], stage.number) for stage in listed] == [
        ("staging", 1),
        ("production", 1),
    ]
    with pytest.raises(grpc.RpcError) as error:
        stages.api.metadata.DeleteVersion(metadata_service_pb2.DeleteVersionRequest(name=version.name))
    assert refused(error) == (grpc.StatusCode.FAILED_PRECONDITION, "IN_USE")


def test_the_newest_report_of_each_target_is_kept(api: Api, stages) -> None:
    number = stages.register()
    acted = stages.promote(number).revision
    for target, state in (("b", "DEPLOYING"), ("a", "RUNNING"), ("b", "RUNNING")):
        api.promotion.ReportDeployment(
            pb.ReportDeploymentRequest(
                parent=api.parent(),
                deployment=pb.Deployment(
                    target=target,
                    model=stages.model,
                    stage="production",
                    number=number,
                    state=f"DEPLOYMENT_STATE_{state}",
                    acted_revision=acted,
                ),
            )
        )
    request = pb.ListDeploymentsRequest(parent=api.parent(), page_size=1)
    first = api.promotion.ListDeployments(request)
    request.page_token = first.next_page_token
    second = api.promotion.ListDeployments(request)
    found = [(one.target, one.state, one.reporter) for one in (*first.deployments, *second.deployments)]
    assert found == [(target, pb.DEPLOYMENT_STATE_RUNNING, "admin") for target in ("a", "b")]
    assert not second.next_page_token
    # Whoever compares what is listed with the ledger knows no other times than those of the entries.
    wanted = ledger_service_pb2.EntryFilter(types=["deployment.reported"])
    entries = api.ledger.ListEntries(
        ledger_service_pb2.ListEntriesRequest(parent=api.parent(), filter=wanted, newest_first=True)
    ).entries
    assert [entry.time for entry in entries[:2]] == [
        second.deployments[0].report_time,
        first.deployments[0].report_time,
    ]


def test_a_report_has_the_time_of_its_entry(api: Api, stages) -> None:
    number = stages.register()
    deployment = pb.Deployment(
        target="timed",
        model=stages.model,
        stage="production",
        number=number,
        state="DEPLOYMENT_STATE_RUNNING",
        acted_revision=stages.promote(number).revision,
    )
    made = api.promotion.ReportDeployment(
        pb.ReportDeploymentRequest(parent=api.parent(), deployment=deployment)
    )
    (kept,) = api.promotion.ListDeployments(
        pb.ListDeploymentsRequest(parent=api.parent(), model=stages.model.rpartition("/")[2])
    ).deployments
    (entry,) = api.ledger.ListEntries(
        ledger_service_pb2.ListEntriesRequest(
            parent=api.parent(),
            filter=ledger_service_pb2.EntryFilter(types=["deployment.reported"]),
            newest_first=True,
            page_size=1,
        )
    ).entries
    assert made.report_time == kept.report_time == entry.time


def test_a_report_on_a_revision_that_is_not_reached_is_refused(api: Api, stages) -> None:
    stages.register()
    deployment = pb.Deployment(
        target="a",
        model=stages.model,
        stage="production",
        state="DEPLOYMENT_STATE_RUNNING",
        acted_revision=10**9,
    )
    with pytest.raises(grpc.RpcError) as error:
        api.promotion.ReportDeployment(pb.ReportDeploymentRequest(parent=api.parent(), deployment=deployment))
    assert refused(error) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


def test_the_data_directory_is_private(registry: ServerProcess) -> None:
    token: Path = registry.data / "admin-token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert registry.data.stat().st_mode & 0o077 == 0


def test_a_stage_is_not_rolled_back_to_a_version_whose_bytes_are_gone(
    stages, registry: ServerProcess
) -> None:
    weights = f"weights of {stages.model}".encode()
    for content in (weights, b"others"):
        stages.promote(stages.register(content))
    digest = hashlib.sha256(weights).hexdigest()
    (registry.data / "cas" / "sha256" / digest[:2] / digest).unlink()
    with pytest.raises(grpc.RpcError) as error:
        stages.roll_back()
    assert refused(error) == (grpc.StatusCode.DATA_LOSS, "BYTES_DAMAGED")
    assert stages.current() == 2


def test_a_request_that_races_its_own_repeat_gets_the_same_answer(stages) -> None:
    number = stages.register()
    with ThreadPoolExecutor(2) as pool:
        for round_ in range(20):
            stage = ("staging", "production")[round_ % 2]
            given = {"stage": stage, "request_id": f"{stages.model}-{round_}"}
            twins = [pool.submit(stages.promote, number, **given) for _ in range(2)]
            assert twins[0].result().name == twins[1].result().name
            number = stages.register(b"weights %d" % round_) if round_ % 2 else number
