"""Page tokens: of one query, of one key, unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muniment.v1 import ledger_service_pb2 as ledger
from muniment.v1 import metadata_service_pb2 as pb
from muniment_core.domain.errors import InvalidField, InvalidPageToken
from muniment_core.rpc.paging import MAX_PAGE_BYTES, PageTokens, page_of, page_size

TOKENS = PageTokens(b"k" * 32)
QUERY = pb.ListModelsRequest(parent="projects/p")

POSITIONS = st.one_of(st.integers(1, 2**63 - 1), st.text(min_size=1), st.lists(st.text(), min_size=1))


@given(POSITIONS)
def test_a_token_reads_as_the_position_it_was_made_of(position: object) -> None:
    token = TOKENS.next(QUERY, position)
    assert (
        TOKENS.position(pb.ListModelsRequest(parent="projects/p", page_size=7, page_token=token)) == position
    )


def test_no_position_is_the_end_and_no_token_the_beginning() -> None:
    assert TOKENS.next(QUERY, None) == ""
    assert TOKENS.position(QUERY) is None


@given(st.data())
def test_any_change_of_a_token_is_noticed(data: st.DataObject) -> None:
    token = TOKENS.next(QUERY, "churn")
    # Of the last character some bits mean nothing in base64.
    at = data.draw(st.integers(0, len(token) - 2))
    character = data.draw(st.characters(codec="ascii").filter(lambda one: one != token[at]))
    changed = token[:at] + character + token[at + 1 :]
    with pytest.raises(InvalidPageToken):
        TOKENS.position(pb.ListModelsRequest(parent="projects/p", page_token=changed))


@pytest.mark.parametrize(
    "other",
    [
        pb.ListModelsRequest(parent="projects/q"),
        pb.ListVersionsRequest(parent="projects/p"),
        pb.ListVersionsRequest(parent="projects/p", show_deleted=True),
        ledger.ListEntriesRequest(parent="projects/p"),
        pb.ListProjectsRequest(),
    ],
)
def test_a_token_is_of_the_query_it_was_made_for(other: object) -> None:
    other.page_token = TOKENS.next(QUERY, "churn")
    with pytest.raises(InvalidPageToken):
        TOKENS.position(other)


def test_a_token_of_another_registry_is_refused() -> None:
    token = PageTokens(b"j" * 32).next(QUERY, "churn")
    with pytest.raises(InvalidPageToken):
        TOKENS.position(pb.ListModelsRequest(parent="projects/p", page_token=token))


def test_the_size_of_a_page_has_a_default_and_limits() -> None:
    assert page_size(pb.ListModelsRequest()) == 100
    assert page_size(pb.ListModelsRequest(page_size=1000)) == 1000
    for size in (-1, 1001):
        with pytest.raises(InvalidField):
            page_size(pb.ListModelsRequest(page_size=size))


def test_a_page_ends_before_it_grows_too_large_and_never_empty() -> None:
    def message(size: int) -> pb.GetModelRequest:
        return pb.GetModelRequest(name="x" * size)

    half = MAX_PAGE_BYTES // 2 + 1
    messages, position = page_of([half, half, half], 10, message, lambda size: size)
    assert (len(messages), position) == (1, half)
    messages, position = page_of([3 * half], 10, message, lambda size: size)
    assert (len(messages), position) == (1, None)
    assert page_of([], 10, message, lambda size: size) == ([], None)
    assert page_of([1, 2, 3], 2, message, lambda size: size)[1] == 2
