"""The process in which strangers' bytes are looked at; its arguments are a descriptor and its limits.

It loads what it needs, tries the scanners out so that nothing is left to load, gives up all rights, and then
judges one file after the other. After anything unusual it ends, and the server starts another.
"""

from __future__ import annotations

import io
import os
import pickle
import socket
import sys
import tarfile
import zipfile
from typing import BinaryIO, cast

from muniment_artifact.inspection import exchange
from muniment_artifact.inspection.confine import NotConfined, allow_cpu, confine
from muniment_artifact.inspection.judge import judge
from muniment_artifact.inspection.report import FileReport, Format
from muniment_artifact.inspection.scanners import quiet

_READ_AHEAD = 64 * 1024


def main() -> None:
    """Serve the socket that was handed down until it is closed."""
    descriptor, memory_bytes, cpu_seconds = map(int, sys.argv[1:])
    connection = socket.socket(fileno=descriptor)
    quiet()
    _try_out()
    # The scanners print what they find, with names of strangers in it; what went wrong so far was printed.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stderr.fileno())
    try:
        exchange.send(connection, exchange.HELLO, confine(memory_bytes).encode())
    except NotConfined as error:
        exchange.send(connection, exchange.REFUSED, str(error).encode())
        return
    while True:
        try:
            kind, data = exchange.receive(connection, most=exchange.MAX_READ)
        except exchange.OtherSideGone:
            return
        if kind != exchange.FILE:
            return
        allow_cpu(cpu_seconds)
        report, is_well = _judged(connection, exchange.unpack_size(data))
        kind = exchange.REPORT if is_well else exchange.LAST
        exchange.send(connection, kind, report.to_json().encode())
        if not is_well:
            return


def _judged(connection: socket.socket, size: int) -> tuple[FileReport, bool]:
    """The report on a file, and whether the process is fit for another one."""
    source = cast(
        "BinaryIO", io.BufferedReader(exchange.RemoteFile(connection, size), buffer_size=_READ_AHEAD)
    )
    try:
        return judge(source, size), True
    except exchange.BrokenExchange:
        raise
    except MemoryError:
        return FileReport(
            format=Format.UNKNOWN, fault="looking into it takes more memory than is given"
        ), False
    except Exception as error:  # noqa: BLE001 - it becomes the verdict, and the end of the process
        return FileReport(
            format=Format.UNKNOWN, fault=f"looking into it failed: {type(error).__name__}"
        ), False


def _try_out() -> None:
    """Judge a file of every kind once: later nothing can be loaded any more, for no file can be opened."""
    harmless = pickle.dumps({"numbers": [1, 2.5], "text": "ü", "place": os.path.join})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", harmless)
        archive.writestr("ü.bin", b"\x00" * 100)
    rolled = io.BytesIO()
    with tarfile.open(fileobj=rolled, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("nothing"))
    for data in (harmless, packed.getvalue(), rolled.getvalue(), b'{"a": 1}', b"\x1f\x8b\x08broken", b"text"):
        judge(io.BytesIO(data), len(data))


if __name__ == "__main__":
    main()
