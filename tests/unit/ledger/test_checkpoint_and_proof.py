"""Checkpoints and proof files: what is written is read the same, and any byte changed is refused.

The example checkpoint is that of https://c2sp.org/tlog-checkpoint, the shape of a proof that of
https://c2sp.org/tlog-proof.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from muniment.ledger import InvalidEvidence
from muniment.ledger.checkpoint import Checkpoint, InvalidCheckpoint, open_checkpoint
from muniment.ledger.evidence import encode
from muniment.ledger.keys import SigningKey
from muniment.ledger.merkle import EMPTY_ROOT, InvalidProof, leaf_hash
from muniment.ledger.note import InvalidNote, Note
from muniment.ledger.proof import LogProof, MalformedProof

EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
ROOT = encode(b"\x05" * 32)
LEAVES = [leaf_hash(bytes([index])) for index in range(11)]


@pytest.fixture
def checkpoint(signing_key: SigningKey, root_of: Callable[[list[bytes]], bytes]) -> bytes:
    """The signed head of a log of eleven entries."""
    return Checkpoint(signing_key.public.name, len(LEAVES), root_of(LEAVES)).signed_by(signing_key)


@pytest.fixture
def proof(checkpoint: bytes, prove_inclusion: Callable[[int, list[bytes]], list[bytes]]) -> LogProof:
    """That the entry at index 4 is in it."""
    return LogProof(4, tuple(prove_inclusion(4, LEAVES)), checkpoint, extra=b"how it came here")


def test_the_published_example_is_read() -> None:
    note = Note.parse(EXAMPLE.encode())
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.text == note.text
    assert note.to_bytes() == EXAMPLE.encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "three or more lines"),
        (f"log\n1\n{ROOT}", "three or more lines"),
        ("log\n1\n", "three or more lines"),
        (f"log\n1\n\n{ROOT}\n", "none of them empty"),
        (f"\n1\n{ROOT}\n", "none of them empty"),
        (f"log\n01\n{ROOT}\n", "leading zeroes"),
        (f"log\n-1\n{ROOT}\n", "not a decimal"),
        (f"log\n1 \n{ROOT}\n", "not a decimal"),
        (f"log\n\u0661\n{ROOT}\n", "not a decimal"),
        (f"log\n{'9' * 20}\n{ROOT}\n", "not a decimal"),
        ("log\n1\nAAAA\n", "has 3 bytes"),
        ("log\n1\n!!!!\n", "not base64"),
        (f"log\n0\n{ROOT}\n", "not that of the empty tree"),
    ],
)
def test_a_text_that_is_no_checkpoint_tells_why(text: str, why: str) -> None:
    with pytest.raises(InvalidCheckpoint, match=why):
        Checkpoint.parse(text)


def test_extension_lines_are_kept() -> None:
    text = f"log\n0\n{encode(EMPTY_ROOT)}\nmore\nand more\n"
    checkpoint = Checkpoint.parse(text)
    assert checkpoint.extensions == ("more", "and more")
    assert checkpoint.text == text


def test_a_checkpoint_is_believed_only_from_a_key_of_its_log(
    signing_key: SigningKey, checkpoint: bytes
) -> None:
    log = signing_key.public
    assert open_checkpoint(checkpoint, [log]).size == 11
    assert open_checkpoint(checkpoint, [log], origin=log.name).size == 11
    with pytest.raises(InvalidCheckpoint, match="other is meant"):
        open_checkpoint(checkpoint, [log], origin="example.com/other")
    witness = SigningKey.from_seed("witness.example", b"\x09" * 32)
    by_witness = Note(Note.parse(checkpoint).text, ()).signed_by(witness)
    with pytest.raises(InvalidNote, match="by no key of that name"):
        open_checkpoint(by_witness.to_bytes(), [log, witness.public])
    assert open_checkpoint(by_witness.signed_by(signing_key).to_bytes(), [log, witness.public]).size == 11
    with pytest.raises(InvalidCheckpoint, match="cannot sign"):
        Checkpoint("example.com/log", 1, LEAVES[0]).signed_by(witness)


def test_a_proof_is_written_as_published_and_read_the_same(proof: LogProof, signing_key: SigningKey) -> None:
    written = proof.to_bytes()
    lines = written.decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", f"extra {encode(b'how it came here')}", "index 4"]
    assert lines[3 : 3 + len(proof.hashes)] == [encode(one) for one in proof.hashes]
    assert lines[3 + len(proof.hashes)] == ""
    assert written.endswith(proof.checkpoint)
    assert LogProof.parse(written) == proof
    assert proof.verify(LEAVES[4], [signing_key.public]).size == 11
    bare = LogProof(proof.index, proof.hashes, proof.checkpoint)
    assert b"extra" not in bare.to_bytes()
    assert LogProof.parse(bare.to_bytes()) == bare


def test_the_only_entry_of_a_log_needs_no_hash(signing_key: SigningKey) -> None:
    note = Checkpoint(signing_key.public.name, 1, LEAVES[0]).signed_by(signing_key)
    written = LogProof(0, (), note).to_bytes()
    assert written == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + note
    assert LogProof.parse(written).verify(LEAVES[0], [signing_key.public]).size == 1


def test_a_proof_with_any_byte_changed_is_refused(proof: LogProof, signing_key: SigningKey) -> None:
    written = LogProof(proof.index, proof.hashes, proof.checkpoint).to_bytes()
    for at in range(len(written)):
        for bit in (1, 0x20, 0x80):
            changed = written[:at] + bytes([written[at] ^ bit]) + written[at + 1 :]
            with pytest.raises(InvalidEvidence):
                LogProof.parse(changed).verify(LEAVES[4], [signing_key.public])


def test_another_leaf_is_not_proved(proof: LogProof, signing_key: SigningKey) -> None:
    with pytest.raises(InvalidProof, match="leads to root"):
        proof.verify(LEAVES[5], [signing_key.public])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("wrong-header\nindex 0\n\nx\n", "begins with 'wrong-header'"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n", "no empty line"),
        ("c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\nx\n", "extra data is not base64"),
        ("c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nx\n", "must be left out"),
        ("c2sp.org/tlog-proof@v1\nindex 0\nextra QQ==\n\nx\n", "hash is not base64"),
        ("c2sp.org/tlog-proof@v1\n\n\nx\n", "no index"),
        ("c2sp.org/tlog-proof@v1\nindex x\n\nx\n", "index is not a decimal"),
        ("c2sp.org/tlog-proof@v1\nindex -5\n\nx\n", "index is not a decimal"),
        ("c2sp.org/tlog-proof@v1\nindex 05\n\nx\n", "index is not a decimal"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\nx\n", "hash is not base64"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{encode(bytes(64))}\n\nx\n", "has 64 bytes"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n" + f"{ROOT}\n" * 64 + "\nx\n", "64 hashes, while 63"),
        ("c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\nx\n", "no empty line"),
        ("c2sp.org/tlog-proof@v1é\nindex 0\n\nx\n", "other than ASCII"),
        ("x" * 4_000_000, "4000000 bytes"),
    ],
)
def test_a_file_that_is_no_proof_tells_why(data: str, why: str) -> None:
    with pytest.raises(MalformedProof, match=why):
        LogProof.parse(data.encode())


def test_parts_that_cannot_be_read_again_are_not_written(proof: LogProof) -> None:
    for broken in (
        LogProof(-1, proof.hashes, proof.checkpoint),
        LogProof(1, (b"short",), proof.checkpoint),
        LogProof(1, (ROOT.encode()[:32],) * 64, proof.checkpoint),
    ):
        with pytest.raises(MalformedProof):
            broken.to_bytes()
