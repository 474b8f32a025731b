"""TLS as an operator puts it in front of a registry, which speaks none by itself."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_PORTION = 64 * 1024


@dataclass(frozen=True)
class Secured:
    """A server that speaks TLS, and the certificate it shows."""

    address: str
    certificate: Path
    key: Path


def self_signed() -> tuple[bytes, bytes]:
    """A key and its own certificate for the loopback address, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "registry")])
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(loopback, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


@contextmanager
def tls_in_front_of(address: str, directory: Path) -> Iterator[Secured]:
    """Ends TLS on a free port of loopback and hands everything on to `address`.

    Args:
        address: of a server that speaks plainly.
        directory: for key and certificate.
    """
    key, certificate = self_signed()
    (directory / "front.pem").write_bytes(certificate)
    (directory / "front-key.pem").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "front.pem", directory / "front-key.pem")
    # gRPC speaks HTTP/2 alone, and asks for it.
    context.set_alpn_protocols(["h2"])
    front = _Front(address, context)
    thread = threading.Thread(target=lambda: asyncio.run(front.serve()), name="TLS front")
    thread.start()
    try:
        front.ready.wait()
        yield Secured(front.address, directory / "front.pem", directory / "front-key.pem")
    finally:
        front.stop()
        thread.join()


class _Front:
    def __init__(self, behind: str, context: ssl.SSLContext) -> None:
        self.ready = threading.Event()
        self.address = ""
        self._behind = behind
        self._context = context

    async def serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        try:
            server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=self._context)
            self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            self.ready.set()
        await self._ended.wait()
        server.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._behind.rpartition(":")
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        # Whichever side ends first ends the other.
        there = asyncio.create_task(_pump(reader, inner_writer))
        back = asyncio.create_task(_pump(inner_reader, writer))
        await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        for end in (inner_writer, writer):
            end.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while portion := await reader.read(_PORTION):
            writer.write(portion)
            await writer.drain()
    except ConnectionError:
        return
