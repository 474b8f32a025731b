"""Muniment in one minute: ``make demo``, or ``python deploy/demo/demo.py``.

Everything is real: an embedded registry, training jobs, a deployment controller with an HTTP endpoint, and
people with different rights. All of it goes to ``./demo-data``, which each run replaces. ``KEEP=1`` in the
environment leaves the registry and the deployer running at the end.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import muniment
from asking import Asking, Endpoint
from children import Children, DemoFailed, program
from muniment import errors
from train import split

DATA = Path("demo-data")
REGISTRY = DATA / "registry"
MARK = DATA / ".made-by-muniment-demo"
MODEL = "BreastCancerScreen"
SWITCH_SECONDS = 60.0


class Demo:
    """The story, one method per scene. Later scenes use what earlier ones found out."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._began = time.monotonic()
        self._scene = 0
        self.address = ""
        self.endpoint = ""
        self.prediction = ""
        self._tokens: dict[str, str] = {}
        self._held_out, self._labels = split()[1::2]

    def play(self) -> None:
        """All scenes in order."""
        self.start_registry()
        self.give_out_tokens()
        self.start_deployer()
        self.train("tree", "a decision tree")
        self.promote_first()
        self.predict()
        self.train("logistic", "a logistic regression")
        self.replace_and_roll_back()
        self.look_back()
        self.prove()

    def start_registry(self) -> None:
        self._title("An embedded registry: one process, one directory.")
        arguments = ("serve", "--data", str(REGISTRY), "--listen", "127.0.0.1:0")
        _echo("muniment-server", *arguments)
        self.address = self._children.start("muniment-server", *arguments, ready="serving on")
        _say(f"serving on {self.address}")

    def give_out_tokens(self) -> None:
        self._title("Three principals, each with a token for what it does and nothing else.")
        admin_token = (REGISTRY / "admin-token").read_text().strip()
        with muniment.connect(self.address, token=admin_token) as admin:
            for principal, role in (
                ("trainer", "writer"),
                ("release-manager", "promoter"),
                ("deployer", "controller"),
            ):
                self._tokens[principal] = admin.create_token(
                    principal, roles=[role], project="default"
                ).secret
                _say(f"{principal}: {role}")

    def start_deployer(self) -> None:
        self._title("A deployer that follows production, with an HTTP endpoint.")
        into = str(DATA / "deployment")
        arguments = ("--stage", "production", "--model", MODEL, "--into", into, "--serve", "127.0.0.1:0")
        _echo("muniment-deployer", *arguments)
        self.endpoint = self._children.start(
            "muniment-deployer", *arguments, ready="answering on", env=self._as("deployer")
        )
        _say(f"answering on {self.endpoint}: nothing is in production yet")

    def train(self, kind: str, what: str) -> None:
        self._title(
            f"A training job fits {what} and pushes it with metrics, parameters, data digest and code."
        )
        script = Path(__file__).with_name("train.py")
        _echo("python", "deploy/demo/train.py", MODEL, kind)
        _say(self._children.run(sys.executable, str(script), MODEL, kind, env=self._as("trainer")).strip())

    def promote_first(self) -> None:
        self._title("The release manager promotes version 1; the deployer sees the event and brings it up.")
        with self._registry("trainer") as trainer:
            try:
                trainer.promote(f"{MODEL}@1", to="production")
            except errors.PermissionDenied:
                _say("(the trainer tried first and was refused: a writer does not move production)")
            else:
                raise DemoFailed("a writer could promote to production")
        with self._registry("release-manager") as manager:
            manager.promote(f"{MODEL}@1", to="production", reason="first model, reviewed")
        self._wait_until_served(1)

    def predict(self) -> None:
        self._title("Predictions for held-out rows.")
        rows = self._held_out[:6]
        endpoint = Endpoint(self.endpoint)
        answer = endpoint.predict(rows.tolist())
        endpoint.close()
        if answer.status != 200:
            raise DemoFailed(f"the endpoint answered {answer.status}: {answer.body.get('error')}")
        if not answer.prediction_id:
            raise DemoFailed("the endpoint did not record its prediction")
        self.prediction = answer.prediction_id
        _say(f"version {answer.version} says  {'  '.join(answer.body['predictions'])}")
        _say(f"the truth is    {'  '.join(self._labels[:6])}")
        _say(f"recorded as prediction {self.prediction}")

    def replace_and_roll_back(self) -> None:
        self._title("Version 2 replaces version 1 and is rolled back, while a client keeps asking.")
        with (
            Asking(self.endpoint, self._held_out.tolist()) as asking,
            self._registry("release-manager") as manager,
        ):
            self._wait_while_asking(asking, 1)
            manager.promote(
                f"{MODEL}@2", to="production", expected_current=1, reason="better on held-out rows"
            )
            self._wait_while_asking(asking, 2)
            manager.rollback(MODEL, stage="production", reason="to show how")
            self._wait_while_asking(asking, 1)
        for position, version in asking.switches:
            _say(f"request {position:>5}: version {version} answers from here on")
        _say(f"asked {asking.count} times, {len(asking.failures)} failed")
        if asking.failures:
            raise DemoFailed(f"requests failed during the swaps, first {asking.failures[0]}")
        if [version for _, version in asking.switches] != [1, 2, 1]:
            raise DemoFailed(f"answers switched {asking.switches}, not from version 1 to 2 and back")

    def look_back(self) -> None:
        self._title(
            "Who moved production, and what else happened, batches of predictions left out: one ledger."
        )
        kinds = ("token.*", "model.*", "version.*", "stage.*", "deployment.*")
        selected = [word for kind in kinds for word in ("--type", kind)]
        for arguments in (("history", MODEL, "--stage", "production"), ("audit", "log", *selected)):
            self._run("muniment", "--target", f"file:{REGISTRY}", *arguments)

    def prove(self) -> None:
        self._title(
            "One of those predictions, traced to its training data, and a receipt of it verified offline."
        )
        receipt, key = str(DATA / "receipt.json"), str(DATA / "ledger.pub")
        where = ("--target", f"file:{REGISTRY}")
        self._run("muniment", *where, "trace", self.prediction)
        self._run("muniment", *where, "receipt", self.prediction, "-o", receipt)
        Path(key).write_text(
            self._children.run(program("muniment-server"), "key", "show", "--data", str(REGISTRY))
        )
        self._run("muniment", "verify", receipt, "--key", key)

    def _run(self, *command: str) -> None:
        _echo(*command)
        _say(self._children.run(program(command[0]), *command[1:]).rstrip())

    def close(self, *, keep: bool) -> None:
        """The last words."""
        seconds = time.monotonic() - self._began
        print(f"\nDone in {seconds:.0f} s. All of it is in ./{DATA}; look around with:", flush=True)
        target = f"file:{REGISTRY}"
        activate = Path(sys.executable).with_name("activate")
        if activate.exists():  # the commands are in this environment, and on nobody's PATH yet
            _echo(".", os.path.relpath(activate))
        for arguments in (
            ("models",),
            ("versions", MODEL),
            ("show", f"{MODEL}@production"),
            ("pull", f"{MODEL}@2", str(DATA / "pulled")),
        ):
            _echo("muniment", "--target", target, *arguments)
        if keep:
            pids = self._children.pids
            _say(f"registry on {self.address}, pid {pids['muniment-server']}")
            _say(f"endpoint on http://{self.endpoint}/predict, pid {pids['muniment-deployer']}")
            _say(f"stop them:  kill {pids['muniment-deployer']} {pids['muniment-server']}")

    @contextlib.contextmanager
    def _registry(self, principal: str) -> Iterator[muniment.Registry]:
        with muniment.connect(self.address, token=self._tokens[principal]) as registry:
            yield registry

    def _as(self, principal: str) -> dict[str, str]:
        return {"MUNIMENT_TARGET": self.address, "MUNIMENT_TOKEN": self._tokens[principal]}

    def _wait_until_served(self, number: int) -> None:
        endpoint = Endpoint(self.endpoint)
        until = time.monotonic() + SWITCH_SECONDS
        while (answer := endpoint.predict(self._held_out[:1].tolist())).version != number:
            self._children.check()
            if time.monotonic() > until:
                raise DemoFailed(f"version {number} does not answer: {answer.status} {answer.body}")
            time.sleep(0.05)
        endpoint.close()
        _say(f"version {number} answers; {answer.body['digest'][:19]}…")

    def _wait_while_asking(self, asking: Asking, number: int) -> None:
        if not asking.wait_for_version(number, SWITCH_SECONDS):
            self._children.check()
            raise DemoFailed(
                f"version {number} did not answer within {SWITCH_SECONDS:g} seconds: {asking.failures[:1]}"
            )

    def _title(self, text: str) -> None:
        self._scene += 1
        print(f"\n{self._scene:>2}. {text}", flush=True)


