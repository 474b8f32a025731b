"""The command before its first verb runs."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from muniment.cli import main


def test_ctrl_c_while_the_verbs_are_loaded_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "muniment.cli.program", Interrupted("muniment.cli.program"))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
