"""The terminal debugger in a script, and on a real terminal."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import NumericError, Value
from engine.wording.terminal import width
from tests.stepping.debugged import command, ran
from tests.stepping.terminal import ROOT, Terminal


# --- a script ------------------------------------------------------------------------------------
def test_the_nth_call_is_the_one_and_the_others_run_through(tmp_path: Path) -> None:
    script = tmp_path / "loop.py"
    script.write_text(
        "from engine import Value\n"
        "w, xs = Value(1.0), [Value(2.0), Value(3.0)]\n"
        "for k in range(4):\n"
        "    loss = (w * xs[0] - k) ** 2\n"
        "    loss.backward()\n"
        "    print(k, w.grad)\n",
        encoding="utf-8",
    )
    plain = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    done = ran(script, "p xs[0].data", "p loss.data", "n", "q", arguments=("--nth", "3"))
    lines = done.stdout.splitlines()
    assert lines[2].startswith("4 edges below loss = (w * xs[0] - k) ** 2  loop.py:4")
    assert lines[3:5] == ["xs[0].data = 2.0", "loss.data = 0.0"]
    assert [*lines[:2], *lines[6:]] == plain.stdout.splitlines()


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("x = 1", 1, "s.py has ended; backward() of a Value was never called"),
        ("import sys; sys.exit('enough')", 1, "enough\n"),
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit()", 0, ""),
        ("raise ZeroDivisionError('mine')", 1, "ZeroDivisionError: mine"),
        ("def f(:", 1, "SyntaxError"),
        ("raise KeyboardInterrupt", 130, "s.py was interrupted"),
        ("import sys; assert sys.argv[1:] == ['a', '--b'], sys.argv", 1, "has ended"),
        ("import beside; beside.Value(1.0).backward(); assert __name__ == '__main__'", 0, ""),
        ("from engine import *; x = Value(1.0); y = x * 2; x.data = 3.0; y.backward()", 1, "Stale"),
    ],
)
def test_a_script_ends_as_it_would_alone(
    tmp_path: Path, source: str, code: int, message: str
) -> None:
    script = tmp_path / "s.py"
    script.write_text(source + "\n", encoding="utf-8")
    (tmp_path / "beside.py").write_text("from engine import Value\n", encoding="utf-8")
    done = ran(script, more=("a", "--b"))
    assert done.returncode == code
    assert message in done.stderr
    assert "runpy" not in done.stderr
    if not message:
        assert done.stderr == ""


def test_a_script_sees_the_errors_and_the_gradients_of_backward(tmp_path: Path) -> None:
    script = tmp_path / "bad.py"
    script.write_text(
        "from engine import NumericError, Value\n"
        "x = Value(1e-200)\n"
        "x.grad = 5.0\n"
        "y = x.log() * 1e200\n"
        "try:\n"
        "    y.backward()\n"
        "except NumericError:\n"
        "    print('raised', x.grad)\n",
        encoding="utf-8",
    )
    done = ran(script, "c")
    assert done.stdout.splitlines()[1].endswith("inf  (+= 1e+200 × 1e+200)  x.log()  bad.py:4")
    assert done.stdout.splitlines()[-1] == "raised 5.0"
    with pytest.raises(NumericError):
        (Value(1e-200).log() * 1e200).backward()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.py"], "there is no file nowhere.py"),
        (["-m", "nowhere"], "there is no module nowhere that can be run; give its name, as in a.b"),
        (["-m", "nowhere.x"], "No module named 'nowhere'"),
        (["-m", "sys"], "there is no module sys that can be run"),
        (["--nth", "0", "neuron.py"], "--nth takes a number from 1 on, got 0"),
        ([], "the following arguments are required: script"),
    ],
)
def test_errors_of_use_say_what_to_do(script: Path, arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine.stepping", *arguments],
        cwd=script.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize("flag", ["-P", "-I", ""])
def test_a_script_has_the_path_that_python_gives_it(script: Path, flag: str) -> None:
    script.write_text(
        "import sys\n"
        f"sys.path.append({str(ROOT)!r})\n"
        "print(sys.path)\n"
        "from engine import Value\n"
        "(Value(1.0) * 2).backward()\n"
    )

    def path(*how: str) -> str:
        return subprocess.run(
            [sys.executable, *filter(None, [flag]), *how, script.name],
            cwd=script.parent,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        ).stdout.splitlines()[0]

    assert path("-m", "engine.stepping") == path()


MODULE = """import sys
from engine import Value
from .beside import factor
x = Value(2.0, "x")
y = x * factor
y.backward()
print(__name__, __package__, sys.argv, sys.path[0])
"""


@pytest.mark.parametrize("name", ["package.module", "package"])
def test_a_module_runs_as_python_runs_it(tmp_path: Path, name: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "beside.py").write_text("factor = 3.0\n")
    for file in ("module.py", "__main__.py"):
        (package / file).write_text(MODULE)

    def lines(*how: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, *how, "-m", name, "a", "--nth", "7"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            input="p y.data\nn\nq\n",
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    (alone,) = lines()
    stepped = lines("-m", "engine.stepping", "--nth", "1")
    assert stepped[-1] == alone
    assert stepped[1] == "y.data = 6.0"
    assert stepped[2].startswith("1/1  x.grad 0 -> 3")


LOOP = """\
import nn

