"""A client of the endpoint: asks once, or keeps asking in the background and counts."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

Row = Sequence[float]


@dataclass(frozen=True)
class Answer:
    """One answer of the endpoint."""

    status: int
    body: dict[str, Any]
    prediction_id: str = ""
    """By which the registry knows the prediction; empty when it was not recorded."""

    @property
    def version(self) -> int | None:
        """Number of the version that answered."""
        return self.body.get("version")


class Endpoint:
    """One connection to the endpoint."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=30)

    def predict(self, rows: Sequence[Row]) -> Answer:
        """Ask for predictions."""
        self._connection.request(
            "POST",
            "/predict",
            body=json.dumps({"rows": [list(row) for row in rows]}),
            headers={"content-type": "application/json"},
        )
        response = self._connection.getresponse()
        prediction_id = response.getheader("muniment-prediction", "")
        return Answer(response.status, json.loads(response.read()), prediction_id)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass
class Asking:
    """Keeps asking from a thread while the ``with`` block runs.

    Attributes:
        count: how many times it asked.
        failures: what was not a prediction, as sentences.
        switches: (which answer, version) each time another version answered than before.
    """

    address: str
    rows: Sequence[Row]
    count: int = 0
    failures: list[str] = field(default_factory=list)
    switches: list[tuple[int, int | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._stop = False
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop = True
        self._thread.join(60)

    def wait_for_version(self, number: int, timeout: float) -> bool:
        """Wait until this version answers, and then for 25 answers more."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.switches and self.switches[-1][1] == number, timeout):
                return False
            goal = self.count + 25
            return self._changed.wait_for(lambda: self.count >= goal, timeout)

    def _ask(self) -> None:
        endpoint = Endpoint(self.address)
        while not self._stop:
            row = self.rows[self.count % len(self.rows)]
            try:
                answer = endpoint.predict([row])
            except (OSError, http.client.HTTPException, ValueError) as error:
                answer = Answer(0, {"error": f"{type(error).__name__}: {error}"})
                endpoint.close()
            with self._changed:
                self.count += 1
                if answer.status != 200:
                    self.failures.append(f"request {self.count}: {answer.status} {answer.body.get('error')}")
                elif not self.switches or self.switches[-1][1] != answer.version:
                    self.switches.append((self.count, answer.version))
                self._changed.notify_all()
        endpoint.close()
