"""``muniment verify``: a receipt against a public key, with no registry anywhere."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator, Mapping
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import view
from muniment.cli.parameters import to_path
from muniment.cli.text import neutral, pairs, size
from muniment.cli.verb import verb
from muniment.errors import CannotRead
from muniment.file_paths import FILE_PATH
from muniment.names import InvalidName, VersionName

if TYPE_CHECKING:
    from muniment.ledger.entry import VerifiableEntry
    from muniment.ledger.keys import PublicKey
    from muniment.ledger.receipt import ProvenPrediction

_SHOWN_FILES = 20


@verb("verify")
@click.argument("receipt", type=to_path)
@click.option(
    "--key",
    "keys",
    multiple=True,
    required=True,
    metavar="KEY",
    help="Public key of the ledger, NAME+HASH+BASE64, or a file of such lines; may be repeated.",
)
def verify(invocation: Invocation, receipt: str, keys: tuple[str, ...]) -> None:
    """Verify the file RECEIPT offline.

    It asks no registry: everything is computed anew from the file and from the public key, which you should have
    from someone you trust; 'muniment audit keys' prints that of a registry. A key that followed the one you trust
    before the receipt was made is believed, for the receipt says how. One that came later does not vouch for it:
    keep the older ones.
    """
    from muniment.ledger.evidence import InvalidEvidence
    from muniment.ledger.receipt import verify_receipt

    trusted = [key for text in keys for key in _keys(text)]
    try:
        proven = verify_receipt(_read(Path(receipt)), trusted)
    except InvalidEvidence as error:
        raise click.ClickException(neutral(f"{receipt} proves nothing: {error}")) from error
    if invocation.json:
        click.echo(json_text.dumps(_facts(proven)))
    else:
        view(f"Prediction {proven.prediction.id} is proven", _lines(invocation, proven))


def _keys(text: str) -> Iterator[PublicKey]:
    """The key that is written, or those in the file that is named."""
    from muniment.ledger.keys import InvalidKey, PublicKey

    try:
        yield PublicKey.parse(text)
        return
    except InvalidKey as error:
        path = Path(text)
        if not path.is_file():
            raise click.UsageError(
                f"--key {text[:200]!r} is neither a file nor a public key ({error})."
            ) from None
    try:
        lines = path.read_text(encoding="utf-8").split()
        for line in lines:
            yield PublicKey.parse(line)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--key {text}: {error}") from None
    if not lines:
        raise click.UsageError(f"--key {text}: the file is empty.")


def _read(path: Path) -> bytes:
    from muniment.ledger.receipt import MAX_RECEIPT_BYTES

    try:
        with path.open("rb") as file:
            return file.read(MAX_RECEIPT_BYTES + 1)
    except OSError as error:
        raise CannotRead(f"{path} cannot be read: {error.strerror}") from error


def _lines(invocation: Invocation, proven: ProvenPrediction) -> Iterator[tuple[str, str | list[str]]]:
    prediction, created, sealed = proven.prediction, proven.created, proven.sealed
    made = prediction.time.ToDatetime(tzinfo=UTC)
    yield "made", f"{made:%Y-%m-%d %H:%M:%S}Z, by the clock of its recorder"
    yield "input", f"sha256:{prediction.input_digest.hex()}"
    yield "output", f"sha256:{prediction.output_digest.hex()}"
    yield (
        "sealed",
        f"{_when(sealed)} for {sealed.actor}, one of {proven.batch_size}, ledger entry {sealed.revision}",
    )
    yield "version", _shown(invocation, created.version)
    yield "registered", f"{_when(created)} by {created.actor}, ledger entry {created.revision}"
    yield "digest", created.digest
    yield "files", _files(proven.manifest)
    yield "stages", [_move(entry) for entry in proven.stages]
    frozen: Mapping[str, object] = {} if proven.frozen is None else proven.frozen
    if proven.frozen is None:
        yield "record", "withheld: it names what whoever asked for the receipt may not read"
    yield (
        "datasets",
        [_text(one, "name", "version", "digest", "uri") for one in _list(frozen, "datasets")],
    )
    yield "parents", [_text(one, "version", "relation") for one in _list(frozen, "parents")]
    yield "code", _text(frozen.get("code"), "entry_point", "repository", "commit")
    params = frozen.get("params")
    yield "params", pairs(params) if isinstance(params, dict) else []
    tags = proven.labels.get("tags")
    yield "tags", pairs(tags) if isinstance(tags, dict) else []
    yield "ledger", f"{proven.checkpoint.origin}, {proven.checkpoint.size} entries"
    yield "signed by", proven.key.text
    if proven.trusted != proven.key:
        yield "following", proven.trusted.text


def _facts(proven: ProvenPrediction) -> dict[str, Any]:
    """What was proven, for programs."""
    prediction = proven.prediction
    return {
        "verified": True,
        "prediction": {
            "id": prediction.id,
            "time": prediction.time.ToJsonString(),
            "version": prediction.version,
            "input_digest": f"sha256:{prediction.input_digest.hex()}",
            "output_digest": f"sha256:{prediction.output_digest.hex()}",
        },
        "sealed": {**_entry_facts(proven.sealed), "count": proven.batch_size},
        "version": {
            **_entry_facts(proven.created),
            "digest": proven.created.digest,
            "record": proven.frozen,
            "manifest": proven.manifest,
            "labels": proven.labels,
        },
        "stages": [
            {**_entry_facts(entry), "stage": entry.stage, "reason": entry.reason} for entry in proven.stages
        ],
        "checkpoint": {"origin": proven.checkpoint.origin, "size": proven.checkpoint.size},
        "key": proven.key.text,
        "trusted_key": proven.trusted.text,
    }


def _entry_facts(entry: VerifiableEntry) -> dict[str, Any]:
    return {"revision": entry.revision, "type": entry.type, "time": entry.time, "actor": entry.actor}


def _when(entry: VerifiableEntry) -> str:
    return entry.time[:19].replace("T", " ") + "Z"


def _move(entry: VerifiableEntry) -> str:
    how = "promoted to" if entry.type == "stage.promoted" else "rolled back to in"
    reason = f": {entry.reason}" if entry.reason else ""
    return f"{_when(entry)} {how} {entry.stage} by {entry.actor}, ledger entry {entry.revision}{reason}"


def _files(manifest: Mapping[str, object]) -> list[str]:
    layers = [layer for layer in _list(manifest, "layers") if isinstance(layer, dict)]
    lines = []
    for layer in layers[:_SHOWN_FILES]:
        length = layer.get("size")
        told = f" {size(length)}" if isinstance(length, int) else ""
        lines.append(f"{_text(layer.get('annotations'), FILE_PATH)}{told} {layer.get('digest', '')}")
    more = len(layers) - _SHOWN_FILES
    return [*lines, f"and {more} more"] if more > 0 else lines


def _shown(invocation: Invocation, resource: str) -> str:
    try:
        name = VersionName.parse(resource)
    except InvalidName:
        return resource
    return f"{invocation.version(resource)} ({name.text})"


def _list(holder: Mapping[str, object], name: str) -> list[Any]:
    found = holder.get(name)
    return found if isinstance(found, list) else []


def _text(holder: object, *names: str) -> str:
    """Those members of an object that are text, one after the other."""
    if not isinstance(holder, dict):
        return ""
    return " ".join(found for name in names if isinstance(found := holder.get(name), str) and found)
