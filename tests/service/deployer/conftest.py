"""An endpoint over real worker processes, and models that behave as a test needs."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import joblib
import pytest
from muniment_deployer.http_server import HttpServer
from muniment_deployer.versions import LocalVersion

DEADLINE = 60.0

ODD_MODELS = '''
"""Models for tests: the width of a row is 2."""
import os, pathlib, signal, time


class Constant:
    """Predicts its value for every row."""

    n_features_in_ = 2

    def __init__(self, value):
        self.value = value

    def predict(self, rows):
        print("a model that prints")
        return [self.value] * len(rows)


class Gated(Constant):
    """Rows that begin with 1 wait until the gate is open; `gate.waiting` appears when one does."""

    def __init__(self, value, gate):
        super().__init__(value)
        self.gate = gate

    def predict(self, rows):
        if rows[0][0] == 1:
            pathlib.Path(self.gate + ".waiting").touch()
            while not os.path.exists(self.gate):
                time.sleep(0.005)
        return super().predict(rows)


class SlowToLoad(Constant):
    """Is not loaded as long as a file is there."""

    def __init__(self, value, closed):
        super().__init__(value)
        self.closed = closed

    def __setstate__(self, state):
        self.__dict__.update(state)
        while os.path.exists(self.closed):
            time.sleep(0.005)


class Fragile(Constant):
    """Rows that begin with 7 raise, those that begin with 9 kill its process."""

    def predict(self, rows):
        if rows[0][0] == 7:
            raise ValueError("seven is not for me")
        if rows[0][0] == 9:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict(rows)


class Bomb:
    """Ends whoever unpickles it."""

    def __reduce__(self):
        return (os._exit, (7,))


class NotAModel:
    pass
'''


@pytest.fixture
def odd_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A module of models that workers can import too."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "odd_models.py").write_text(ODD_MODELS)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(str(folder))
    import odd_models

    yield odd_models
    del sys.modules["odd_models"]


@pytest.fixture
def make_version(tmp_path: Path) -> Callable[..., LocalVersion]:
    """Puts a model on disk as a pulled version."""

    def make(number: int, model: object, **files: bytes) -> LocalVersion:
        digest = "sha256:" + hashlib.sha256(str(number).encode()).hexdigest()
        path = tmp_path / "versions" / f"{number}-{digest[7:19]}"
        path.mkdir(parents=True)
        joblib.dump(model, path / "model.joblib")
        for name, data in files.items():
            (path / f"{name}.json").write_bytes(data)
        return LocalVersion(number, digest, path)

    return make


@pytest.fixture
def endpoint() -> Iterator[HttpServer]:
    """An endpoint that listens and has no version yet."""
    server = HttpServer("127.0.0.1", 0, model="churn", stage="production")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(endpoint: HttpServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{endpoint.address}", timeout=DEADLINE, trust_env=False) as client:
        yield client


@pytest.fixture
def deploy(endpoint: HttpServer) -> Callable[[LocalVersion], None]:
    """Brings a version up behind the endpoint, as the controller does."""
    return lambda version: endpoint.prepare(version).take_over()


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until something is true."""

    def wait(condition: Callable[[], object]) -> None:
        until = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < until, "it did not come true in time"
            time.sleep(0.01)

    return wait
