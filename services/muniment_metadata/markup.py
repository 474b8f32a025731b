"""Free text inside Markdown and YAML, so that it stays text.

In Markdown every ASCII punctuation character may stand behind a backslash and then means itself
(https://spec.commonmark.org/0.31.2/#backslash-escapes), so all of them do. In YAML text stands in double quotes,
with what is not plainly printable as an escape (https://yaml.org/spec/1.2.2/#57-escaped-characters).
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

Yaml: TypeAlias = "str | int | float | Sequence[Yaml] | Mapping[str, Yaml]"

_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")
# Controls, format characters such as those that turn the direction of writing, and separators of lines.
_HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def in_line(text: str) -> str:
    """Text as one line of Markdown that shows exactly this text, white space apart."""
    return _PUNCTUATION.sub(r"\\\g<0>", _harmless(" ".join(text.split())))


def as_paragraphs(text: str) -> str:
    """Text of several lines as paragraphs of Markdown that keep its lines."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = ([in_line(line) for line in paragraph.split("\n")] for paragraph in paragraphs)
    return "\n\n".join("\\\n".join(filter(None, paragraph)) for paragraph in lines if any(paragraph))


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table, whose cells are Markdown of one line; none without rows."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles), *lines] if lines else []


def yaml_document(members: Mapping[str, Yaml]) -> str:
    """A mapping as YAML; its keys are plain words, its empty members are left out."""
    return "".join(f"{line}\n" for line in _block(members))


def _block(value: Yaml) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, member in value.items():
            if isinstance(member, str | int | float):
                yield f"{key}: {_scalar(member)}"
            elif member:
                yield f"{key}:"
                yield from (f"  {line}" for line in _block(member))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            if isinstance(item, str | int | float):
                yield f"- {_scalar(item)}"
            else:
                yield from (
                    f"{'- ' if index == 0 else '  '}{line}" for index, line in enumerate(_block(item))
                )


def _scalar(value: str | int | float) -> str:
    if isinstance(value, str):
        return '"' + "".join(map(_quoted, value)) + '"'
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    mantissa, e, exponent = repr(value).partition("e")
    # Readers of YAML 1.1 take 1e-05 for text.
    return mantissa + ("" if "." in mantissa else ".0") + e + exponent if e else mantissa


def _quoted(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character == "\n":
        return "\\n"
    if character == " " or (character.isprintable() and unicodedata.category(character) not in _HARMFUL):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _harmless(text: str) -> str:
    return "".join(
        f"U+{ord(character):04X}" if unicodedata.category(character) in _HARMFUL else character
        for character in text
    )
