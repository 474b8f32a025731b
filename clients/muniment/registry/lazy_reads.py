"""Reading a version without fetching it, and finding one without asking."""

from __future__ import annotations

from muniment.registry.resolving import resolve
from muniment.registry.session import Session
from muniment.transfer.lazy import OpenVersion
from muniment.transfer.pull import open_version
from muniment.values import Version


class LazyReads:
    """The verbs that find and open a version."""

    _session: Session

    def resolve(self, selector: str) -> Version:
        """The version a selector means, told shortly: as :meth:`show`, with no registry needed for
        ``model@sha256:…`` of a version that was pulled from this registry before.

        Raises:
            Unreachable: if nobody answers, and the version was never pulled.
        """
        return resolve(self._session, selector)

    def open(self, version: Version | str) -> OpenVersion:
        """A version whose files and tensors are read one by one::

            bias = registry.open("churn@production").tensor("layer.0.bias")

        Args:
            version: a version or a selector; what is read stays that version, whatever moves meanwhile.

        Raises:
            DownloadRefused: if the manifest that came is not what the version's digest stands for.
        """
        found = version if isinstance(version, Version) else self.resolve(version)
        return open_version(self._session, found)
