"""Where a version is made: Python, packages, platform and host."""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib import metadata

from muniment.provenance.text import clean
from muniment.values import Environment

MAX_PYTHON = 64
MAX_LABEL = 250
MAX_PACKAGES = 2_000


def find_environment() -> Environment:
    """The environment of this process."""
    return Environment(
        python=clean(platform.python_version(), MAX_PYTHON),
        platform=clean(platform.platform(), MAX_LABEL),
        host=clean(platform.node(), MAX_LABEL),
        packages=installed_packages(),
    )


def installed_packages() -> dict[str, str]:
    """Installed distributions, name to version, the one that is imported first when there are several."""
    found: dict[str, str] = {}
    # A directory of the path that cannot be read ends the search: what was found is still true.
    with suppress(OSError):
        for distribution in metadata.distributions():
            name, version = _name_and_version(distribution)
            if name and name not in found:
                found[name] = version
    return dict(sorted(found.items())[:MAX_PACKAGES])


def _name_and_version(distribution: metadata.Distribution) -> tuple[str, str]:
    try:
        # A half-removed package has no metadata; Python versions differ in what they do then.
        known = distribution.metadata
        name, version = known.get("Name"), known.get("Version")  # type: ignore[attr-defined]  # an email message
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return "", ""
    return clean(str(name or ""), MAX_LABEL), clean(str(version or ""), MAX_LABEL)
