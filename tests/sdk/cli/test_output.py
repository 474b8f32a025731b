"""What people see: harmless, aligned, in fixed memory."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from muniment.cli import output, text
from muniment.transfer.arriving import ArrivingFile
from muniment.transfer.receive import Download
from muniment.v1 import catalog_pb2


@dataclass(frozen=True)
class Row:
    cells: tuple[str, ...]
    message: catalog_pb2.Alias


def rows(*cells: tuple[str, ...]) -> Iterator[Row]:
    return iter([Row(row, catalog_pb2.Alias(name=row[0])) for row in cells])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain text", "plain text"),
        ("größer, 模型, 🎉", "größer, 模型, 🎉"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("safe\u202egpj.exe", r"safe\u202egpj.exe"),
        ("\u2066x\u2069\u200f", r"\u2066x\u2069\u200f"),
        ("\x9b31m", r"\x9b31m"),
        ("line\u2028para\u2029", r"line\u2028para\u2029"),
        ("\udc80", r"\udc80"),
    ],
)
def test_what_a_terminal_would_act_on_is_written_as_an_escape(given: str, shown: str) -> None:
    assert text.neutral(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (0.1 + 0.2, "0.3"),
        (7.0, "7"),
        (-3.0, "-3"),
        (1234567890123456.0, "1234567890123456"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ("007", "007"),
    ],
)
def test_a_number_is_short_and_a_whole_one_keeps_its_digits(given: str | float, shown: str) -> None:
    assert text.number(given) == shown


def test_columns_are_aligned_by_what_a_terminal_shows(capsys: pytest.CaptureFixture[str]) -> None:
    output.many(
        rows(("模型", "1", "x"), ("churn", "20", "")),
        json=False,
        columns=("MODEL", "N", "NOTE"),
        row=lambda row: row.cells,
        none="",
    )
    assert capsys.readouterr().out.splitlines() == ["MODEL  N   NOTE", "模型   1   x", "churn  20"]


def test_an_empty_table_is_told_on_standard_error_alone(capsys: pytest.CaptureFixture[str]) -> None:
    output.many(rows(), json=False, columns=("MODEL",), row=lambda row: row.cells, none="There is none.")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "There is none.\n")


def test_an_empty_list_is_no_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    output.many(rows(), json=True, columns=("MODEL",), row=lambda row: row.cells, none="There is none.")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_long_table_is_printed_while_it_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    def endless() -> Iterator[Row]:
        yield from rows(("a", "1"), ("b", "2"))
        assert capsys.readouterr().out == "NAME  N\na     1\nb     2\n"
        yield from rows(("longer", "3"))

    output.many(endless(), json=False, columns=("NAME", "N"), row=lambda row: row.cells, none="", batch=2)
    assert capsys.readouterr().out == "longer  3\n"


def test_titles_stand_before_the_first_event_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    def waiting() -> Iterator[Row]:
        assert capsys.readouterr().out == "NAME    N\n"
        yield from rows(("a", "1"))
        assert capsys.readouterr().out == "a       1\n"

    output.many(waiting(), json=False, columns=("NAME  ", "N"), row=lambda row: row.cells, none="", batch=1)


def test_json_has_the_names_of_the_contract_and_zeros_too(capsys: pytest.CaptureFixture[str]) -> None:
    output.many(rows(("\x1b\u202e",)), json=True, columns=("X",), row=lambda row: row.cells, none="")
    assert capsys.readouterr().out == '{"name": "\\u001b\\u202e", "number": "0", "actor": ""}\n'


def test_a_view_leaves_out_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    output.view(
        "churn@1", [("digest", "sha256:ab"), ("tags", []), ("run", ""), ("params", ["a = 1", "b = 2"])]
    )
    assert capsys.readouterr().out == ("churn@1\n  digest  sha256:ab\n  params  a = 1\n          b = 2\n")


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (2**40, "1.0 TiB"),
        (2**52, "4096.0 TiB"),
    ],
)
def test_sizes_are_short(count: int, shown: str) -> None:
    assert text.size(count) == shown


def test_long_lists_are_cut_and_say_so() -> None:
    assert text.some(["a", "b", "c"]) == "a, b, c"
    assert text.some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGHUP], ids=lambda asked: asked.name)
def test_being_asked_to_end_clears_up_what_a_pull_has_begun(
    cli, done, weights, tmp_path, monkeypatch, asked
) -> None:
    def interrupted(download: Download, files: Sequence[ArrivingFile], wanted: object) -> None:
        files[0].write(0, b"a part")
        signal.raise_signal(asked)

    done("push", f"ended-{asked.name}", weights, "--quiet")
    monkeypatch.setattr(Download, "fetch", interrupted)
    # Whoever runs the tests with nohup has them ignore SIGHUP.
    before = signal.signal(asked, signal.SIG_DFL)
    outcome = cli("pull", f"ended-{asked.name}", tmp_path / "into")
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (128 + asked, "", "")
    assert [path.name for path in tmp_path.iterdir()] == [weights.name]
    assert signal.signal(asked, before) is signal.SIG_DFL
