"""What the deployer must remember over its own death: ``state.json``.

``revision`` says which events are done with, ``number`` and ``digest`` what runs. They may be apart: when a
version could not be brought up, the revision has moved past its event and the version is still the old one;
``failure`` then holds the reason, and a restarted deployer tries the stage once more.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from muniment_deployer.durable import write_json
from muniment_deployer.errors import WrongDirectory

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """One consistent moment of a deployer."""

    model: str
    stage: str
    revision: int = 0
    """Ledger revision up to which every move of the stage has been acted on."""
    number: int = 0
    """Version that runs; 0: none."""
    digest: str = ""
    failure: str = ""
    """Why the newest version does not run; empty: it does."""
    previous: tuple[str, ...] = ()
    """Directory names of versions that ran before, newest first."""


class StateFile:
    """Reads and replaces the state of one deployment directory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, model: str, stage: str) -> State | None:
        """The state of the last run; None without one or when the file cannot be understood.

        A file that cannot be understood is the same as none: reading the stage from the registry is always
        a right way to begin.

        Raises:
            WrongDirectory: if the directory follows another model or stage.
        """
        try:
            record = json.loads(self._path.read_bytes())
            state = State(**{**record, "previous": tuple(record["previous"])})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
        expected = {"model": str, "stage": str, "revision": int, "number": int, "digest": str, "failure": str}
        if any(type(getattr(state, name)) is not kind for name, kind in expected.items()):
            return None
        if (state.model, state.stage) != (model, stage):
            raise WrongDirectory(
                f"{self._path.parent} holds stage {state.stage} of model {state.model}, not stage {stage} of "
                f"model {model}: give each deployment its own directory"
            )
        return state

    def store(self, state: State) -> None:
        """Replace the state, durably."""
        write_json(self._path, asdict(state))

    @property
    def damaged(self) -> bool:
        """Whether a file is there that ``load`` passed over."""
        return self._path.exists()


class Memory:
    """The state of this moment, on disk as soon as it is another one."""

    def __init__(self, file: StateFile, state: State) -> None:
        self._file = file
        self._stored: State | None = None
        self.state = state

    def change(self, **fields: Any) -> None:
        """Replace some fields of the state."""
        self.store(replace(self.state, **fields))

    def store(self, state: State) -> None:
        """Replace the state. A disk that refuses is logged: what runs goes on running."""
        self.state = state
        if state == self._stored:
            return
        try:
            self._file.store(state)
            self._stored = state
        except OSError as error:
            # Harmless until the next start, which will then do these events again.
            log.error("the state cannot be stored: %s", error)
