"""``muniment verify-signature``."""

from __future__ import annotations

from pathlib import Path

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import one, view
from muniment.cli.parameters import to_path, to_text
from muniment.cli.verb import verb
from muniment.errors import CannotWrite
from muniment.values import VersionSignature


@verb("verify-signature")
@click.argument("selector", type=to_text)
@click.option("--key", type=to_path, metavar="FILE", help="The public key that must have made it, in PEM.")
@click.option(
    "--save", type=to_path, metavar="FILE", help="Write the bundle there, for 'model_signing verify'."
)
def verify_signature(invocation: Invocation, selector: str, key: str | None, save: str | None) -> None:
    """Verify who signed a version's files.

    The signature is verified here, against the files that the version's digest stands for, and needs none of them.
    Without --key it says which key signed, and not whose that is.
    """
    with invocation.connect() as registry:
        signature = registry.verify_signature(selector, key=key)
    if save is not None:
        try:
            Path(save).write_bytes(signature.bundle)
        except OSError as error:
            raise CannotWrite(f"{save} cannot be written: {error.strerror}") from error

    def tell(found: VersionSignature) -> None:
        view(
            f"The signature of {invocation.version(found.name)} is valid",
            (
                ("root digest", found.root_digest),
                ("key", found.key_digest),
                ("trusted", "yes, it is the given key" if key else "not known: give the key with --key"),
                ("left out", [f"{path} is not signed" for path in found.unsigned_paths]),
                ("saved", save or ""),
            ),
        )

    one(signature, json=invocation.json, human=tell)
