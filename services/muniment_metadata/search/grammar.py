"""Reads the filter language of https://google.aip.dev/160 into syntax; its fields are checked elsewhere.

The parser is LALR and builds its result while it reads, so neither long nor deep input recurses. Of the
language functions are left out; numbers, times and digests may stand without quotes.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from muniment_core.domain.errors import InvalidFilter

from muniment_metadata.search.syntax import Comparison, Junction, Literal, Negation, Syntax

FILTER = "filter"
MAX_DEPTH = 32

# A word is anything without blanks and without the characters that mean something. In a path a part may be
# quoted; a value may hold a colon, so that times and digests need no quotes, and begin with a sign.
_GRAMMAR = r"""
    start: expression?
    ?expression: sequence (_AND sequence)*
    ?sequence: factor+
    ?factor: term (_OR term)*
    ?term: simple
         | (_NOT | _MINUS) simple -> negation
    ?simple: WORD COMPARATOR (VALUE | STRING) -> comparison
           | WORD -> alone
           | STRING -> alone
           | LPAR expression ")" -> group

    LPAR: "("
    COMPARATOR: /<=|>=|!=|=|<|>|:/
    _AND.2: /AND(?![^\s()"'])/
    _OR.2: /OR(?![^\s()"'])/
    _NOT.2: /NOT(?![^\s()"'])/
    _MINUS: "-"
    STRING: /"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/
    WORD: /(?!(?:AND|OR|NOT)(?![^\s()"']))[^\s"'(),:=<>!\-]/ (/[^\s"'(),:=<>!]/ | /(?<=\.)/ STRING)*
    VALUE: /(?!(?:AND|OR|NOT)(?![^\s()"']))[^\s"'(),:=<>!][^\s"'(),=<>!]*/
    %ignore /\s+/
"""
_PART = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^."']+""", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {'"': '"', "'": "'", "\\": "\\", "n": "\n", "t": "\t"}
_KEYWORDS = {"and", "or", "not"}


def parse(text: str) -> Syntax | None:
    """Read a filter; None when there is nothing in it.

    Raises:
        InvalidFilter: naming the position.
    """
    try:
        result: Syntax | None = _parser().parse(text)  # type: ignore[assignment]
    except UnexpectedInput as error:
        raise _refusal(error, text) from None
    return result


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_Builder())


def _refusal(error: UnexpectedInput, text: str) -> InvalidFilter:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return InvalidFilter(FILTER, len(text) + 1, f"it ends where {_wanted(error.accepts)} should follow")
    position = (error.pos_in_stream or 0) + 1
    found = text[position - 1 : position + 19]
    if found.startswith("=") and text[position - 2 : position - 1] == "=":
        return InvalidFilter(FILTER, position, "write a single =")
    if isinstance(error, UnexpectedCharacters) and found[0] in "\"'":
        return InvalidFilter(FILTER, position, "a quote is opened here and never closed")
    allowed = error.allowed if isinstance(error, UnexpectedCharacters) else getattr(error, "accepts", None)
    return InvalidFilter(FILTER, position, f"{found!r} stands where {_wanted(allowed)} should")


def _wanted(accepted: Any) -> str:
    names = set(accepted)
    if "VALUE" in names:
        return "a value"
    if "COMPARATOR" in names:
        return "one of = != < <= > >= : or another condition"
    # After a whole condition the parser names only what would end what is open.
    if "RPAR" in names:
        return "AND, OR, another condition or a closing parenthesis"
    if names == {"$END"} or "_AND" in names:
        return "AND, OR or another condition"
    return "a condition"


class _Builder(Transformer[Token, Any]):
    """Builds syntax bottom up and counts how deep it is."""

    def __init__(self) -> None:
        super().__init__()

    def start(self, parts: list[Any]) -> Syntax | None:
        return _bare(parts[0]) if parts else None

    def expression(self, parts: list[Any]) -> Any:
        return _joined(parts, is_and=True)

    def sequence(self, parts: list[Any]) -> Any:
        return _joined(parts, is_and=True)

    def factor(self, parts: list[Any]) -> Any:
        return _joined(parts, is_and=False)

    def negation(self, parts: list[Any]) -> Any:
        return _at(Negation(_bare(parts[-1])), _depth(parts[-1]))

    def group(self, parts: list[Any]) -> Any:
        opening, inner = parts
        depth = _depth(inner) + 1
        if depth > MAX_DEPTH:
            raise InvalidFilter(
                FILTER,
                opening.start_pos + 1,
                f"parentheses are nested deeper than {MAX_DEPTH}: most can be left out",
            )
        return _at(_bare(inner), depth)

    def alone(self, parts: list[Token]) -> Literal:
        (token,) = parts
        if token.type == "WORD" and token.lower() in _KEYWORDS:
            raise InvalidFilter(
                FILTER, _position(token), f"write {token.upper()} in capitals, or {str(token)!r} in quotes"
            )
        return _literal(token)

    def comparison(self, parts: list[Token]) -> Comparison:
        path, operator, value = parts
        return Comparison(split_path(str(path), _position(path), FILTER), str(operator), _literal(value))


class _Nested:
    """A node inside of parentheses, while the filter is read."""

    __slots__ = ("depth", "node")

    def __init__(self, node: Syntax, depth: int) -> None:
        self.node = node
        self.depth = depth


def _at(node: Syntax, depth: int) -> Any:
    return _Nested(node, depth) if depth else node


def _bare(node: Any) -> Syntax:
    return node.node if isinstance(node, _Nested) else node


def _depth(node: Any) -> int:
    return node.depth if isinstance(node, _Nested) else 0


def _joined(parts: list[Any], *, is_and: bool) -> Any:
    return _at(Junction(tuple(map(_bare, parts)), is_and), max(map(_depth, parts)))


def _position(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _literal(token: Token) -> Literal:
    if token.type == "STRING":
        return Literal(_unquoted(str(token), _position(token), FILTER), True, _position(token))
    return Literal(str(token), False, _position(token))


def split_path(text: str, position: int, field: str) -> tuple[Literal, ...]:
    """The parts of ``metrics."val/f1".best``.

    Raises:
        InvalidFilter: if a part is empty or a quote stands in the middle of one.
    """
    parts: list[Literal] = []
    at = 0
    while True:
        found = _PART.match(text, at)
        if found is None:
            raise InvalidFilter(field, position + at, "the name of a field has an empty part")
        part, quoted = found.group(), found.group()[0] in "\"'"
        parts.append(
            Literal(_unquoted(part, position + at, field) if quoted else part, quoted, position + at)
        )
        at = found.end()
        if at == len(text):
            return tuple(parts)
        if text[at] != ".":
            raise InvalidFilter(
                field, position + at, "a quoted part of a name ends here, a dot should follow"
            )
        at += 1


def _unquoted(text: str, position: int, field: str) -> str:
    def escaped(found: re.Match[str]) -> str:
        if found.group(1) not in _ESCAPED:
            raise InvalidFilter(
                field,
                position + 1 + found.start(),
                f"{found.group()!r} is no escape: there are " + r"\" \' \\ \n and \t",
            )
        return _ESCAPED[found.group(1)]

    return _ESCAPE.sub(escaped, text[1:-1])
