"""Code in Keras models: a Lambda layer holds compiled Python, which loading runs."""

from __future__ import annotations

import json
import re
from typing import Any, BinaryIO

from muniment_artifact.inspection.report import Notes, Verdict

SCANNER = "muniment"
MAX_CONFIG = 16 * 1024 * 1024
MAX_SEARCHED = 4 * 1024 * 1024 * 1024
_STEP = 1024 * 1024
_OVERLAP = 256

_CODE = frozenset({"Lambda", "__lambda__"})
"""Layers that are compiled Python, and functions that are."""

# An HDF5 file keeps the configuration of its layers as one text, which is searched for as it may be written: with
# blanks, and with letters written as escapes.
_LETTER = rb"(?:\\u00[0-9a-fA-F]{2}|[\x20-\x7e])"
_LAYER = re.compile(
    rb'"((?:\\u00[0-9a-fA-F]{2}|[a-z_]){10,60})"\s{0,20}:\s{0,20}"(' + _LETTER + rb'{6,36}?)"'
)


def check_config(config: BinaryIO, notes: Notes, *, member: str) -> None:
    """Look for Lambda layers in the configuration of a ``.keras`` file."""
    data = config.read(MAX_CONFIG + 1)
    if len(data) > MAX_CONFIG:
        notes.add(Verdict.UNSCANNABLE, SCANNER, f"the configuration is more than {MAX_CONFIG} bytes", member)
        return
    try:
        pending = [json.loads(data)]
    except (ValueError, RecursionError) as error:
        notes.add(Verdict.UNSCANNABLE, SCANNER, f"the configuration is no JSON: {error}", member)
        return
    while pending:
        value: Any = pending.pop()
        if isinstance(value, dict):
            if value.get("class_name") in _CODE:
                _note(notes, member)
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def search_hdf5(source: BinaryIO, size: int, notes: Notes, *, member: str) -> None:
    """Look for Lambda layers in an HDF5 file, wherever in it they are told of."""
    source.seek(0)
    window, position = b"", 0
    while piece := source.read(_STEP):
        position += len(piece)
        if position > MAX_SEARCHED:
            notes.add(Verdict.UNSCANNABLE, SCANNER, f"it has {size} bytes, too many to search", member)
            return
        window = window[-_OVERLAP:] + piece
        if b"ambda" not in window and b"\\u00" not in window:
            continue
        for found in _LAYER.finditer(window):
            if _unescaped(found[1]) == "class_name" and _unescaped(found[2]) in _CODE:
                _note(notes, member)
                return


def _unescaped(text: bytes) -> str:
    try:
        return str(json.loads(b'"' + text + b'"'))
    except ValueError:
        return ""


def _note(notes: Notes, member: str) -> None:
    notes.add(
        Verdict.SUSPICIOUS, SCANNER, "has a Lambda layer, whose code runs when the model is loaded", member
    )
