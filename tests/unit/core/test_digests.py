"""Digests: one form only."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muniment.digests import Digest, InvalidDigest


@given(st.binary())
def test_the_digest_of_bytes_is_their_sha256(data: bytes) -> None:
    digest = Digest.of(data)
    assert digest.text == "sha256:" + hashlib.sha256(data).hexdigest() == str(digest)
    assert (digest.raw, digest.hex) == (hashlib.sha256(data).digest(), hashlib.sha256(data).hexdigest())
    assert Digest.parse(digest.text) == digest == Digest.of_hash(hashlib.sha256(data))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        "a" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "sha512:" + "a" * 64,
        "sha256:" + "a" * 64 + "\n",
        " sha256:" + "a" * 64,
        "sha256:" + "\u0661" * 64,
    ],
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest):
        Digest.parse(text)
