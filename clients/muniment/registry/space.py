"""The verbs about space, which the client class takes over as they are."""

from __future__ import annotations

from muniment.registry.session import Session
from muniment.registry.versions import resource_name
from muniment.v1 import artifact_service_pb2 as pb
from muniment.values import Usage, Version


class Space:
    """What a registry can be asked about space."""

    _session: Session

    def usage(self, of: Version | str = "") -> Usage:
        """How much space a version takes, or all versions of a model, or of the project.

        Args:
            of: a version or selector with ``@``; a model; empty: the project.
        """
        if not of:
            name = self._session.project.text
        elif isinstance(of, Version) or "@" in of:
            name = resource_name(self._session, of).text
        else:
            name = self._session.model(of).text
        calls, stub = self._session.calls, self._session.artifacts
        return Usage.of(calls.unary(stub.GetUsage, pb.GetUsageRequest(name=name)))
