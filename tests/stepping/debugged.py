"""What tests of the debugger share: a script, a run, and how they are walked through."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import Value
from engine.stepping import Run
from engine.stepping.debugger import debug
from tests.stepping.terminal import ROOT

SCRIPT = """\
from engine import Value

x, w, b = Value(2.0), Value(-3.0), Value(6.5)
n = x * w
y = (n + b).tanh()
loss = (y - 1.0) ** 2 + 0.1 * w**2
loss.backward()
print("w.grad", w.grad)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "neuron.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def command(script: Path, *arguments: str) -> list[str]:
    return ["-m", "engine.stepping", *arguments, script.name]


def ran(
    script: Path, *commands: str, arguments: tuple[str, ...] = (), more: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """`python -m engine.stepping script` with these commands in a pipe."""
    return subprocess.run(
        [sys.executable, *command(script, *arguments), *more],
        cwd=script.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        input="".join(f"{each}\n" for each in commands),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def neuron() -> Value:
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    n = x * w
    y = (n + b).tanh()
    loss = (y - 1.0) ** 2 + 0.1 * w**2
    return loss  # noqa: RET504  (it is called after the variable)


def talk(value: Value | Run, *commands: str, names: dict[str, Value] | None = None) -> list[str]:
    """What the debugger answers to commands in a pipe, without the line that greets."""
    out = io.StringIO()
    run = value if isinstance(value, Run) else value.trace_backward()
    debug(run, io.StringIO("\n".join(commands)), out, names)
    return out.getvalue().splitlines()[1:]


def said(*commands: str) -> list[str]:
    return talk(neuron(), *commands)


def edge(*commands: str) -> int:
    """How many edges of the neuron are taken after some commands."""
    run = neuron().trace_backward()
    talk(run, *commands)
    return run.position
