"""The rules of the contract: a server does not start when a method has none."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc import StatusCode
from muniment.v1 import errors_pb2, options_pb2
from muniment_core.domain import errors
from muniment_core.domain.access import ROLE_PERMISSIONS, Permission, Role
from muniment_core.domain.errors import DomainError
from muniment_core.rpc.error_table import CODES, status_of
from muniment_core.rpc.permissions import MissingAccessRule, access_rules


def service_with(rule: options_pb2.AccessRule | None) -> Any:
    """A service of one method whose request has the field `parent`."""
    file = descriptor_pb2.FileDescriptorProto(name="test.proto", package="test", syntax="proto3")
    request = file.message_type.add(name="Request")
    request.field.add(name="parent", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    method = file.service.add(name="Service").method.add(
        name="Method", input_type=".test.Request", output_type=".test.Request"
    )
    if rule is not None:
        method.options.Extensions[options_pb2.access].CopyFrom(rule)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool.FindServiceByName("test.Service")


def test_a_method_without_an_access_option_keeps_the_server_from_starting() -> None:
    with pytest.raises(MissingAccessRule, match=r"test\.Service\.Method"):
        access_rules([service_with(None)])


def test_a_rule_without_a_permission_keeps_the_server_from_starting() -> None:
    with pytest.raises(MissingAccessRule, match=r"test\.Service\.Method"):
        access_rules([service_with(options_pb2.AccessRule(resource_field="parent"))])


def test_a_rule_on_a_field_the_request_lacks_keeps_the_server_from_starting() -> None:
    rule = options_pb2.AccessRule(permission=options_pb2.PERMISSION_CATALOG_READ, resource_field="name")
    with pytest.raises(MissingAccessRule, match="name"):
        access_rules([service_with(rule)])


def test_a_rule_is_found_under_the_name_gRPC_calls_the_method_by() -> None:
    rule = options_pb2.AccessRule(permission=options_pb2.PERMISSION_CATALOG_READ, resource_field="parent")
    found = access_rules([service_with(rule)])
    assert list(found) == ["/test.Service/Method"]
    assert found["/test.Service/Method"].permission is Permission.CATALOG_READ


def test_the_permissions_of_the_contract_and_of_the_domain_are_the_same() -> None:
    contract = {name.removeprefix("PERMISSION_") for name in options_pb2.Permission.DESCRIPTOR.values_by_name}
    assert contract - {"UNSPECIFIED"} == {permission.value for permission in Permission}


def test_every_permission_comes_with_some_role() -> None:
    held = frozenset[Permission]().union(*ROLE_PERMISSIONS.values())
    assert set(Permission) - held == {Permission.AUTHENTICATED}
    assert set(ROLE_PERMISSIONS) == set(Role)


def test_every_reason_has_one_status_and_one_class() -> None:
    contract = {
        name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name
    }
    classes = [getattr(errors, name) for name in errors.__all__ if name != "DomainError"]
    reasons = [one.reason for one in classes if issubclass(one, DomainError)]
    assert sorted(reasons) == sorted(CODES) == sorted(contract - {"UNSPECIFIED"})


def test_a_status_tells_its_reason_its_field_and_when_to_repeat() -> None:
    code, status = status_of(errors.InvalidField("page_size", "is -1"))
    assert (code, status.code, status.message) == (StatusCode.INVALID_ARGUMENT, 3, "page_size is -1")
    kinds = [detail.TypeName().rpartition(".")[2] for detail in status.details]
    assert kinds == ["ErrorInfo", "BadRequest"]
    _, status = status_of(errors.DatabaseUnavailable())
    assert [detail.TypeName().rpartition(".")[2] for detail in status.details] == ["ErrorInfo", "RetryInfo"]
