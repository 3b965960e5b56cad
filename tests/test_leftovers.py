"""What a test leaves behind is seen, and its operations are forgotten."""

import builtins
import os
import sys
import types
from collections.abc import Callable

import pytest

import engine
from engine import numeric_mode, operation
from engine.core.operation import TABLE
from engine.drawing import style
from tests.leftovers import changes, forget_own_operations, snapshot

LEAVES: dict[str, Callable[[pytest.MonkeyPatch], object]] = {
    "numeric modes open": lambda patch: numeric_mode("ieee").__enter__(),
    "environment: LEFT is new": lambda patch: patch.setenv("LEFT", "1"),
    "modules: json is another": lambda patch: patch.setitem(
        sys.modules, "json", types.ModuleType("json")
    ),
    "names of ours: ('engine', 'Value') is another": lambda patch: patch.setattr(
        engine, "Value", None
    ),
    "tables of ours: ('engine.drawing.style', 'EDGE') is another": lambda patch: patch.setitem(
        style.EDGE, "color", "red"
    ),
    "builtins: left is new": lambda patch: patch.setattr(builtins, "left", 1, raising=False),
    "working directory": lambda patch: patch.chdir(os.path.dirname(os.getcwd())),
    "import path": lambda patch: patch.syspath_prepend("left"),
}


@pytest.mark.parametrize("what", LEAVES)
def test_what_a_test_leaves_behind_is_seen(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import json  # noqa: F401

    before = snapshot()
    with monkeypatch.context() as patch:
        left = LEAVES[what](patch)
        found = changes(before, snapshot())
        if isinstance(left, numeric_mode):
            left.__exit__()
    assert any(line.startswith(what) for line in found), found  # other modules may have it too
    assert changes(before, snapshot()) == []


def test_operations_are_forgotten_and_those_that_were_replaced_are_back() -> None:
    first = operation("left", lambda x: x, lambda y, x: 1.0)
    with forget_own_operations():
        operation("left", lambda x: 2 * x, lambda y, x: 2.0)
        operation("new", lambda x: x, lambda y, x: 1.0)
    assert TABLE["left"] is first
    assert "new" not in TABLE
