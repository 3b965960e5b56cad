"""What a run shows while it lasts, in a terminal and in a file; and the curves afterwards."""

import io
import math
import os
import re
import signal
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from nn import MLP, History, Neuron, fit

RUN = """
import signal
from nn import MLP, fit
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores Ctrl-C
model = MLP(2, [4, 1], activation="tanh", rng=1)
xs, ys = [(0, 0), (0, 1), (1, 0), (1, 1)] * 5, [0, 1, 1, 0] * 5
how = dict(loss="binary_cross_entropy_with_logits", seed=1, patience=None)
fit(model, xs, ys, epochs=1, progress=False, **how)  # compiles
print("ready")
history = fit(model, xs, ys, epochs={epochs}, **how)
print(history)
"""


def small_fit(**how):
    xs, ys = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
    model = MLP(2, [2, 1], activation="tanh", rng=1)
    how = {"loss": "hinge", "seed": 1, "epochs": 3, **how}
    return fit(model, xs, [2 * y - 1 for y in ys], **how)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


# --- progress


def test_a_file_gets_a_line_now_and_then():
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(epochs=30)], capture_output=True, text=True, check=True
    )
    *lines, last = done.stderr.splitlines()
    figures = r"loss \d\S*, accuracy \d+\.\d%"
    assert [line.split(":")[0] for line in lines] == [f"epoch {n}/30" for n in range(3, 31, 3)]
    assert all(re.fullmatch(rf"epoch \d+/30: {figures}", line) for line in lines)
    assert re.fullmatch(rf"30 epochs, kept epoch 30: {figures}", last)
    assert "\r" not in done.stderr
    ready, said, head, *rows = done.stdout.splitlines()
    assert (ready, said, head.split()) == (
        "ready",
        f"History({last})",
        ["epoch", "loss", "accuracy"],
    )
    assert [row.split()[0] for row in rows] == ["26", "27", "28", "29", "30"]


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "100")
    history = small_fit(epochs=3)
    *_, last = sys.stderr.getvalue().split("\r")
    assert last.startswith("kept epoch 3 of 3 |")
    assert f"loss {history.loss[-1]:.3g}, accuracy {history.accuracy[-1]:.1%}" in last
    assert last.endswith("\n")


def test_a_bar_that_stopped_early_is_full(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    history = small_fit(epochs=90, patience=2, min_delta=1.0)
    assert history.stopped == "patience"
    *_, last = sys.stderr.getvalue().split("\r")
    assert f"kept epoch 3 of {history.epochs}" in last
    assert re.search(r"\|[█#]+\| 00:0\d<00:00", last)


def test_no_progress(capfd):
    small_fit(progress=False)
    assert capfd.readouterr() == ("", "")


def test_slow_epochs_are_heard_of(monkeypatch, capsys):
    clock = iter(range(0, 10**6, 40))
    monkeypatch.setattr("nn.training.progress.time.monotonic", lambda: next(clock))
    small_fit(epochs=20)
    assert len(capsys.readouterr().err.splitlines()) == 21


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent another way there")
def test_ctrl_c_in_a_real_run():
    """The whole program: interrupted by a signal, it ends cleanly and prints its history."""
    program = [sys.executable, "-c", RUN.format(epochs=10**6)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.stderr.readline()  # of epochs that are over
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert re.match(r"History\(\d+ epochs, stopped by interrupt, kept epoch \d+: loss", out)
    assert "Traceback" not in err


# --- history


def test_columns_and_the_best():
    history = History([{"loss": 3.0}, {"loss": 1.0}], best_epoch=1, stopped="patience")
    assert (history.epochs, history.loss, history.accuracy) == (2, [3.0, 1.0], [])
    assert (history.val_loss, history.val_accuracy, history.watched) == ([], [], [3.0, 1.0])
    assert history.best_loss == 1.0
    said = "History(2 epochs, stopped by patience, kept epoch 2: loss 1)"
    assert repr(history).splitlines() == [said, "epoch  loss", "    1     3", "    2     1"]
    history = small_fit(progress=False, validation=0.5)
    assert history.watched == history.val_loss
    assert len(history.val_accuracy) == 3


def test_a_history_of_nothing():
    assert math.isnan(History().best_loss)
    assert repr(History(stopped="interrupt")) == "History(0 epochs, stopped by interrupt)"
    pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")
    with pytest.raises(ValueError, match="no epoch was finished, so there is nothing to plot; fit"):
        History().plot()


@pytest.mark.parametrize("how", [{}, {"validation": 0.5}, {"epochs": 1}, {"loss": "mse"}])
def test_curves_are_drawn(how, tmp_path):
    pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")
    history = small_fit(progress=False, **how)
    figure = history.plot(tmp_path / "curves.svg")
    assert ElementTree.parse(tmp_path / "curves.svg").getroot().tag.endswith("svg")
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles == (["loss"] if "loss" in how else ["loss", "accuracy (%)"])
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    validated = ["validation"] if "validation" in how else []
    assert names == ["training", *validated, f"kept: epoch {history.best_epoch + 1}"]
    (curve,) = [drawn for drawn in figure.axes[0].lines if drawn.get_label() == "training"]
    assert list(curve.get_ydata()) == history.loss


def test_training_and_validation_differ_in_more_than_colour_and_a_notebook_shows_them():
    pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")
    figure = small_fit(progress=False, validation=0.5).plot()
    looks = {line.get_label(): line.get_linestyle() for line in figure.axes[0].lines}
    assert looks["training"] != looks["validation"]
    assert figure._repr_png_()[0].startswith(b"\x89PNG")


def test_importing_nn_leaves_matplotlib_alone():
    code = "import sys, nn; assert 'matplotlib' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_type_of_a_regression_history():
    history = fit(Neuron(1, rng=1), [[1], [2]], [1, 2], loss="mse", epochs=2, progress=False)
    assert repr(history).startswith("History(2 epochs, kept epoch ")
    assert "accuracy" not in repr(history)
