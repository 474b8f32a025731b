"""A change is answered from the attempt that was committed, and from no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from muniment.v1 import catalog_pb2, metadata_service_pb2
from muniment_core.db.database import Database
from muniment_core.db.writer import Promise
from muniment_core.rpc.execution import Execution

REQUEST = metadata_service_pb2.CreateProjectRequest(request_id="once")
COMMITTED = catalog_pb2.Project(name="projects/committed-by-another-replica")


class RollingBack:
    """A writer whose first attempt is void; by the second one another replica has answered the request."""

    def submit(self, change: Any, promise: Promise[bytes]) -> None:
        change.work(None)
        promise.set_result(COMMITTED.SerializeToString())


@pytest.fixture
async def execution(tmp_path: Path) -> AsyncIterator[Execution]:
    database = Database.embedded(tmp_path)
    made = Execution(database, RollingBack(), lambda: datetime.now(UTC))  # type: ignore[arg-type]
    yield made
    made.close()
    database.close()


async def test_what_a_void_attempt_made_is_not_the_answer(execution: Execution) -> None:
    completed: list[object] = []
    answer = await execution.mutate(
        REQUEST,
        lambda _unit: None,
        lambda _result: catalog_pb2.Project(name="projects/never-committed"),
        catalog_pb2.Project,
        complete=completed.append,
    )
    assert answer == COMMITTED
    assert completed == [], "a secret made by a void attempt opens nothing"
