"""Where a version comes from: the disk when its bytes are still right, otherwise the registry."""

from __future__ import annotations

import logging

from muniment_deployer.errors import DamagedVersion, DeploymentFailed
from muniment_deployer.registry import Registry
from muniment_deployer.versions import LocalVersion, VersionStore

log = logging.getLogger(__name__)


class Supply:
    """Gets versions of one model onto the disk."""

    def __init__(self, registry: Registry, *, model: str, versions: VersionStore) -> None:
        self._registry = registry
        self._model = model
        self._versions = versions

    def obtain(self, number: int, digest: str) -> LocalVersion:
        """The version with the right bytes: as it is on disk, or pulled.

        Raises:
            DeploymentFailed: if the registry knows this number by another digest.
            MunimentError: if it cannot be pulled.
        """
        found = self._versions.find(number, digest)
        if found:
            try:
                self._versions.verify(found)
            except DamagedVersion as error:
                log.warning("%s: pulling it again", error)
            else:
                log.info("version %d is on disk and its bytes are right", number)
                return found
        version = self._registry.show(f"{self._model}@{number}")
        if version.digest != digest:
            raise DeploymentFailed(f"version {number} is {version.digest}, while the stage names {digest}")
        self._registry.pull(version, self._versions.incoming(number, digest))
        log.info("version %d is pulled and its bytes are right: %s", number, digest[:19])
        return self._versions.admit(number, digest)
