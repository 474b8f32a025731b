"""Whatever the bytes are, there is a report: nothing of it ends in an error or goes on for ever."""

from __future__ import annotations

import gzip
import io
import random
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from muniment_artifact.inspection.judge import judge
from muniment_artifact.inspection.report import FileReport, Verdict
from samples import model_files as make

SAMPLES: dict[str, bytes] = {
    "safetensors": make.safetensors({"a": ("BF16", [2, 3], 12), "b": ("F32", [4], 16)}),
    "gguf": make.gguf({"w": [2, 3]}),
    "pickle": make.pickled({"a": [1, 2.5, "text", None], "b": (True, b"bytes")}) + make.harmful_pickle(),
    "old pickle": make.harmful_pickle(0),
    "joblib": make.joblib_file([np.arange(10.0), np.array(["a", None], dtype=object), np.array(["b"])]),
    "numpy": make.numpy_file(np.array([1, None], dtype=object)),
    "pytorch": make.pytorch_file(make.harmful_pickle()),
    "zip in zip": make.zipped({"a.zip": make.zipped({"b": make.harmful_pickle()})}),
    "tar": make.tarred({"a": make.harmful_pickle(), "b": b"text"}),
    "gzip": gzip.compress(make.harmful_pickle()),
    "zlib": zlib.compress(make.pickled({"a": 1})),
    "keras": make.zipped({"config.json": b'{"class_name": "Lambda"}', "model.weights.h5": b""}),
    "onnx": make.onnx(),
}


def judged(data: bytes) -> FileReport:
    return judge(io.BytesIO(data), len(data))


def truncated(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 4)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def spliced(data: bytes, dice: random.Random) -> bytes:
    other = dice.choice(list(SAMPLES.values()))
    return data[: dice.randrange(len(data))] + other[dice.randrange(len(other)) :]


@pytest.mark.soak
@pytest.mark.parametrize("change", [truncated, flipped, spliced], ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", SAMPLES)
def test_samples_that_were_changed_have_a_report(
    name: str, change: Callable[[bytes, random.Random], bytes], soak: bool
) -> None:
    dice = random.Random(f"{name} {change.__name__}")
    for _ in range(5_000 if soak else 40):
        report = judged(change(SAMPLES[name], dice))
        assert FileReport.from_json(report.to_json()) == report


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_have_a_report(data: bytes) -> None:
    report = judged(data)
    assert FileReport.from_json(report.to_json()) == report


def test_no_beginning_of_a_pickle_that_has_called_is_clean() -> None:
    whole = make.harmful_pickle()
    for end in range(whole.index(b"R") + 1, len(whole)):
        assert judged(whole[:end]).verdict is Verdict.MALICIOUS