xs, ys = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1.0, 1.0, 0.0]
other, model = nn.MLP(2, [3, 1], rng=1), nn.MLP(2, [3, 1], rng=2)
optimizer = nn.SGD(model.parameters(), lr=0.01)
for epoch in range(20):
    loss = nn.mse_loss([model(x) for x in xs], ys)
    loss.backward()
    optimizer.step()
print([p.grad for p in model.parameters()])
"""


def test_diagnose_finds_the_model_and_the_loop_of_the_script(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(LOOP, encoding="utf-8")
    done = ran(script, "n 3", "diagnose", "p edge", "q", arguments=("--nth", "12"))
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout
    assert "1. gradients are never set to 0, and add up from step to step at train.py:8\n" in said
    assert "get no gradient" not in said
    assert re.search(r"^layers\.0 +9 ", said, re.M)
    assert "\nedge = 3\n" in said
    assert said.splitlines()[-1] == ran(script).stdout.splitlines()[-1]


def test_diagnose_without_a_model_tells_what_the_graph_tells(script: Path) -> None:
    said = ran(script, "diagnose").stdout.splitlines()
    assert said[1:3] == ["nothing found", "  looked at 11 values, the gradients of 3 parameters"]


@pytest.mark.parametrize(
    "held",
    [
        "class Odd:\n    def parameters(self):\n        raise OSError('none')\nodd = Odd()",
        "class Odd:\n    def parameters(self, which):\n        pass\nodd = Odd()",
        "class Odd:\n    def parameters(self):\n        return [1.0]\nodd = Odd()",
        "from inspect import signature\nodd = signature(print)",
    ],
)
def test_what_has_no_such_parameters_is_no_model(script: Path, held: str) -> None:
    script.write_text(f"{held}\n{script.read_text(encoding='utf-8')}", encoding="utf-8")
    done = ran(script, "diagnose")
    assert "nothing found" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


# --- a real terminal -----------------------------------------------------------------------------
Start = Callable[..., Terminal]
PROMPT = "(grad 0/11) "


@pytest.fixture
def start(script: Path) -> Iterator[Start]:
    started: list[Terminal] = []

    def begun(*arguments: str, **how: str | int) -> Terminal:
        words = arguments or command(script)
        started.append(Terminal(*words, cwd=script.parent, **how))  # type: ignore[arg-type]
        return started[-1]

    yield begun
    for terminal in started:
        terminal.close()


def test_on_a_terminal_there_is_a_prompt_that_says_where_one_is(start: Start) -> None:
    terminal = start()
    greeting = terminal.read(PROMPT)
    assert greeting.startswith("11 edges below loss")
    assert "help lists the commands" in greeting
    assert "(y - 1.0).grad 0 -> -1.076" in terminal.ask("n 3", "(grad 3/11) ")
    assert "\x1b[1m(y - 1.0).grad\x1b[0m" in terminal.raw
    terminal.type("\n")  # an empty line is the last command again
    assert "n.grad 0 -> -0.8460" in terminal.read("(grad 6/11) ")
    assert "Undo the last edge" in terminal.ask("help b")
    terminal.type("\x04")  # Ctrl-D
    text, code = terminal.end()
    assert text.endswith("\nw.grad -2.2920669690965356\n")
    assert code == 0


def test_ctrl_c_at_the_prompt_does_not_leave(start: Start) -> None:
    terminal = start()
    terminal.read(PROMPT)
    terminal.type("some words")
    terminal.read("some words")
    time.sleep(0.2)  # readline overlooks a signal that comes while it deals with a key
    terminal.type("\x03")
    assert "q leaves" in terminal.read(PROMPT)
    assert "((y - 1.0) ** 2).grad" in terminal.ask("n", "(grad 1/11) ")
    terminal.type("q\n")
    assert terminal.end()[1] == 0


def test_ctrl_c_on_a_long_way_stops_there(start: Start, tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text(
        "from engine import Value\nh = x = Value(1.0)\nfor _ in range(150_000): h = h + 1.0\n"
        "(h * x).backward()\n",
        encoding="utf-8",
    )
    terminal = start("-m", "engine.stepping", "long.py")
    terminal.read("(grad 0/150002) ")
    terminal.type("until after > 5\n")
    terminal.read("\n")
    os.killpg(terminal.process.pid, signal.SIGINT)  # the key, whenever the terminal is read
    text = terminal.read("(grad ")
    # where it had not begun, or had ended, is a matter of luck
    assert re.search("interrupted after edge|there is no more|q leaves", text)
    assert "after = 1.0" in terminal.ask("goto 5", "(grad 5/") + terminal.ask("p after")


@pytest.mark.skipif(importlib.util.find_spec("readline") is None, reason="no readline here")
def test_arrows_bring_back_what_was_typed_and_tab_completes_names(start: Start) -> None:
    terminal = start()
    terminal.read(PROMPT)
    terminal.ask("n 2", "(grad 2/11) ")
    terminal.type("\x1b[A\n")
    assert "y.grad 0 -> -1.076" in terminal.read("(grad 4/11) ")
    terminal.type("p upst\t\n")
    assert "upstream = -1.0757656854799804" in terminal.read("(grad 4/11) ")
    terminal.type("contrib\tw\n")
    assert "by 2 edges" in terminal.read("(grad 4/11) ")


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(start: Start, env: dict[str, str]) -> None:
    terminal = start(**env)
    terminal.read(PROMPT)
    terminal.ask("n 9", "(grad 9/11) ")
    terminal.ask("graph", "(grad 9/11) ")
    assert "\x1b[1m" not in terminal.raw
    assert "\x1b[2m" not in terminal.raw


def test_lines_are_cut_to_the_width_of_the_terminal_and_errors_are_not(start: Start) -> None:
    terminal = start(columns=44)
    terminal.read(PROMPT)
    shown = terminal.ask("list", PROMPT).split("\n")[1:-1]
    assert len(shown) == 11
    assert max(map(width, shown)) == 44
    assert shown[0].endswith("…")
    assert "; did you mean contribution or contributions?\n" in terminal.ask(
        "contribution_to w", PROMPT
    )


def test_the_story_hands_over_on_a_terminal_and_asks_nothing_without_one(start: Start) -> None:
    terminal = start("-m", "demos.step_by_step")
    text = terminal.read(PROMPT)
    assert "w.grad = (-1.692) + (-0.6000) = -2.2920669690965356" in text
    assert "= -1.6920669690965353" in text
    assert "w.grad 0 -> -1.692" in terminal.ask("until w", "(grad 9/11) ")
    terminal.type("q\n")
    assert terminal.end()[1] == 0
    done = subprocess.run(
        [sys.executable, "-m", "demos.step_by_step"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0
    assert done.stdout.count("\n") == text[: text.index("\nNow you")].count("\n")
    assert "Now you" not in done.stdout
