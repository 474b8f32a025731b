"""The error of all evidence that does not prove what it should, and the encodings all of it uses."""

from __future__ import annotations

import base64
import binascii
import re

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


class InvalidEvidence(ValueError):
    """What was shown proves nothing; its text says why."""


def encode(data: bytes) -> str:
    """RFC 4648 section 4 base64."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of base64 text in the one form that :func:`encode` writes.

    Raises:
        ValueError: if it is another form, or none.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("is not base64") from None
    # Unused bits of the last character could hide a change from whoever compares texts.
    if encode(data) != text:
        raise ValueError("is not base64 in its canonical form")
    return data


def number(text: str) -> int:
    """An ASCII decimal without leading zeroes.

    Raises:
        ValueError: if it is none, or has more than 19 digits.
    """
    if not _DECIMAL.fullmatch(text):
        raise ValueError("is not a decimal number without leading zeroes")
    return int(text)
