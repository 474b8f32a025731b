"""The code that makes a version: what was started, and the commit it came from."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from muniment.provenance.repository import find_work_tree
from muniment.provenance.text import clean
from muniment.values import Code

MAX_REPOSITORY = 2_048
MAX_ENTRY_POINT = 1_024
COMMAND = "muniment"


def find_code() -> Code | None:
    """The code of this process, or None when nothing is known of it.

    The commit is that of the program that was started. A program that is installed, or none at all as in a
    notebook, has no work tree of its own: then it is that of the working directory.
    """
    program, module = _started()
    try:
        directory = program.parent if program is not None and not _is_installed(program) else Path.cwd()
        tree = find_work_tree(directory)
    except (OSError, ValueError):
        tree = None
    entry_point = module
    if program is not None and program.name == COMMAND and _is_installed(program):
        # Pushed from the command line, which stored the model and did not make it.
        entry_point = ""
    elif not entry_point and program is not None:
        inside = tree is not None and program.is_relative_to(tree.root)
        entry_point = program.relative_to(tree.root).as_posix() if tree and inside else program.name
    if tree is None:
        return Code(entry_point=clean(entry_point, MAX_ENTRY_POINT)) if entry_point else None
    return Code(
        repository=clean(tree.remote, MAX_REPOSITORY),
        commit=tree.commit,
        dirty=tree.dirty,
        entry_point=clean(entry_point, MAX_ENTRY_POINT),
    )


def _started() -> tuple[Path | None, str]:
    """The file that was started, and its module name when it was started with ``-m``."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    spec = getattr(main, "__spec__", None)
    name = getattr(spec, "name", None)
    module = name.removesuffix(".__main__") if isinstance(name, str) and name != "__main__" else ""
    try:
        return (Path(file).resolve() if isinstance(file, str) else None), module
    except (OSError, ValueError, RuntimeError):
        return None, module


def _is_installed(program: Path) -> bool:
    places = {sysconfig.get_path(name) for name in ("scripts", "purelib", "platlib", "stdlib")}
    return any(program.is_relative_to(Path(place).resolve()) for place in places if place)
