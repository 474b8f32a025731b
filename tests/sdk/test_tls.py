"""TLS: whom a client trusts, and that no token travels without it to another machine."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import muniment
import pytest
from harness.tls import Secured, self_signed
from muniment import errors
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
    server = grpc.server(ThreadPoolExecutor(2), options=(("grpc.so_reuseport", 0),))
    access_service_pb2_grpc.add_AccessServiceServicer_to_server(Answering(), server)
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield Secured(f"127.0.0.1:{port}", path)
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
