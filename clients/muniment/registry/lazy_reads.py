"""Reading a version without fetching it."""

from __future__ import annotations

from muniment.registry import versions
from muniment.registry.session import Session
from muniment.transfer.lazy import OpenVersion
from muniment.transfer.pull import open_version
from muniment.values import Version


class LazyReads:
    """The verb that opens a version."""

    _session: Session

    def open(self, version: Version | str) -> OpenVersion:
        """A version whose files and tensors are read one by one::

            bias = registry.open("churn@production").tensor("layer.0.bias")

        Args:
            version: a version or a selector; what is read stays that version, whatever moves meanwhile.

        Raises:
            DownloadRefused: if the manifest that came is not what the version's digest stands for.
        """
        found = version if isinstance(version, Version) else versions.show(self._session, version)
        return open_version(self._session, found)
