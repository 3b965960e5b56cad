"""Text for a terminal: columns that stay under each other, in characters that it has."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.wording.terminal import columns, printable


def test_columns_count_wide_and_combining_characters() -> None:
    assert columns([["日本", "1"], ["e\u0301", "20"]], right=1) == ["日本   1", "e\u0301     20"]


ALL_THAT_PRINTS = """
from engine import Value, dot
from engine.drawing import explain, latex, tree
from engine.stepping import diagnose, hunt
from nn import MLP, fit
x, w = Value(2.0, "x"), Value(0.5, "\u03b8")
y = (dot([x, w], [w, x]).tanh() * w).relu()
y.backward()
print(tree(y), explain(y, w), explain(y), latex(y))
print(*y.backward_steps(), *y.forward_steps(), sep="\\n")
print(diagnose(y), hunt(y))
model = MLP(2, [3, 1], rng=1)
print(model)
print(fit(model, [[0, 1], [1, 0]], [0, 1], loss="mse", epochs=2, backend="eager"))
y.trace_backward().debug()
"""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437", "utf-8"])
def test_all_that_prints_prints_on_any_terminal(encoding: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", ALL_THAT_PRINTS],
        env=environment,
        input=b"n\np x.grad +\ngraph\ntree\nw\nl\nbad\nq\n",
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    shown = done.stdout.decode(encoding)
    assert ("\u2514\u2500" in shown) == (encoding == "utf-8")
    assert ("`- " in shown) == (encoding != "utf-8")
    assert ("\u03b8" in shown) == (encoding == "utf-8")


def test_a_text_is_printable_as_it_is_wherever_the_stream_has_its_characters() -> None:
    text = "\u2514\u2500 a \u00d7 \u65e5 \u2026"
    for encoding, shown in {
        "utf-8": text,
        "cp1252": "`- a x ? ...",
        "ascii": "`- a x ? ...",
    }.items():
        assert printable(text, io.TextIOWrapper(io.BytesIO(), encoding=encoding)) == shown
    assert (
        printable("a \u00d7 b", io.TextIOWrapper(io.BytesIO(), encoding="cp1252")) == "a \u00d7 b"
    )
    assert printable(text, io.StringIO()) == text