def _say(text: str) -> None:
    for line in text.splitlines():
        print(f"      {line}".rstrip(), flush=True)


def _echo(*command: str) -> None:
    print(f"    $ {shlex.join(command)}", flush=True)


def fresh_directory() -> None:
    """Replace what the last run left, if it was a run of this and nothing uses it."""
    if DATA.exists():
        if not MARK.exists():
            raise DemoFailed(f"./{DATA} exists and is not from this demo: move it away")
        with contextlib.suppress(FileNotFoundError), (REGISTRY / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoFailed(
                    f"a registry still runs on ./{REGISTRY}, perhaps of KEEP=1: stop it first"
                ) from None
        shutil.rmtree(DATA)
    DATA.mkdir()
    MARK.touch()


def main() -> None:
    """Play the demo; any failure ends what was started and the exit code is 1."""
    keep = os.environ.get("KEEP", "") not in ("", "0")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    children: Children | None = None
    completed = False
    try:
        fresh_directory()
        children = Children(DATA / "logs")
        demo = Demo(children)
        demo.play()
        demo.close(keep=keep)
        completed = True
    except errors.MunimentError as error:
        sys.exit(f"the demo failed: {error.diagnostics()}")
    except (DemoFailed, OSError, http.client.HTTPException) as error:
        sys.exit(f"the demo failed: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # nothing interrupts the clearing up
        if children and not (keep and completed):
            children.end()


if __name__ == "__main__":
    main()
