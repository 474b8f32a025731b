"""A home of its own for every test, so that none reads or changes files of the person running it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OWN_PREFIX = "MUNIMENT_"
_PROXIES = ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy")


@contextmanager
def environment_of(home: Path) -> Iterator[None]:
    """Points HOME and the XDG directories into `home` and drops every `MUNIMENT_*` variable.

    What uv cached and which Pythons it manages stay known to it: tests that build environments use
    them, and a cold cache would make those tests a download. Loopback never goes through a proxy.
    Processes keep what they compiled, or each of thousands would compile all it imports.
    """
    before = dict(os.environ)
    home.mkdir(parents=True, exist_ok=True)
    runtime = home / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    user_cache = Path(before.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    user_data = Path(before.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    for name in before:
        if name.startswith(_OWN_PREFIX) or name == "PYTHONDONTWRITEBYTECODE":
            del os.environ[name]
    os.environ.update(
        {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local/share"),
            "XDG_STATE_HOME": str(home / ".local/state"),
            "XDG_RUNTIME_DIR": str(runtime),
            "UV_CACHE_DIR": before.get("UV_CACHE_DIR") or str(user_cache / "uv"),
            "UV_PYTHON_INSTALL_DIR": before.get("UV_PYTHON_INSTALL_DIR") or str(user_data / "uv/python"),
        }
    )
    if any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES):
        loopback = "127.0.0.1,localhost,::1"
        for name in ("no_proxy", "NO_PROXY"):
            os.environ[name] = ",".join(filter(None, [before.get(name, ""), loopback]))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
