"""`%load_ext engine` and `%backprop`, in IPython itself."""

import builtins
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from engine.stepping.ipython import Player
from tests.stepping.pythons import ROOT

interactiveshell = pytest.importorskip(
    "IPython.core.interactiveshell",
    reason="IPython is not installed: it is in the extra `test`",
)

CELL = """\
from engine import Value
x, w = Value(0.501), Value(2.0, "</iframe><script>alert(1)</script>")
n = x * w
loss = n + w * 3.0
"""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[Any]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # it puts its own there
    for name in ("__IPYTHON__", "display"):
        monkeypatch.setattr(builtins, name, None, raising=False)
    shell = interactiveshell.InteractiveShell()
    shell.history_manager.enabled = False
    shell.extension_manager.load_extension("engine")
    run(shell, CELL)
    yield shell
    shell.history_manager.end_session()


def run(shell: Any, cell: str) -> Any:
    ran = shell.run_cell(cell)
    ran.raise_error()
    return ran.result


@pytest.fixture
def notebook(shell: Any) -> Any:
    shell.kernel = object()  # what IPython has in a notebook and nowhere else
    return shell


def test_a_notebook_gets_the_page_and_the_gradients(notebook: Any) -> None:
    player = run(notebook, "%backprop loss")
    assert isinstance(player, Player)
    space = notebook.user_ns
    assert [space[each].grad for each in "xwn"] == [2.0, 3.501, 1.0]
    shown = player._repr_html_()
    assert len(re.findall("<iframe", shown)) == len(re.findall("</iframe>", shown)) == 1
    assert "<script" not in shown
    (page,) = re.findall(r'srcdoc="([^"]*)"', shown)
    assert unescape(page) == player.html
    assert player.html.startswith("<!doctype html>")
    assert "run.to_html" in repr(player)


def test_it_is_backward_again_and_again(notebook: Any) -> None:
    for _ in range(2):
        run(notebook, "%backprop loss")
    assert notebook.user_ns["w"].grad == 2 * 3.501


def test_a_run_is_taken_to_its_end(notebook: Any) -> None:
    player = run(notebook, "run = loss.trace_backward(2.0); run.goto(2)\n%backprop run")
    assert player.run is notebook.user_ns["run"]
    assert player.run.position == 5
    assert notebook.user_ns["w"].grad == 7.002


def test_a_terminal_gets_the_debugger(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    debugger = importlib.import_module("engine.stepping.debugger")
    seen = []
    monkeypatch.setattr(debugger, "debug", lambda run: seen.append((run.position, len(run))))
    assert run(shell, "%backprop n + w * 3.0") is None
    assert seen == [(0, 5)]
    assert shell.user_ns["w"].grad == 3.501


def test_the_gradients_are_there_also_when_the_debugger_fails(
    shell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    debugger = importlib.import_module("engine.stepping.debugger")

    def fail(run: Any) -> None:
        raise OSError("no terminal")

    monkeypatch.setattr(debugger, "debug", fail)
    with pytest.raises(OSError, match="no terminal"):
        run(shell, "%backprop loss")
    assert shell.user_ns["w"].grad == 3.501


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("", TypeError, "needs a Value to go back from, e.g. %backprop loss"),
        ("3 + 4", TypeError, "needs a Value or a run, got int"),
        ("no_such_name", NameError, "no_such_name"),
    ],
)
def test_what_it_cannot_do_it_says(
    notebook: Any, line: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        run(notebook, f"%backprop {line}")
    assert notebook.user_ns["w"].grad == 0.0


def test_it_can_be_unloaded_and_loaded_again(shell: Any) -> None:
    manager = shell.extension_manager
    assert shell.find_line_magic("backprop").__doc__
    assert manager.unload_extension("engine") is None
    assert shell.find_line_magic("backprop") is None
    assert manager.load_extension("engine") is None
    assert shell.find_line_magic("backprop")


def test_the_engine_does_not_load_ipython() -> None:
    program = "import sys, engine; engine.load_ipython_extension; print('IPython' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"


TRAINING = """\
import nn
xs = [(i / 20.0, j / 20.0) for i in range(-9, 10, 3) for j in range(-9, 10, 3)]
ys = [float(x * y > 0) for x, y in xs]
model = nn.MLP(2, [8, 1], rng=1)
how = {"loss": "binary_cross_entropy_with_logits", "epochs": 30, "progress": False, "seed": 1}
"""
SLOW = "history = nn.fit(model, xs, ys, optimizer=lambda p: nn.SGD(p, lr=1e-7), **how)"
FAST = "nn.fit(model, xs, ys, optimizer=lambda p: nn.SGD(p, lr=1e200), **how)"


def test_diagnose_speaks_of_the_last_training(shell: Any) -> None:
    run(shell, TRAINING + SLOW)
    report = run(shell, "%diagnose")
    assert report.causes[0].name == "lr_too_low"
    assert run(shell, "%diagnose history").causes == report.causes


def test_diagnose_speaks_of_a_training_that_failed(
    shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):  # which it will set
        monkeypatch.setattr(sys, name, None, raising=False)
    run(shell, TRAINING)
    assert shell.run_cell(FAST).error_in_exec.history is not None
    report = run(shell, "%diagnose")
    assert report.causes[0].name == "lr_too_high"
    assert "%diagnose" not in capsys.readouterr().err
    run(shell, SLOW)
    assert run(shell, "%diagnose").causes[0].name == "lr_too_low"


def test_diagnose_takes_a_loss_and_a_model(shell: Any) -> None:
    run(shell, TRAINING + "for each in model.layers[0].neurons: each.b.data = -50.0")
    run(shell, "loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)")
    assert run(shell, "%diagnose loss, model").causes[0].name == "dead_relu"
    assert "unreached" in [cause.name for cause in run(shell, "%diagnose loss, [w]").causes]


def test_diagnose_without_nn_takes_a_loss(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "nn", raising=False)
    assert not run(shell, "%diagnose loss, [x, w]")
    with pytest.raises(TypeError, match="%diagnose needs a loss"):
        run(shell, "%diagnose")
    assert "nn" not in sys.modules
