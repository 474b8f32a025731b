"""Uses every stub under the protobuf and grpcio of the Python that runs this; prints the versions.

Run by test_stub_matrix.py inside the environments it makes; not a test module itself.
"""

from __future__ import annotations

import json
import pkgutil
from concurrent import futures
from importlib import import_module
from importlib.metadata import version

import grpc
import muniment.v1
from google.protobuf.message_factory import GetMessageClass
from muniment.v1 import catalog_pb2, metadata_service_pb2, metadata_service_pb2_grpc, options_pb2


class Servicer(metadata_service_pb2_grpc.MetadataServiceServicer):
    """Answers one method."""

    def GetModel(
        self, request: metadata_service_pb2.GetModelRequest, context: grpc.ServicerContext
    ) -> catalog_pb2.Model:
        return catalog_pb2.Model(name=request.name)


def main() -> None:
    messages = methods = 0
    for module in pkgutil.iter_modules(muniment.v1.__path__):
        file = getattr(import_module(f"muniment.v1.{module.name}"), "DESCRIPTOR", None)
        if file is None:
            continue
        for descriptor in file.message_types_by_name.values():
            message = GetMessageClass(descriptor)()
            assert type(message).FromString(message.SerializeToString()) == message
            messages += 1
        for service in file.services_by_name.values():
            for method in service.methods:
                assert method.GetOptions().Extensions[options_pb2.access].permission
                methods += 1
    assert _call("projects/default/models/churn") == "projects/default/models/churn"
    found = {name: version(name) for name in ("protobuf", "grpcio")}
    print(json.dumps({**found, "messages": messages, "methods": methods}))


def _call(name: str) -> str:
    server = grpc.server(futures.ThreadPoolExecutor(1))
    metadata_service_pb2_grpc.add_MetadataServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = metadata_service_pb2_grpc.MetadataServiceStub(channel)
            answer: catalog_pb2.Model = stub.GetModel(
                metadata_service_pb2.GetModelRequest(name=name), timeout=30
            )
            return answer.name
    finally:
        server.stop(None).wait()


if __name__ == "__main__":
    main()
