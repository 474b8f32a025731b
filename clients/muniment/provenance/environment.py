"""Where a version is made: Python, packages, platform and host."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata

from muniment.provenance.text import clean
from muniment.values import Environment

MAX_PYTHON = 64
MAX_LABEL = 250
MAX_PACKAGES = 2_000

_METADATA = ("METADATA", "PKG-INFO", "")
"""Where it is: in a wheel's directory, in an egg's, or an old egg's file itself."""


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
        # A half-removed package has no metadata.
        text = next(filter(None, map(distribution.read_text, _METADATA)), "")
    except (OSError, ValueError):
        return "", ""
    # The headers of a hundred packages, read as the mail messages they are, take longer than sending 50 MB.
    headers = text.partition("\n\n")[0].splitlines()
    return _header(headers, "name:"), _header(headers, "version:")


def _header(headers: Iterable[str], name: str) -> str:
    for line in headers:
        if line[: len(name)].lower() == name:
            return clean(line[len(name) :].strip(), MAX_LABEL)
    return ""
