from google.protobuf import timestamp_pb2 as _timestamp_pb2
from muniment.v1 import inspection_pb2 as _inspection_pb2
from muniment.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ArchivedBytes(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ARCHIVED_BYTES_UNSPECIFIED: _ClassVar[ArchivedBytes]
    ARCHIVED_BYTES_COLD: _ClassVar[ArchivedBytes]
    ARCHIVED_BYTES_DROPPED: _ClassVar[ArchivedBytes]

class BytesTier(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BYTES_TIER_UNSPECIFIED: _ClassVar[BytesTier]
    BYTES_TIER_HOT: _ClassVar[BytesTier]
    BYTES_TIER_COLD: _ClassVar[BytesTier]
    BYTES_TIER_GONE: _ClassVar[BytesTier]
ARCHIVED_BYTES_UNSPECIFIED: ArchivedBytes
ARCHIVED_BYTES_COLD: ArchivedBytes
ARCHIVED_BYTES_DROPPED: ArchivedBytes
BYTES_TIER_UNSPECIFIED: BytesTier
BYTES_TIER_HOT: BytesTier
BYTES_TIER_COLD: BytesTier
BYTES_TIER_GONE: BytesTier

class GetCapabilitiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Capabilities(_message.Message):
    __slots__ = ("max_chunk_bytes", "max_frame_bytes", "max_files", "max_plan_chunks", "max_unacked_bytes", "max_commit_chunks", "direct_reads", "archived_bytes")
    MAX_CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_FRAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_FILES_FIELD_NUMBER: _ClassVar[int]
    MAX_PLAN_CHUNKS_FIELD_NUMBER: _ClassVar[int]
    MAX_UNACKED_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_COMMIT_CHUNKS_FIELD_NUMBER: _ClassVar[int]
    DIRECT_READS_FIELD_NUMBER: _ClassVar[int]
    ARCHIVED_BYTES_FIELD_NUMBER: _ClassVar[int]
    max_chunk_bytes: int
    max_frame_bytes: int
    max_files: int
    max_plan_chunks: int
    max_unacked_bytes: int
    max_commit_chunks: int
    direct_reads: bool
    archived_bytes: ArchivedBytes
    def __init__(self, max_chunk_bytes: _Optional[int] = ..., max_frame_bytes: _Optional[int] = ..., max_files: _Optional[int] = ..., max_plan_chunks: _Optional[int] = ..., max_unacked_bytes: _Optional[int] = ..., max_commit_chunks: _Optional[int] = ..., direct_reads: bool = ..., archived_bytes: _Optional[_Union[ArchivedBytes, str]] = ...) -> None: ...

class Chunk(_message.Message):
    __slots__ = ("digest", "size")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    digest: str
    size: int
    def __init__(self, digest: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class PlanUploadRequest(_message.Message):
    __slots__ = ("parent", "chunks")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    parent: str
    chunks: _containers.RepeatedCompositeFieldContainer[Chunk]
    def __init__(self, parent: _Optional[str] = ..., chunks: _Optional[_Iterable[_Union[Chunk, _Mapping]]] = ...) -> None: ...

class PlanUploadResponse(_message.Message):
    __slots__ = ("missing",)
    MISSING_FIELD_NUMBER: _ClassVar[int]
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, missing: _Optional[_Iterable[str]] = ...) -> None: ...

class PutChunksRequest(_message.Message):
    __slots__ = ("parent", "digest", "size", "offset", "data", "file_offset", "file_size")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    FILE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    FILE_SIZE_FIELD_NUMBER: _ClassVar[int]
    parent: str
    digest: str
    size: int
    offset: int
    data: bytes
    file_offset: int
    file_size: int
    def __init__(self, parent: _Optional[str] = ..., digest: _Optional[str] = ..., size: _Optional[int] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ..., file_offset: _Optional[int] = ..., file_size: _Optional[int] = ...) -> None: ...

class PutChunksResponse(_message.Message):
    __slots__ = ("digest", "size")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    digest: str
    size: int
    def __init__(self, digest: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class FileEntry(_message.Message):
    __slots__ = ("path", "digest", "size", "chunks", "chunking")
    PATH_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    CHUNKING_FIELD_NUMBER: _ClassVar[int]
    path: str
    digest: str
    size: int
    chunks: _containers.RepeatedCompositeFieldContainer[Chunk]
    chunking: str
    def __init__(self, path: _Optional[str] = ..., digest: _Optional[str] = ..., size: _Optional[int] = ..., chunks: _Optional[_Iterable[_Union[Chunk, _Mapping]]] = ..., chunking: _Optional[str] = ...) -> None: ...

class CommitUploadRequest(_message.Message):
    __slots__ = ("parent", "files")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    parent: str
    files: _containers.RepeatedCompositeFieldContainer[FileEntry]
    def __init__(self, parent: _Optional[str] = ..., files: _Optional[_Iterable[_Union[FileEntry, _Mapping]]] = ...) -> None: ...

class Manifest(_message.Message):
    __slots__ = ("digest", "body", "files", "size_bytes", "root_digest", "tier")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROOT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    digest: str
    body: bytes
    files: _containers.RepeatedCompositeFieldContainer[FileEntry]
    size_bytes: int
    root_digest: str
    tier: BytesTier
    def __init__(self, digest: _Optional[str] = ..., body: _Optional[bytes] = ..., files: _Optional[_Iterable[_Union[FileEntry, _Mapping]]] = ..., size_bytes: _Optional[int] = ..., root_digest: _Optional[str] = ..., tier: _Optional[_Union[BytesTier, str]] = ...) -> None: ...

class GetManifestRequest(_message.Message):
    __slots__ = ("parent", "digest")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    parent: str
    digest: str
    def __init__(self, parent: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class ByteRange(_message.Message):
    __slots__ = ("path", "offset", "length", "tensor")
    PATH_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    path: str
    offset: int
    length: int
    tensor: str
    def __init__(self, path: _Optional[str] = ..., offset: _Optional[int] = ..., length: _Optional[int] = ..., tensor: _Optional[str] = ...) -> None: ...

class ReadRangesRequest(_message.Message):
    __slots__ = ("parent", "digest", "ranges")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    parent: str
    digest: str
    ranges: _containers.RepeatedCompositeFieldContainer[ByteRange]
    def __init__(self, parent: _Optional[str] = ..., digest: _Optional[str] = ..., ranges: _Optional[_Iterable[_Union[ByteRange, _Mapping]]] = ...) -> None: ...

class ReadRangesResponse(_message.Message):
    __slots__ = ("range_index", "offset", "data")
    RANGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    range_index: int
    offset: int
    data: bytes
    def __init__(self, range_index: _Optional[int] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class GetDirectReadsRequest(_message.Message):
    __slots__ = ("parent", "digest", "chunks")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    parent: str
    digest: str
    chunks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, parent: _Optional[str] = ..., digest: _Optional[str] = ..., chunks: _Optional[_Iterable[str]] = ...) -> None: ...

class GetDirectReadsResponse(_message.Message):
    __slots__ = ("reads", "expire_time")
    READS_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    reads: _containers.RepeatedCompositeFieldContainer[DirectRead]
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, reads: _Optional[_Iterable[_Union[DirectRead, _Mapping]]] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DirectRead(_message.Message):
    __slots__ = ("chunk", "size", "url")
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    chunk: str
    size: int
    url: str
    def __init__(self, chunk: _Optional[str] = ..., size: _Optional[int] = ..., url: _Optional[str] = ...) -> None: ...

class ListTensorsRequest(_message.Message):
    __slots__ = ("parent", "digest", "path", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    digest: str
    path: str
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., digest: _Optional[str] = ..., path: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTensorsResponse(_message.Message):
    __slots__ = ("tensors", "next_page_token")
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tensors: _containers.RepeatedCompositeFieldContainer[Tensor]
    next_page_token: str
    def __init__(self, tensors: _Optional[_Iterable[_Union[Tensor, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Tensor(_message.Message):
    __slots__ = ("name", "dtype", "shape", "offset", "size", "path")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    offset: int
    size: int
    path: str
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., offset: _Optional[int] = ..., size: _Optional[int] = ..., path: _Optional[str] = ...) -> None: ...

class VerifyManifestRequest(_message.Message):
    __slots__ = ("parent", "digest")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    parent: str
    digest: str
    def __init__(self, parent: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class VerifyManifestResponse(_message.Message):
    __slots__ = ("chunk_count", "byte_count")
    CHUNK_COUNT_FIELD_NUMBER: _ClassVar[int]
    BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    chunk_count: int
    byte_count: int
    def __init__(self, chunk_count: _Optional[int] = ..., byte_count: _Optional[int] = ...) -> None: ...

class RestoreManifestRequest(_message.Message):
    __slots__ = ("parent", "digest")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    parent: str
    digest: str
    def __init__(self, parent: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class RestoreManifestResponse(_message.Message):
    __slots__ = ("chunk_count", "byte_count", "copied_bytes")
    CHUNK_COUNT_FIELD_NUMBER: _ClassVar[int]
    BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    COPIED_BYTES_FIELD_NUMBER: _ClassVar[int]
    chunk_count: int
    byte_count: int
    copied_bytes: int
    def __init__(self, chunk_count: _Optional[int] = ..., byte_count: _Optional[int] = ..., copied_bytes: _Optional[int] = ...) -> None: ...

class InspectManifestRequest(_message.Message):
    __slots__ = ("parent", "digest", "again")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    AGAIN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    digest: str
    again: bool
    def __init__(self, parent: _Optional[str] = ..., digest: _Optional[str] = ..., again: bool = ...) -> None: ...

class GetUsageRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("name", "version_count", "logical_bytes", "stored_bytes", "shared_bytes", "archived_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOGICAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    STORED_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHARED_BYTES_FIELD_NUMBER: _ClassVar[int]
    ARCHIVED_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    version_count: int
    logical_bytes: int
    stored_bytes: int
    shared_bytes: int
    archived_bytes: int
    def __init__(self, name: _Optional[str] = ..., version_count: _Optional[int] = ..., logical_bytes: _Optional[int] = ..., stored_bytes: _Optional[int] = ..., shared_bytes: _Optional[int] = ..., archived_bytes: _Optional[int] = ...) -> None: ...
