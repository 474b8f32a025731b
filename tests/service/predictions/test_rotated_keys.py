"""Receipts after the ledger's key was followed by another: whoever trusts an older one can still verify them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from harness.api import Api
from harness.population import storage
from harness.server import ServerFactory, ServerProcess
from muniment.cli.program import program
from muniment.v1 import ledger_service_pb2 as pb
from muniment.v1.prediction_pb2 import Prediction
from muniment_server.core import running_core
from muniment_server.signing import active_key, rotate


def rotated(server: ServerProcess) -> tuple[str, str]:
    """The key of the ledger, and the one that signs from now on."""
    server.stop()
    settings = storage(server.data)
    with running_core(settings) as core:
        old, new = active_key(core.database), rotate(settings, core.database, core.writer)
        assert old is not None
        core.keeper.keep(core.writer)
    server.restart()
    return old.text, new.text


def test_a_receipt_that_a_later_key_signed_is_verified_with_an_older_one(
    server_factory: ServerFactory, record: Any, tmp_path: Path
) -> None:
    server, receipt = server_factory(), tmp_path / "receipt.json"
    with Api(server.address, server.token) as api:
        api.new_model("churn")
        made = Prediction(
            id="p", version=api.new_version("churn").name, input_digest=bytes(32), output_digest=bytes(32)
        )
        made.time.GetCurrentTime()
        record(api, [made])
    first, second = rotated(server)
    _, third = rotated(server)
    with Api(server.address, server.token) as api:
        asked = pb.GetReceiptRequest(parent=api.parent(), prediction_id="p")
        receipt.write_bytes(api.ledger.GetReceipt(asked).content)

    def verify(*arguments: str) -> Result:
        result = CliRunner().invoke(program, ["verify", str(receipt), *arguments])
        assert result.exit_code == 0, result.output
        return result

    for trusted in (first, second, third):
        facts = json.loads(verify("--key", trusted, "--json").stdout)
        assert (facts["key"], facts["trusted_key"]) == (third, trusted)
    told = verify("--key", first).stdout
    assert f"signed by   {third}" in told
    assert f"following   {first}" in told
    assert "following" not in verify("--key", third).stdout
