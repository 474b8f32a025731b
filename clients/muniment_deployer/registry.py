"""The part of the SDK the deployer uses, as seams.

``muniment.Registry`` fits them; so does a stand-in that keeps everything in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from muniment_deployer.recording import Recorder

DeploymentState = Literal["DEPLOYING", "RUNNING", "FAILED"]


class Stage(Protocol):
    """Where a stage pointer stands; ``number`` 0: nowhere."""

    @property
    def number(self) -> int: ...
    @property
    def digest(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def head_revision(self) -> int: ...


class Version(Protocol):
    """A version as the registry knows it."""

    @property
    def number(self) -> int: ...
    @property
    def digest(self) -> str: ...


class Event(Protocol):
    """One entry of the ledger about a stage."""

    @property
    def revision(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def digest(self) -> str: ...
    @property
    def actor(self) -> str: ...


class Watch(Protocol):
    """Events as they come; ``close``, from any thread, ends the iteration."""

    def __iter__(self) -> Iterator[Event]: ...
    def close(self) -> None: ...


class Registry(Protocol):
    """What the deployer asks a registry for."""

    def stage(self, model: str, stage: str) -> Stage: ...
    def show(self, selector: str) -> Version: ...
    def pull(self, selector: Any, into: Path) -> Path: ...
    def watch(self, *, after: int, model: str, stage: str, types: Sequence[str]) -> Watch: ...
    def predictions(self, version: str, *, policy: Literal["drop"]) -> Recorder: ...
    def report_deployment(
        self,
        target: str,
        *,
        model: str,
        stage: str,
        number: int,
        digest: str,
        state: DeploymentState,
        acted_revision: int,
        message: str,
    ) -> object: ...
