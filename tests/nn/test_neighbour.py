"""An `engine` in the way of ours, where Python knows no file of it."""

from importlib.machinery import ModuleSpec

import pytest

from nn import neighbour


@pytest.mark.parametrize("spec", [None, ModuleSpec("engine", None)], ids=["none", "a namespace"])
def test_an_engine_without_a_file_changes_no_error(
    spec: ModuleSpec | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbour, "find_spec", lambda name: spec)
    error = ImportError("another one")
    assert neighbour.stranger(error) is error
