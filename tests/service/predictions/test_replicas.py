"""Two servers on one PostgreSQL: a sender that goes to the other one doubles nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from grpc import RpcError
from harness.api import Api, refusal
from harness.server import ServerFactory
from muniment.v1 import ledger_service_pb2 as pb
from muniment.v1.prediction_pb2 import Prediction


def test_messages_sent_to_both_replicas_are_sealed_once(
    server_factory: ServerFactory, migrated_postgres_database: str, requests: Callable[..., Any]
) -> None:
    first = server_factory(database=migrated_postgres_database, migrate=False)
    second = server_factory(database=migrated_postgres_database, migrate=False)
    with Api(first.address, first.token) as here, Api(second.address, first.token) as there:
        here.new_model("churn")
        version = here.new_version("churn").name

        def prediction(number: int) -> Prediction:
            made = Prediction(
                id=f"p-{number}", version=version, input_digest=bytes(32), output_digest=bytes(32)
            )
            made.time.GetCurrentTime()
            return made

        messages = requests(here, [[prediction(number)] for number in range(1, 41)])

        def send(api: Api, begin: int) -> list[int]:
            """Sends all messages from one on; what the other replica has not sealed yet is refused."""
            try:
                return [one.sequence for one in api.ledger.RecordPredictions(iter(messages[begin:]))]
            except RpcError as error:
                if refusal(error).reason != "SEQUENCE_BROKEN":
                    raise
                return []

        with ThreadPoolExecutor(4) as pool:
            for begin in (0, 10, 25, 0):
                for sent in [pool.submit(send, api, begin) for api in (here, there, here, there)]:
                    assert sent.result() in ([], list(range(begin + 1, 41)))
        counted = there.ledger.CountPredictions(
            pb.CountPredictionsRequest(parent=here.parent(), version=version)
        )
        assert counted.count == 40
        sealed = pb.ListEntriesRequest(
            parent=here.parent(), filter=pb.EntryFilter(types=["predictions.sealed"])
        )
        entries = there.ledger.ListEntries(sealed).entries
        assert sum(json.loads(entry.body)["data"]["count"] for entry in entries) == 40

        # A message that still waits at one replica when its sender comes to the other.
        waiting = requests(here, [[prediction(100)], [prediction(101)]])
        call = here.ledger.RecordPredictions(iter(waiting))
        call.cancel()
        assert [one.sequence for one in there.ledger.RecordPredictions(iter(waiting))] == [1, 2]
        first.stop()
        counted = there.ledger.CountPredictions(
            pb.CountPredictionsRequest(parent=here.parent(), version=version)
        )
        assert counted.count == 42
