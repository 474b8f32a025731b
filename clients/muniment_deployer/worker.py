"""The process that holds the model: ``python -m muniment_deployer.worker FD DIRECTORY``.

It is the only one that unpickles. It loads ``model.joblib``, tests it, says so over the socket, and then
answers one message after another until the other end is gone. When the directory has a ``self_test.json``
(``{"rows": [[…]], "predictions": […]}``) the model must predict exactly that; otherwise it must predict a row
of zeros at all.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, BinaryIO

from muniment_deployer.framing import encode, read_message

log = logging.getLogger(__name__)

MODEL_FILE = "model.joblib"
SELF_TEST_FILE = "self_test.json"


class Unfit(Exception):
    """The model cannot serve; the text says why."""


class HeldModel:
    """A loaded scikit-learn model."""

    def __init__(self, directory: Path) -> None:
        path = directory / MODEL_FILE
        if not path.is_file():
            raise Unfit(f"the version has no file {MODEL_FILE}")
        self._model = _load(path)
        if not callable(getattr(self._model, "predict", None)):
            raise Unfit(f"{MODEL_FILE} holds a {type(self._model).__name__}, which has no predict method")
        features = getattr(self._model, "n_features_in_", None)
        self.features = None if features is None else int(features)

    def predict(self, rows: list[list[float]]) -> list[Any]:
        """One prediction per row, as JSON values."""
        import numpy

        predictions = numpy.asarray(self._model.predict(numpy.asarray(rows, dtype=float))).tolist()
        if not isinstance(predictions, list) or len(predictions) != len(rows):
            raise ValueError("the model did not give one prediction per row")
        return predictions

    def self_test(self, directory: Path) -> None:
        """Raises Unfit if the model does not predict what it must."""
        path = directory / SELF_TEST_FILE
        expected: list[Any] | None = None
        if path.is_file():
            try:
                example = json.loads(path.read_bytes())
                rows, expected = example["rows"], example["predictions"]
            except (ValueError, KeyError, TypeError) as error:
                raise Unfit(f"{SELF_TEST_FILE} is not {{rows, predictions}}: {error}") from error
        elif self.features is not None:
            rows = [[0.0] * self.features]
        else:
            return
        try:
            found = self.predict(rows)
        except Exception as error:
            raise Unfit(f"the self-test failed: {type(error).__name__}: {error}") from error
        if expected is not None and found != expected:
            raise Unfit(
                f"the self-test failed: it predicts {found!r:.200}, while {expected!r:.200} was recorded"
            )


def _load(path: Path) -> Any:
    import joblib

    try:
        return joblib.load(path)
    except Exception as error:  # a model file may raise anything at all
        raise Unfit(f"{MODEL_FILE} cannot be loaded: {type(error).__name__}: {error}") from error


def _answer(model: HeldModel, request: dict[str, Any]) -> dict[str, Any]:
    try:
        predictions = model.predict(request["rows"])
        json.dumps(predictions, allow_nan=False)  # a regressor may answer infinity, which JSON cannot say
    except Exception as error:  # a model may raise anything at all
        log.exception("the model failed on %d rows", len(request["rows"]))
        return {"id": request["id"], "error": f"{type(error).__name__}: {error}"[:1000]}
    return {"id": request["id"], "predictions": predictions}


def _serve(directory: Path, inward: BinaryIO, outward: socket.socket) -> int:
    def send(message: dict[str, Any]) -> None:
        outward.sendall(encode(message))

    try:
        model = HeldModel(directory)
        model.self_test(directory)
    except Unfit as error:
        send({"unfit": str(error)[:4000]})
        return 1
    send({"ready": True, "features": model.features})
    while (request := read_message(inward)) is not None:
        send(_answer(model, request))
    return 0


def main() -> int:
    """Serve one model until the endpoint closes its end."""
    # A service manager signals the whole group; requests in flight are finished all the same, and the end
    # of the socket ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, format=f"worker {os.getpid()}: %(message)s")
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        try:
            with connection.makefile("rb") as inward:
                return _serve(Path(sys.argv[2]), inward, connection)
        except (BrokenPipeError, ConnectionResetError):
            return 0


if __name__ == "__main__":
    sys.exit(main())
