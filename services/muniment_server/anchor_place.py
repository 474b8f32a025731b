"""Where the anchor is kept, as people write it: a file, or ``s3://BUCKET/PREFIX``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

_BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9._/-]*))?")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place in a bucket.

    Attributes:
        name: the bucket.
        prefix: what keys begin with, without slashes at its ends; empty: nothing.
    """

    name: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}"


class AnchorPlace(click.ParamType[Path | Bucket]):
    """A file, or a place in a bucket."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | Bucket:
        """A path, an address such as ``s3://backup/registry``, or what is one of them already."""
        if isinstance(value, Path | Bucket):
            return value
        text = str(value)
        if "://" in text:
            found = _BUCKET.fullmatch(text)
            if found is None:
                self.fail(f"{text!r} is no place for it: write a file, or s3://BUCKET/PREFIX", param, ctx)
            return Bucket(found[1], (found[2] or "").strip("/"))
        if Path(text).is_dir():
            self.fail(f"{text!r} is a directory: name a file in it", param, ctx)
        return Path(text)
