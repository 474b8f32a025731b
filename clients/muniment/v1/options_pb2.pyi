from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Permission(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERMISSION_UNSPECIFIED: _ClassVar[Permission]
    PERMISSION_AUTHENTICATED: _ClassVar[Permission]
    PERMISSION_PROJECT_READ: _ClassVar[Permission]
    PERMISSION_PROJECT_MANAGE: _ClassVar[Permission]
    PERMISSION_CATALOG_READ: _ClassVar[Permission]
    PERMISSION_CATALOG_WRITE: _ClassVar[Permission]
    PERMISSION_ARTIFACT_READ: _ClassVar[Permission]
    PERMISSION_ARTIFACT_WRITE: _ClassVar[Permission]
    PERMISSION_STAGE_PROMOTE: _ClassVar[Permission]
    PERMISSION_STAGE_ROLLBACK: _ClassVar[Permission]
    PERMISSION_EVENT_WATCH: _ClassVar[Permission]
    PERMISSION_DEPLOYMENT_REPORT: _ClassVar[Permission]
    PERMISSION_LEDGER_READ: _ClassVar[Permission]
    PERMISSION_TOKEN_MANAGE: _ClassVar[Permission]
    PERMISSION_PREDICTION_RECORD: _ClassVar[Permission]
    PERMISSION_PREDICTION_READ: _ClassVar[Permission]
PERMISSION_UNSPECIFIED: Permission
PERMISSION_AUTHENTICATED: Permission
PERMISSION_PROJECT_READ: Permission
PERMISSION_PROJECT_MANAGE: Permission
PERMISSION_CATALOG_READ: Permission
PERMISSION_CATALOG_WRITE: Permission
PERMISSION_ARTIFACT_READ: Permission
PERMISSION_ARTIFACT_WRITE: Permission
PERMISSION_STAGE_PROMOTE: Permission
PERMISSION_STAGE_ROLLBACK: Permission
PERMISSION_EVENT_WATCH: Permission
PERMISSION_DEPLOYMENT_REPORT: Permission
PERMISSION_LEDGER_READ: Permission
PERMISSION_TOKEN_MANAGE: Permission
PERMISSION_PREDICTION_RECORD: Permission
PERMISSION_PREDICTION_READ: Permission
ACCESS_FIELD_NUMBER: _ClassVar[int]
access: _descriptor.FieldDescriptor

class AccessRule(_message.Message):
    __slots__ = ("permission", "resource_field")
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_FIELD_NUMBER: _ClassVar[int]
    permission: Permission
    resource_field: str
    def __init__(self, permission: _Optional[_Union[Permission, str]] = ..., resource_field: _Optional[str] = ...) -> None: ...
