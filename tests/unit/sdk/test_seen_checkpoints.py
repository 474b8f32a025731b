"""What was seen of a ledger survives the end of the process at any moment."""

from __future__ import annotations

from pathlib import Path

import pytest
from muniment.auditing import seen
from muniment.auditing.seen import Seen, SeenCheckpoints
from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.keys import SigningKey

FIRST, SECOND = (SigningKey.from_seed("log", bytes([number] * 32)) for number in (1, 2))


def signed(size: int, key: SigningKey) -> Seen:
    checkpoint = Checkpoint("log", size, bytes(32))
    return Seen(checkpoint, checkpoint.signed_by(key), key.public)


def test_a_process_that_ends_between_key_and_checkpoint_leaves_what_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = SeenCheckpoints(tmp_path)
    kept.keep(signed(5, FIRST))
    write = seen._write

    def write_keys_alone(path: Path, content: bytes) -> None:
        if path.name != "key":
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(seen, "_write", write_keys_alone)
        with pytest.raises(KeyboardInterrupt):
            kept.keep(signed(9, SECOND))
    assert kept.of("log") == signed(5, FIRST)
    kept.keep(signed(9, SECOND))
    assert kept.of("log") == signed(9, SECOND)
    kept.keep(signed(10, SECOND))
    assert kept.of("log") == signed(10, SECOND)
