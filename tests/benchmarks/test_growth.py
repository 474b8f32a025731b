"""A model of 10,000 versions is as quick to change as one of ten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest
from harness.api import Api
from harness.bars import BarTable, interleaved
from harness.postgres import PostgresServer
from harness.server import ServerFactory, ServerProcess

SMALL, LARGE = 10, 10_000
CLIENTS = {"register": 16, "alias": 16, "promote": 1}
"""Several promoting to one stage would only tell each other that they came too late."""
CALLS = {"register": 320, "alias": 640, "promote": 160}
"""So few that a small model stays one; they take a fraction of a second, hence the rounds."""
ROUNDS = 15
Load = Callable[..., dict[str, float]]


@pytest.fixture(params=["sqlite", "postgresql"])
def grown(
    request: pytest.FixtureRequest, server_factory: ServerFactory
) -> Iterator[tuple[str, ServerProcess]]:
    """A registry on each database."""
    if request.param == "sqlite":
        yield "sqlite", server_factory()
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    with postgres.database() as url:
        server = server_factory(database=url)
        yield "postgresql", server
        server.stop()


def test_rates_in_a_large_model_are_those_in_a_small_one(
    grown: tuple[str, ServerProcess], load: Load, table: BarTable
) -> None:
    database, server = grown
    rounds = count()
    with Api(server.address, server.token) as api:
        digest = api.commit({"model.bin": b"weights"})

        def fill(name: str, versions: int) -> str:
            model = api.new_model(name)
            spec = {"method": "register", "calls": versions, "round": f"fill-{name}"}
            run(model, **spec)
            return model

        def run(model: str, **spec: Any) -> dict[str, float]:
            return load(
                "load.py",
                **{
                    "address": server.address,
                    "token": server.token,
                    "model": model,
                    "digest": digest,
                    "connections": CLIENTS[spec["method"]],
                    **spec,
                },
            )

        def rate(method: str, model: Callable[[], str]) -> float:
            result = run(model(), method=method, calls=CALLS[method], round=f"{method}-{next(rounds)}")
            return result["answered"] / result["seconds"]

        large = fill("large", LARGE)
        for method in CALLS:
            # A small model of its own for every round: registering makes it larger.
            measures = {
                "ours": partial(rate, method, lambda: large),
                f"{SMALL} versions": partial(rate, method, lambda: fill(f"small-{next(rounds)}", SMALL)),
            }
            figures = interleaved(measures, rounds=ROUNDS)
            table.add(
                f"growth: {method} in a model of {LARGE:,}",
                database,
                ours=figures.pop("ours"),
                unit="/s",
                against=figures,
                at_least={f"{SMALL} versions": 0.9},
            )
