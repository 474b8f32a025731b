"""What it means to bring a version up: the seam between the controller and what runs the model."""

from __future__ import annotations

from typing import Protocol

from muniment_deployer.versions import LocalVersion


class Prepared(Protocol):
    """A version that is up and passed its self-test, beside the one that is serving."""

    def take_over(self) -> None:
        """Make it the one that serves; the one before finishes what it has and ends."""

    def discard(self) -> None:
        """End it; the one before stays."""


class Activator(Protocol):
    """Brings versions up."""

    def prepare(self, version: LocalVersion) -> Prepared:
        """Start the version beside the one that serves, and test it.

        Raises:
            DeploymentFailed: if it does not come up or fails its self-test; nothing of it is left then.
        """


class FilesOnly:
    """For deployments that are a directory: another process reads ``current``, nothing is started."""

    def prepare(self, version: LocalVersion) -> Prepared:  # noqa: ARG002
        return self

    def take_over(self) -> None:
        """The symlink has moved already."""

    def discard(self) -> None:
        """Nothing was started."""
