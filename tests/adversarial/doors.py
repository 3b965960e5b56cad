"""The table of doors: what may be handed in at each, and what that does."""

import io
import json
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from hypothesis import strategies as st

import engine
from demos._console import Console
from engine import Program, Value, topological
from engine.cli.command import main
from engine.cli.expression import evaluate
from engine.core.operation import TABLE
from engine.drawing import latex, to_dot, tree
from engine.stepping import debug, hunt
from nn import MLP, Module, fit, load, save
from tests.adversarial.judge import Fault
from tests.adversarial.sources import calls, run, words

__all__ = ["DOORS", "Door"]


class Door(NamedTuple):
    """A row: the cases that may be handed in, and a function that hands one in."""

    cases: st.SearchStrategy[Any]
    enter: Callable[[Any], Any]


def expect(true: object, what: str) -> None:
    """Raise Fault unless it is true."""
    if not true:
        raise Fault(what)


# --- arguments -----------------------------------------------------------------------------------


def make(source: str) -> None:
    """Make it, and show it."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        str(repr(run(source)))


# --- data ----------------------------------------------------------------------------------------
_x, _w = Value(0.0, "x"), Value(2.0, "w")
PROGRAM = Program([_x, Value(0.0, "y")], [_x * _w], [_w])
COMPILED = engine.compiled(lambda x, y: x * y)


def hand_in(source: str) -> None:
    """Train or compute with it; what an error leaves behind is as it was before."""
    model: MLP[Any] = MLP(2, [2, 1], "tanh", rng=1)
    before = [(p.data, p.grad) for p in model.parameters()]
    try:
        with tempfile.TemporaryDirectory() as folder, chdir(folder):
            run(source, m=model, p=PROGRAM, c=COMPILED)
    except ArithmeticError:
        raise  # a training that diverges keeps its best epoch
    except Exception:
        same = repr(before) == repr([(p.data, p.grad) for p in model.parameters()])
        expect(same or "callbacks=" in source, "an error has changed the model")
        raise


# --- names ---------------------------------------------------------------------------------------
HARD = [
    "{", "}", "\\", '"', "'", "<b>", "&", "%", "$", "\0", "\x1b[31m", "\n", "\r", "\t", "\u2028",
    "\ud800", "\u202e", "\u200f", "é", "e\u0301", "\U0001d518", "\U0001f600", "#", "`", ";", "--",
    "]]>", "-->", "*/", "</script>", "\\end{", "%s", "{0}", "L0.N1.w2", "lambda", "None", " ", "",
    "a" * 10_000,
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(HARD) | st.text(max_size=6), max_size=4).map("".join)


def name(labels: list[str]) -> None:
    """Write a graph in every format, with nodes and an operation of these names."""
    first, second, third = labels
    x, y = Value(2.0, first), Value(3.0, second)
    z = x * y + x.exp()
    if third and third.isprintable() and third not in TABLE:
        z = engine.operation(third, lambda a: a * 2, lambda o, a: 2.0)(z)
    z.label = second
    z.backward()
    nodes = topological(z)
    pictures = [z.to_svg(), z.to_svg(expand=True, legend=False)]
    pages = [z.to_html(), *pictures]
    for picture in pictures:
        found = ElementTree.fromstring(picture)
        expect(not [e for e in found.iter() if e.tag.endswith("script")], "a script in a picture")
    texts = [to_dot(z), str(tree(z)), str(latex(z)), str(engine.drawing.explain(z, x)), repr(z)]
    texts += [str(hunt(z)), *map(str, z.backward_steps()), *map(str, z.forward_steps())]
    run = z.trace_backward()
    source = run.to_source()
    space: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()):
        exec(compile(source, "<unrolled>", "exec"), space)
    run.close()
    for text in [*texts, *pages, source]:
        found = re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\ud800-\udfff]", text)
        expect(not found, f"{found} gets through into {text[:40]!r}")
    json.dumps([node.label for node in nodes])


# --- texts ---------------------------------------------------------------------------------------


STRANGE = ["\0", "\n", "\ud800", "é", "²", "\t", " "]
WORDS = st.lists(st.sampled_from(words("expression") + STRANGE) | st.text(max_size=3), max_size=12)


def compute(typed: list[str]) -> None:
    """Compute an expression that was typed."""
    found = evaluate("".join(typed), {"x": Value(1.0, "x"), "y": Value(2.0, "y")})
    expect(isinstance(found, Value), f"{found!r} is no Value")


def command(typed: list[str]) -> None:
    """Give words to `python -m engine`: it writes an answer, or a message with code 2."""
    out, err = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        try:
            with redirect_stdout(out), redirect_stderr(err):
                main([word.replace("/", "_") for word in typed])
        except SystemExit as done:
            expect(done.code in (0, 2), f"code {done.code}")
            expect(done.code == 0 or err.getvalue(), "no message")


ARGUMENTS = "x*2 x tanh(x*w) x=1 w=2 x=pi/2 --tree --why --svg a.svg -h --expand --direction LR x=x"
ARGUMENTS += " =1 1=1 --dot a.dot x=nan -x --"


def _run() -> tuple[Any, list[float]]:
    xs = [Value(0.5, "x"), Value(-1.0, "w"), Value(2.0, "L0.N0.b")]
    loss = (engine.dot(xs, xs) * xs[0]).tanh() + engine.relu(xs[1])
    loss.backward()
    once = [node.grad for node in topological(loss)[::-1]]
    return loss.trace_backward(), once


LINES = st.lists(
    st.lists(st.sampled_from(words("prompt") + STRANGE) | st.text(max_size=3), max_size=4).map(
        " ".join
    ),
    max_size=8,
)


def walk(lines: list[str]) -> None:
    """Type lines at the prompt of a run, which stays right."""
    run, once = _run()
    typed = "\n".join(line.replace("/", "_") for line in lines) + "\n"
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        debug(run, io.StringIO(typed), io.StringIO())
    step = run.current
    expect(
        step is None or run.position == len(run) or step.parent.grad == step.after, "a wrong place"
    )
    run.goto(-1)
    expect([node.grad for node in run.nodes] == [2 * g for g in once], "another result")
    run.close()
    expect([node.grad for node in run.nodes] == once, "gradients that are not put back")


def play(typed: list[str]) -> None:
    """Run a program in the console of the playground."""
    said: list[tuple[str, str, str]] = []
    console = Console(lambda *message: said.append(message), Path("nowhere"))
    console.names["Value"] = Value
    console.run(" ".join(typed))
    console.run("6 * 7")
    expect(said[-1][:2] == ("out", "42\n"), "the console does not go on")


# --- files ---------------------------------------------------------------------------------------
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 80), st.binary(max_size=9) | st.sampled_from(
        [b"null", b"[]", b"-1", b"1e999", b"NaN", b'"', b"}", b"{", b"0", b"9" * 30, b"\xff" * 8]
    )),
    min_size=1,
    max_size=3,
)  # fmt: skip


def edited(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Bytes in which some are replaced: each edit says where, how many and by what."""
    for place, many, new in edits:
        at = int(place * len(data))
        data = data[:at] + new + data[at + many :]
    return data


