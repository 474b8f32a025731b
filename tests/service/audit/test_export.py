"""`muniment audit export`: a ledger that anyone verifies without a server."""

from __future__ import annotations

import errno
import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import muniment
import pytest
from click.testing import CliRunner, Result
from harness.population import populate
from harness.server import ServerProcess
from harness.tampering import tampering_with
from muniment.auditing.export import verify_export, write_export
from muniment.auditing.trust import read_key
from muniment.cli.program import program
from muniment.errors import CannotWrite
from muniment.ledger.checkpoint import Checkpoint


def test_an_export_verifies_without_a_server(
    audit: Callable[..., Result], served: ServerProcess, tmp_path: Path
) -> None:
    key = audit("keys").stdout.strip()
    done = audit("export", tmp_path / "export")
    assert done.exit_code == 0, done.output
    assert audit("export", tmp_path / "export").exit_code == 1
    served.kill9()
    result = CliRunner().invoke(
        program, ["audit", "verify", "--export", str(tmp_path / "export"), "--key", key, "--json"]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["entries"] == found["size"] > 100
    assert CliRunner().invoke(program, ["audit", "verify", "--export", str(tmp_path)]).exit_code == 2


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A small export, and the key it is verified with."""
    from muniment_core.db.database import Database

    base = tmp_path_factory.mktemp("exported")
    populate(base / "data", rounds=1)
    database = Database.embedded(base / "data")
    with tampering_with(base / "data") as tampering:
        bodies = [body for (body,) in tampering.execute("SELECT body FROM ledger_entries ORDER BY revision")]
        [(note, key, size)] = tampering.execute(
            "SELECT note, (SELECT body FROM ledger_entries WHERE type = 'log.key_added'), size "
            "FROM ledger_checkpoints ORDER BY size DESC LIMIT 1"
        )
    database.close()
    text = bytes(note).decode().rpartition("\n\n")[0] + "\n"
    write_export(base / "export", Checkpoint.parse(text), bytes(note), bodies[:size])
    return base / "export", json.loads(key)["data"]["key"]


@pytest.mark.soak
def test_any_flipped_byte_of_any_file_of_an_export_is_named(
    exported: tuple[Path, str], tmp_path: Path, soak: bool
) -> None:
    source, key = exported
    trusted = read_key(key)
    assert verify_export(source, trusted)
    dice = random.Random(9)
    for name in sorted(path.name for path in source.iterdir()):
        content = (source / name).read_bytes()
        for _ in range(300 if soak else 15):
            directory = tmp_path / "copy"
            shutil.copytree(source, directory)
            changed = bytearray(content)
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
            (directory / name).write_bytes(changed)
            with suppress(muniment.MunimentError):
                assert not verify_export(directory, trusted), f"{name} was changed"
            shutil.rmtree(directory)


@pytest.mark.parametrize("name", ["entries.jsonl", "checkpoint", "keys", "README.md", "SHA256SUMS"])
def test_an_export_that_lacks_a_file_cannot_be_verified(
    exported: tuple[Path, str], tmp_path: Path, name: str
) -> None:
    source, key = exported
    shutil.copytree(source, tmp_path / "copy")
    (tmp_path / "copy" / name).unlink()
    with pytest.raises(muniment.errors.CannotRead):
        verify_export(tmp_path / "copy", read_key(key))


def test_an_export_cut_short_is_named_even_with_its_digests_made_anew(
    exported: tuple[Path, str], tmp_path: Path
) -> None:
    import hashlib

    source, key = exported
    shutil.copytree(source, tmp_path / "copy")
    entries = tmp_path / "copy/entries.jsonl"
    lines = entries.read_bytes().splitlines(keepends=True)
    entries.write_bytes(b"".join(lines[:-1]))
    sums = "".join(
        f"{hashlib.sha256((tmp_path / 'copy' / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("entries.jsonl", "checkpoint", "keys", "README.md")
    )
    (tmp_path / "copy/SHA256SUMS").write_text(sums)
    found = verify_export(tmp_path / "copy", read_key(key))
    assert found.differences == (
        f"entries.jsonl has {len(lines) - 1} entries, while {len(lines)} are signed",
    )


def test_an_export_that_fails_half_way_leaves_the_directory_empty(tmp_path: Path) -> None:
    def bodies() -> Iterator[bytes]:
        yield b"{}"
        raise OSError(errno.EIO, "gone")

    nowhere = Checkpoint("muniment/x", 2, bytes(32))
    with pytest.raises(CannotWrite):
        write_export(tmp_path / "export", nowhere, b"", bodies())
    assert list((tmp_path / "export").iterdir()) == []


def test_the_program_printed_in_the_readme_of_an_export_finds_the_signed_root(
    exported: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import textwrap

    source, _key = exported
    readme = (source / "README.md").read_text()
    code = textwrap.dedent(readme[readme.index("       import base64") :])
    monkeypatch.chdir(source)
    exec(code, {})
    assert capsys.readouterr().out.strip() == (source / "checkpoint").read_text().splitlines()[2]
