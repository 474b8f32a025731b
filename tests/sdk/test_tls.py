"""TLS: whom a client trusts, and that no token travels without it to another machine."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import grpc
import muniment
import pytest
from harness.tls import Secured, self_signed
from muniment import errors
from muniment.digests import Digest
from muniment.file_parts import Part
from muniment.transfer.direct import WORTHWHILE_BYTES, DirectReads
from muniment.v1 import access_service_pb2 as pb
from muniment.v1 import access_service_pb2_grpc


class Answering(access_service_pb2_grpc.AccessServiceServicer):
    """Knows everybody."""

    def WhoAmI(self, request: pb.WhoAmIRequest, context: grpc.ServicerContext) -> pb.Identity:
        return pb.Identity(principal=dict(context.invocation_metadata())["authorization"])


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    key, certificate = self_signed()
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    path.write_bytes(certificate)
    path.with_name("key.pem").write_bytes(key)
    server = grpc.server(ThreadPoolExecutor(2), options=(("grpc.so_reuseport", 0),))
    access_service_pb2_grpc.add_AccessServiceServicer_to_server(Answering(), server)
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield Secured(f"127.0.0.1:{port}", path, path.with_name("key.pem"))
    server.stop(grace=None).wait()


def test_a_server_is_trusted_by_the_file_of_its_authority(secured) -> None:
    with muniment.connect(secured.address, token="mun_x", ca_file=secured.certificate) as registry:
        assert registry.whoami().principal == "Bearer mun_x"


def test_a_server_is_trusted_by_the_authorities_of_the_machine(secured, monkeypatch) -> None:
    paths = ssl.get_default_verify_paths()._replace(cafile=str(secured.certificate))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setenv("MUNIMENT_CA_FILE", "system")
    with muniment.connect(secured.address, token="mun_x") as registry:
        assert registry.whoami().principal == "Bearer mun_x"


class _Giving(BaseHTTPRequestHandler):
    """Answers every request with the same bytes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"bytes")

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def store(secured: Secured) -> Iterator[str]:
    """The address of an object in a store whose certificate is of the registry's authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(secured.certificate, secured.key)
    server = HTTPServer(("127.0.0.1", 0), _Giving)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}/bucket/object?signature=x"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("trusted", [True, False])
def test_the_store_of_a_registry_is_trusted_by_the_file_of_the_same_authority(
    secured: Secured, store: str, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    part = Part(Digest.of(b"bytes").text, 0, 5)
    monkeypatch.setattr(DirectReads, "addresses", lambda self, digests: {part.digest: store})
    with muniment.connect(
        secured.address, token="mun_x", ca_file=secured.certificate if trusted else "system"
    ) as registry:
        reads = DirectReads(registry._session, "projects/default", part.digest, total=WORTHWHILE_BYTES)
        with closing(reads.lane()) as lane:
            assert lane.get(part, [part.digest]) == (b"bytes" if trusted else None)


def test_plain_speech_to_a_server_that_wants_tls_says_what_may_be_missing(secured) -> None:
    with muniment.connect(secured.address, token="mun_x") as registry:
        with pytest.raises(errors.Unreachable, match="if this one does, give a CA file"):
            registry.whoami()


def test_a_file_without_a_certificate_is_told(tmp_path) -> None:
    (tmp_path / "authority.pem").write_text("nothing")
    with pytest.raises(errors.CannotRead, match="holds no certificate"):
        muniment.connect("registry.internal", token="mun_x", ca_file=tmp_path / "authority.pem")


def test_a_token_is_not_sent_unencrypted_to_another_machine_unless_told(monkeypatch) -> None:
    with pytest.raises(errors.TokenInClear, match=r"sent to registry\.internal:7460 unencrypted") as caught:
        muniment.connect("registry.internal", token="mun_secret")
    assert "secret" not in caught.value.diagnostics()
    with muniment.connect("registry.internal", token="mun_secret", insecure=True) as registry:
        assert registry.target == "registry.internal:7460"
    with muniment.connect("registry.internal") as registry:
        assert registry.target == "registry.internal:7460"
    monkeypatch.setenv("MUNIMENT_INSECURE", "1")
    muniment.connect("registry.internal", token="mun_secret").close()
    with pytest.raises(errors.TokenInClear):
        muniment.connect("registry.internal", token="mun_secret", insecure=False)
    monkeypatch.setenv("MUNIMENT_INSECURE", "perhaps")
    with pytest.raises(errors.InvalidArgument, match="MUNIMENT_INSECURE is 'perhaps'"):
        muniment.connect("registry.internal", token="mun_secret")