def _numbers(model: Module) -> list[str]:
    return [p.data.hex() for p in model.parameters()]


def read(edits: list[tuple[float, int, bytes]]) -> None:
    """Load a model from a file that was spoilt: it is the very same, or an error."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        save(MLP(2, [2, 1], "tanh", rng=1), path)
        data = Path(path).read_bytes()
        Path(path).write_bytes(edited(data, edits))
        other: MLP[Any] = MLP(2, [2, 1], "tanh", rng=2)
        before = _numbers(other)
        try:
            load(path, into=other)
        except Exception:
            expect(_numbers(other) == before, "an error has changed the model")
            raise
        expect(_numbers(other) == _numbers(MLP(2, [2, 1], "tanh", rng=1)), "another model")


def resume(edits: list[tuple[float, int, bytes]]) -> None:
    """Go on from a file that was spoilt: it is the very same training, or an error."""

    def train(path: str, epochs: int) -> list[str]:
        fit(model, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], loss="mse", epochs=epochs,
            checkpoint=path, resume=True, progress=False, seed=1, backend="eager")  # fmt: skip
        return _numbers(model)

    with tempfile.TemporaryDirectory() as folder:
        path, other = os.path.join(folder, "run"), os.path.join(folder, "whole")
        model: MLP[Any] = MLP(2, [2, 1], "tanh", rng=1)
        want = train(other, 4)
        model = MLP(2, [2, 1], "tanh", rng=1)
        train(path, 2)
        spoilt = edited(Path(path).read_bytes(), edits)
        Path(path).write_bytes(spoilt)
        model = MLP(2, [2, 1], "tanh", rng=1)
        before = _numbers(model)
        try:
            found = train(path, 4)
        except Exception:
            expect(_numbers(model) == before, "an error has changed the model")
            expect(Path(path).read_bytes() == spoilt, "an error has changed the file")
            raise
        expect(found == want, "another training")


DOORS = {
    "constructors": Door(calls("constructors"), make),
    "data": Door(calls("data"), hand_in),
    "names": Door(st.lists(TEXTS, min_size=3, max_size=3), name),
    "expression": Door(WORDS, compute),
    "command": Door(
        st.lists(st.sampled_from(ARGUMENTS.split()) | WORDS.map("".join), max_size=5), command
    ),
    "prompt": Door(LINES, walk),
    "playground": Door(st.lists(st.sampled_from(words("python") + STRANGE), max_size=12), play),
    "load": Door(EDITS, read),
    "resume": Door(EDITS, resume),
}
