"""What IPython shows: errors in the lines of the user's code, and a list of Values as a table."""

import builtins
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from engine.interactive import install

interactiveshell = pytest.importorskip(
    "IPython.core.interactiveshell", reason="IPython is not installed: it is in the extra `test`"
)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[Any]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # it puts its own there
    for name in ("__IPYTHON__", "display", "get_ipython"):
        monkeypatch.setattr(builtins, name, None, raising=False)
    interactiveshell.InteractiveShell.clear_instance()
    shell = interactiveshell.InteractiveShell.instance()
    shell.history_manager.enabled = False
    install(shell)
    yield shell
    shell.history_manager.end_session()
    interactiveshell.InteractiveShell.clear_instance()
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):  # which it sets
        vars(sys).pop(name, None)


def said(shell: Any, capsys: pytest.CaptureFixture[str], cell: str) -> str:
    """What a cell prints, an error included."""
    capsys.readouterr()
    shell.run_cell(cell, store_history=True)
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("log(y - y)", r"NumericError: log\(\(y - y\)=0\.0\) is -inf at In\[2\]:2: "),
        ("x.data = 1.0; y.backward()", r"StaleValueError: x=1\.0 .* \(as In\[2\]:2 did\)"),
        ("y + 'a'", r"TypeError: a Value holds an int"),
        ("MLP(2, [3])([1, 2, 3])", r"ValueError: Layer takes 2 inputs, got 3; "),
        ("compiled(lambda v: v if v > 0 else -v)(3.0)", r"ControlFlowError: .* at In\[2\]:2: "),
    ],
)
def test_an_error_shows_the_cell_and_no_line_of_the_library(
    shell: Any, capsys: pytest.CaptureFixture[str], cell: str, error: str
) -> None:
    shell.run_cell("from engine import *; from nn import MLP; x = Value(2.0, 'x'); y = x * 3", True)
    text = said(shell, capsys, f"def f():\n    {cell}\nf()")
    assert re.search(error, text, re.DOTALL)
    assert re.findall(r"In\[2\], line (\d)", text)[:2] == ["3", "2"]
    assert "/engine/" not in text
    assert "/nn/" not in text
    assert re.search("/(engine|nn)/", said(shell, capsys, f"%xmode Verbose\n{cell}"))


def test_other_errors_show_all_their_lines(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(shell, capsys, "import json; json.loads('{')")
    assert "json/decoder.py" in text
    fault = "import engine.core.graph as g; g.check_fresh([None])"
    assert "engine/core/graph.py" in said(shell, capsys, fault)  # an AttributeError


def test_a_handler_of_another_library_stays(shell: Any) -> None:
    handler = lambda shell, kind, error, trace, tb_offset=None: ["mine"]  # noqa: E731
    shell.set_custom_exc((KeyError,), handler)
    install(shell)
    assert shell.custom_exceptions == (KeyError,)


def test_a_list_of_values_is_a_table_and_other_lists_are_not(shell: Any) -> None:
    def html(code: str) -> Any:
        return shell.display_formatter.format(shell.ev(code))[0].get("text/html")

    shell.run_cell("from engine import Value\nx = Value(2.0)\nxs = [x, x * 2.5, Value(0.0, '<i>')]")
    table = html("xs")
    assert table.count("<tr>") == 4
    assert ">x * 2.5  In[" in table
    assert "&lt;i&gt;" in table
    assert "100 more" in html("xs[:1] * 200")
    for other in ("[]", "[1, 2]", "[x, 1]", "(x, x)"):
        assert html(other) is None
    shell.display_formatter.formatters["text/html"].for_type(list, lambda given: "theirs")
    install(shell)
    install(shell)
    assert html("[1]") == "theirs"
    assert html("xs") == table
