"""``muniment tensors``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many
from muniment.cli.parameters import to_text
from muniment.cli.text import size
from muniment.cli.verb import verb

if TYPE_CHECKING:
    from muniment.values.tensors import StoredTensor


@verb("tensors")
@click.argument("selector", type=to_text)
@click.argument("path", required=False, type=to_text)
def tensors(invocation: Invocation, selector: str, path: str | None) -> None:
    """List the tensors of a version.

    The registry reads them from the headers of its safetensors files, or of the file at PATH; nothing is fetched.
    """

    def row(tensor: StoredTensor) -> tuple[str, ...]:
        shape = " x ".join(map(str, tensor.shape)) or "scalar"
        return tensor.name, tensor.dtype, shape, size(tensor.size_bytes), tensor.path

    with invocation.connect() as registry:
        many(
            registry.tensors(selector, path),
            json=invocation.json,
            columns=("TENSOR", "TYPE", "SHAPE", "SIZE", "FILE"),
            row=row,
            none="No file of this version is one of safetensors.",
        )
