"""Reading the ledger: filters, both orders, times, and no entry of another project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode
from harness.api import Api, refused
from muniment.v1 import ledger_service_pb2 as ledger

Mutations = list[tuple[str, Callable[[Any], Any], Any, dict[str, Any]]]


def head(api: Api) -> ledger.LedgerHead:
    return api.ledger.GetHead(ledger.GetHeadRequest(parent=api.parent()))


def entries(api: Api, parent: str = "", **conditions: Any) -> list[ledger.LedgerEntry]:
    request = ledger.ListEntriesRequest(parent=parent or api.parent(), page_size=1000, **conditions)
    found: list[ledger.LedgerEntry] = []
    while True:
        answer = api.ledger.ListEntries(request)
        found += answer.entries
        request.page_token = answer.next_page_token
        if not request.page_token:
            return found


def test_entries_are_filtered_by_what_is_asked_for(api: Api, mutations: Mutations) -> None:
    for _type, call, request, _entry in mutations:
        call(request)
    with api.as_caller(api.new_token("writer", principal="ann")) as ann:
        ann.new_model("hers")
    everything = entries(api)

    def revisions(**conditions: Any) -> list[int]:
        return [entry.revision for entry in entries(api, filter=ledger.EntryFilter(**conditions))]

    def expected(holds: Callable[[ledger.LedgerEntry], bool]) -> list[int]:
        found = [entry.revision for entry in everything if holds(entry)]
        assert found
        return found

    assert revisions(model="m") == expected(lambda entry: entry.model.endswith("/models/m"))
    assert revisions(stage="staging") == expected(lambda entry: entry.stage == "staging")
    assert revisions(actor="ann") == expected(lambda entry: entry.actor == "ann")
    assert revisions(types=["alias.set"]) == expected(lambda entry: entry.type == "alias.set")
    assert revisions(types=["stage.*", "token.created"]) == expected(
        lambda entry: entry.type.startswith("stage.") or entry.type == "token.created"
    )
    assert revisions(model="m", stage="staging", types=["stage.*"], actor="admin") == expected(
        lambda entry: entry.type.startswith("stage.")
    )
    for number in (1, 2):
        assert revisions(model="m", number=number) == expected(
            lambda entry, number=number: (
                entry.model.endswith("/models/m") and number in (entry.number, entry.previous_number)
            )
        )
    assert revisions(model="m", number=2, types=["version.created"]) == expected(
        lambda entry: entry.type == "version.created" and entry.number == 2
    )
    assert revisions(model="m", number=2**63 - 1) == []
    assert revisions(types=["stage_.*"]) == []
    assert revisions(model="M") == []
    assert {entry.project for entry in everything} == {api.parent()}


@pytest.mark.parametrize("types", [["%"], ["a'b"], [""], ["*"], ["Stage.promoted"]])
def test_a_filter_that_cannot_mean_a_type_is_refused(api: Api, types: list[str]) -> None:
    request = ledger.ListEntriesRequest(parent=api.parent(), filter=ledger.EntryFilter(types=types))
    why = refused(api.ledger.ListEntries, request)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "filter.types[0]"})


@pytest.mark.parametrize("wanted", [{"number": 1}, {"number": -1, "model": "m"}], ids=str)
def test_a_number_is_one_of_a_version_of_a_model(api: Api, wanted: dict[str, Any]) -> None:
    api.new_model("m")
    listing = ledger.ListEntriesRequest(parent=api.parent(), filter=ledger.EntryFilter(**wanted))
    why = refused(api.ledger.ListEntries, listing)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "filter.number"})


def test_a_filter_has_at_most_twenty_types(api: Api) -> None:
    request = ledger.ListEntriesRequest(
        parent=api.parent(), filter=ledger.EntryFilter(types=["stage.*"] * 21)
    )
    assert refused(api.ledger.ListEntries, request).reason == "LIMIT_EXCEEDED"


def test_entries_come_in_both_orders_and_between_times(api: Api) -> None:
    for index in range(6):
        api.new_model(f"m{index}")
    oldest = entries(api)
    newest = entries(api, newest_first=True)
    assert [entry.revision for entry in newest] == [entry.revision for entry in oldest][::-1]
    request = ledger.ListEntriesRequest(parent=api.parent(), newest_first=True, page_size=2)
    paged: list[int] = []
    while True:
        answer = api.ledger.ListEntries(request)
        paged += [entry.revision for entry in answer.entries]
        api.new_model(f"more{len(paged)}")
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert paged == [entry.revision for entry in newest]
    # The start is included, the end is not.
    between = entries(api, start_time=oldest[2].time, end_time=oldest[5].time)
    assert [entry.revision for entry in between] == [entry.revision for entry in oldest[2:5]]
    assert entries(api, start_time=Timestamp(seconds=-62135596800), end_time=oldest[0].time) == []
    bad = ledger.ListEntriesRequest(parent=api.parent(), start_time=Timestamp(seconds=2**60))
    assert refused(api.ledger.ListEntries, bad).facts == {"field": "start_time"}


def test_an_entry_is_read_only_through_its_own_project(api: Api) -> None:
    api.new_model("m")
    (entry,) = entries(api, filter=ledger.EntryFilter(types=["model.created"]))
    read = api.ledger.GetEntry(ledger.GetEntryRequest(parent=api.parent(), revision=entry.revision))
    assert read == entry
    size = head(api).size
    for parent, revision in (
        ("projects/default", entry.revision),
        (api.parent(), 1),
        (api.parent(), size + 1),
        ("projects/-", 2**63 - 1),
    ):
        why = refused(api.ledger.GetEntry, ledger.GetEntryRequest(parent=parent, revision=revision))
        assert why == (
            StatusCode.NOT_FOUND,
            "ENTRY_NOT_FOUND",
            {"revision": str(revision), "head": str(size)},
        )
    for revision in (0, -1):
        why = refused(api.ledger.GetEntry, ledger.GetEntryRequest(parent=api.parent(), revision=revision))
        assert why[1:] == ("INVALID_FIELD", {"field": "revision"})


def test_the_ledger_of_a_project_that_does_not_exist_is_not_found(admin: Api) -> None:
    for call, request in (
        (admin.ledger.GetHead, ledger.GetHeadRequest(parent="projects/nowhere")),
        (admin.ledger.GetEntry, ledger.GetEntryRequest(parent="projects/nowhere", revision=1)),
        (admin.ledger.ListEntries, ledger.ListEntriesRequest(parent="projects/nowhere")),
    ):
        assert refused(call, request)[:2] == (StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND")
