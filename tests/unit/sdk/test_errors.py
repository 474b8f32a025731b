"""Every reason of the contract has its class, in the family of its status."""

from __future__ import annotations

import pickle

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from muniment import errors
from muniment.transport.translation import DETAILS_KEY, DOMAIN, REASONS, translated
from muniment.v1 import errors_pb2

PREFIX = "ERROR_REASON_"
NAMED = errors_pb2.ErrorReason.DESCRIPTOR.values_by_number
ALL = [value.name.removeprefix(PREFIX) for number, value in NAMED.items() if number]


class Failed(grpc.RpcError):
    """A call that failed, as gRPC raises it."""

    def __init__(self, code: grpc.StatusCode, reason: str | None, facts: dict[str, str]) -> None:
        self._code = code
        self._metadata = []
        if reason is not None:
            info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=facts)
            detail = Any()
            detail.Pack(info)
            self._metadata.append((DETAILS_KEY, status_pb2.Status(details=[detail]).SerializeToString()))

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "both sides"

    def trailing_metadata(self):
        return self._metadata


@pytest.mark.parametrize("reason", ALL)
def test_each_reason_arrives_as_its_own_class_with_its_facts(reason) -> None:
    error = translated(Failed(grpc.StatusCode.UNKNOWN, reason, {"k": "v"}), "h:1")
    expected = "".join(word.capitalize() for word in reason.split("_"))
    assert type(error).__name__ == expected
    assert (error.message, error.reason, error.metadata) == ("both sides", reason, {"k": "v"})
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.metadata) == (type(error), error.metadata)
    assert error.diagnostics().startswith("both sides.")


def test_no_class_stands_for_two_reasons() -> None:
    assert sorted(REASONS) == sorted(ALL)
    assert len(set(REASONS.values())) == len(REASONS)


def test_a_reason_of_a_newer_server_keeps_its_family() -> None:
    error = translated(Failed(grpc.StatusCode.NOT_FOUND, "DRAGON_NOT_FOUND", {}), "h:1")
    assert type(error) is errors.NotFound
    assert error.reason == "DRAGON_NOT_FOUND"


@pytest.mark.parametrize("code", list(grpc.StatusCode), ids=lambda code: code.name)
def test_every_status_without_details_is_an_error_of_the_sdk(code) -> None:
    assert isinstance(translated(Failed(code, None, {}), "h:1"), errors.MunimentError)


def test_the_package_of_errors_names_all_of_them() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert classes == set(errors.__all__)
