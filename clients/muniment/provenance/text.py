"""Text from outside, made fit to be recorded."""

from __future__ import annotations


def clean(text: str, limit: int) -> str:
    """At most ``limit`` printable characters of ``text``, all of them valid Unicode.

    Paths may hold bytes that are no UTF-8 and names may hold anything; a registry refuses both.
    """
    valid = text.encode("utf-8", "replace").decode()
    return "".join(character for character in valid if character.isprintable())[:limit]
