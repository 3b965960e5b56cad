"""The terminal debugger: in a pipe, where a list of commands is a test, and on a real terminal."""

import importlib.util
import io
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import NumericError, Value
from engine.stepping import Run
from engine.stepping.condition import FIELDS
from engine.stepping.debugger import Debugger, debug
from engine.stepping.prompt import SHORT, USAGE
from engine.stepping.views import lit
from engine.wording.terminal import width
from tests.drawing.test_picture import HOSTILE
from tests.stepping.terminal import ROOT, Terminal

SCRIPT = """\
from engine import Value

x, w, b = Value(2.0), Value(-3.0), Value(6.5)
n = x * w
y = (n + b).tanh()
loss = (y - 1.0) ** 2 + 0.1 * w**2
loss.backward()
print("w.grad", w.grad)
"""
ANSWERS = """\
11 edges below loss = (y - 1.0) ** 2 + 0.1 * w**2  neuron.py:6
 1/11  pow_2.grad 0 -> 1  (+= 1 × 1)  loss = (y - 1.0) ** 2 + 0.1 * w**2  neuron.py:6
 2/11  mul_1.grad 0 -> 1  (+= 1 × 1)  loss = (y - 1.0) ** 2 + 0.1 * w**2  neuron.py:6
 3/11  sub_1.grad 0 -> -1.076  (+= 1 × -1.076)  pow_2: (y - 1.0) ** 2  neuron.py:6
 4/11  y.grad 0 -> -1.076  (+= -1.076 × 1)  sub_1: y - 1.0  neuron.py:6
          data    grad   local
loss     1.189       1          loss = (y - 1.0) ** 2 + 0.1 * w**2  neuron.py:6
pow_2   0.2893       1       1  pow_2: (y - 1.0) ** 2  neuron.py:6
sub_1  -0.5379  -1.076  -1.076  sub_1: y - 1.0  neuron.py:6
y       0.4621  -1.076       1  y = (n + b).tanh()  neuron.py:5
product of the local derivatives: -1.076
watch w  data -3.0  grad 0.0 so far, -2.2920669690965356 in the end  neuron.py:3
stopped at watch w
 9/11  w.grad 0 -> -1.692  (+= -0.8460 × 2)  n = x * w  neuron.py:4
stopped at watch w
11/11  w.grad -1.692 -> -2.292  (+= 0.1 × -6)  pow_1: w**2  neuron.py:6
the pass is over: gradients are as backward() leaves them
w.grad = -2.292, by 2 edges
    9/11     -1.692 = -0.8460 × 2  n = x * w  neuron.py:4
-> 11/11    -0.6000 = 0.1 × -6  pow_1: w**2  neuron.py:6
w.grad is -1.692 again
10/11  pow_1.grad 0 -> 0.1  (+= 1 × 0.1)  mul_1: 0.1 * w**2  neuron.py:6
    9/11  w.grad 0 -> -1.692  (+= -0.8460 × 2)  n = x * w  neuron.py:4
-> 10/11  pow_1.grad 0 -> 0.1  (+= 1 × 0.1)  mul_1: 0.1 * w**2  neuron.py:6
   11/11  w.grad -1.692 -> -2.292  (+= 0.1 × -6)  pow_1: w**2  neuron.py:6
after = 0.1
w.grad -2.2920669690965356
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


# --- a pipe --------------------------------------------------------------------------------------
def test_a_list_of_commands_is_answered_line_by_line(script: Path) -> None:
    asked = ["n 4", "# a remark", "", "where", "watch w", "c", "c", "contributions w", "b"]
    done = ran(script, *asked, "list 3", "p after", "q")
    assert done.stdout == ANSWERS
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_end_of_the_input_leaves_and_the_script_goes_on_as_without_us(script: Path) -> None:
    done = ran(script)
    assert done.stdout == ANSWERS.splitlines(True)[0] + ANSWERS.splitlines(True)[-1]
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_run_stays_where_it_was_left() -> None:
    run = neuron().trace_backward()
    talk(run, "n 3")
    assert run.position == 3
    assert talk(run, "b")[1].startswith(" 2/11  mul_1.grad 0 -> 1")


# --- walking -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("commands", "position"),
    [
        (["next"], 1),
        (["n 3", "s"], 4),
        (["n 99"], 11),
        (["n 5", "back"], 4),
        (["n 5", "b 3"], 2),
        (["n 5", "b 9"], 0),
        (["until 7"], 7),
        (["until parent is w"], 9),
        (["until parent is w", "until parent is w"], 11),
        (["u w"], 9),
        (["until tanh"], 5),
        (["until ×"], 8),
        (["until nothing_like_it"], 0),
        (["until contribution > 99"], 11),
        (["c", "b w"], 9),
        (["c", "back abs(contribution) > 1.5"], 9),
        (["goto 4"], 4),
        (["goto -1"], 11),
        (["goto 12"], 0),
        (["n 3", "restart"], 0),
        (["watch w", "c"], 9),
        (["watch w", "c", "unwatch w", "c"], 11),
        (["watch w", "c", "c", "rc"], 9),
        (["watch w", "c", "rc"], 0),
        (["break y", "c"], 4),  # it gets gradient
        (["break y", "c", "c"], 5),  # it hands it on
        (["break y", "c", "c", "c"], 11),
        (["break 3", "c"], 3),
        (["tbreak y", "c", "c"], 11),
        (["break y", "clear 1", "c"], 11),
        (["break y", "break w", "clear", "c"], 11),
        (["break node.op == 'mul' and position == 1", "c"], 9),
    ],
)
def test_a_walk_ends_where_it_was_asked_to(commands: list[str], position: int) -> None:
    assert edge(*commands) == position


# fmt: off
WALKS = st.sampled_from([
    "n", "n 3", "b", "b 2", "until w", "b w", "c", "rc", "watch w", "unwatch", "break tanh",
    "tbreak pow", "goto 5", "restart", "break after < -1", "clear", "until 7",
])
# fmt: on


@given(st.lists(WALKS, max_size=12))
def test_gradients_are_always_those_of_as_many_steps(commands: list[str]) -> None:
    run, other = neuron().trace_backward(), neuron().trace_backward()
    talk(run, *commands)
    other.goto(run.position)
    assert [n.grad for n in run.nodes] == [n.grad for n in other.nodes]


def test_a_condition_sees_the_gradients_as_they_are_after_the_step() -> None:
    assert edge("until w.grad < -2") == 11
    assert edge("until w.grad != 0 and x.grad > 2") == 9
    assert edge("until x.grad > 2", "b y.grad == 0") == 3


# --- looking -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("p w.data", "w.data = -3.0"),
        ("w.data", "w.data = -3.0"),
        ("p contribution * 2", "contribution * 2 = 5.076200907289606"),
        ("p edge, index", None),
        ("p parent == x", "parent == x = True"),
        ("p node.op", "node.op = 'mul'"),
        ("p 1/0", "1/0 = inf"),
        ("print max(before, after, -1)", "print max(before, after, -1)"),
    ],
)
def test_p_shows_nodes_numbers_and_formulas(asked: str, answer: str | None) -> None:
    shown = said("goto 8", asked)[1:]
    if answer is None:
        assert shown[0].startswith("*** ")
    else:
        assert shown[0].startswith(answer.removeprefix("print "))


def test_p_alone_shows_all_of_the_step() -> None:
    shown = said("goto 8", "p")[1:]
    assert [line.split()[0].strip(":") for line in shown] == [*FIELDS]
    assert "edge = 8" in shown
    assert "index = 7" in shown


def test_the_graph_around_here_marks_the_edge() -> None:
    *_, head, here, first, second = said("goto 8", "graph")
    assert head.split() == ["data", "grad", "local"]
    assert here.startswith("n = ×")
    assert first.startswith("├─▶x")
    assert second.startswith("└─ w")
    *_, first, second = said("goto 9", "graph")
    assert (first[:4], second[:4]) == ("├─ x", "└─▶w")


def test_a_node_without_a_name_is_called_the_same_by_every_command() -> None:
    x, w = Value(2.0), Value(-3.0)
    run = (((x * w).tanh() + (x * w) ** 2) * (w - x).exp()).trace_backward()
    met = set()
    for k in range(1, len(run) + 1):
        step, *rest, source = talk(run, f"goto {k}", "graph", "source")[:-1]
        given = step.split()[1].removesuffix(".grad")
        (marked,) = (row for row in rest if "▶" in row)
        assert re.split(r"[▶ ]+", marked)[1] == given
        assert source.startswith(f"{given}.grad += ")
        drawn = {row.strip("│├└─▶↑ ").split()[0] for row in rest if "data" not in row}
        for name in drawn - {"the"}:  # pass is over
            assert talk(run, f"p {name}")[0].startswith(f"{name}  data ")
        met |= drawn
    assert met >= {"x", "w", "mul_1", "mul_2", "mul_3", "tanh_1", "pow_1", "add_1", "exp_1"}


def lit_ids(svg: str) -> set[str]:
    """Of a picture the elements that its style lights."""
    style = svg.partition("<style>")[2].partition("</style>")[0]
    return {*re.findall(r"#([\w-]+)", style)} & {e.get("id", "") for e in ET.fromstring(svg).iter()}


def test_a_picture_has_the_edge_and_its_ends_lit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said("goto 9", "graph here.svg")[-1] == "written: here.svg"
    svg = (tmp_path / "here.svg").read_text(encoding="utf-8")
    elements = [*ET.fromstring(svg).iter()]
    ids = {}
    for e in elements:
        words = ["".join(text.itertext()) for text in e.findall("{*}text")]
        ids |= {words[0]: e.get("id")} if words else {}
    assert lit_ids(svg) == {f"{ids['n']}-1", ids["n"], ids["w"]}


def test_a_picture_of_many_values_has_boxes_lit() -> None:
    h = x = Value(0.5)
    for _ in range(300):
        h = (h * x).tanh()
    run = h.trace_backward()
    svg = lit(h, run.goto(200))
    assert lit_ids(svg)


def test_source_is_python_and_the_line_it_comes_from(script: Path) -> None:
    done = ran(script, "goto 9", "source")
    assert done.stdout.splitlines()[2:4] == [
        "w.grad += -0.8460334845482677 * 2.0",
        "neuron.py:4  n = x * w",
    ]


def test_a_chain_of_a_hundred_thousand_is_shown_from_both_ends() -> None:
    h = x = Value(1.0, "x")
    for _ in range(100_000):
        h = h + 1.0
    shown = talk(h * x, "goto -1", "where")
    assert len(shown) < 25
    assert "… 99,986 more" in shown
    assert "product of the local derivatives: 1" in shown


def test_a_page_is_written_where_a_run_can(tmp_path: Path) -> None:
    run = neuron().trace_backward()
    if not hasattr(run, "to_html"):
        assert talk(run, "html x.html") == ["*** this run cannot be written as a page"]
        return
    path = tmp_path / "run.html"
    assert talk(run, f"html {path}") == [f"written: {path}"]
    assert path.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_layers_neurons_and_lines_can_be_stopped_at() -> None:
    ws = [Value(0.1, f"L{i}.N{j}.w0") for i in range(2) for j in range(2)]
    x = Value(1.0, "x")
    m, n = x * ws[0], x * ws[1]
    a, b = m.tanh(), n.tanh()
    loss = a * ws[2] + b * ws[3]
    run = loss.trace_backward()
    prompt = Debugger(run, io.StringIO(), io.StringIO(), {})

    def stops(where: str) -> set[str]:
        return {
            prompt.names.of(step.node) for step in run if prompt.breakpoints.stop(where).holds(step)
        }

    assert stops("L0") == {"a", "b", "m", "n"}
    assert stops("L0.N1") == {"b", "n"}
    assert stops("L1") == {"mul_1", "mul_2", "loss"}
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = 1 + lines.index("    loss = a * ws[2] + b * ws[3]")
    assert stops(f"{Path(__file__).name}:{line}") == {"loss", "mul_1", "mul_2"}


# --- what goes wrong -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("nex", "*** there is no command or node 'nex'; did you mean next"),
        ("foo bar", "*** there is no command or node 'foo'"),
        ("p locl", "*** there is no 'locl' here; did you mean local"),
        ("p w.gard", "*** a node has data, grad, op, label here, and no 'gard'"),
        ("watch ww", "*** no node is called 'ww'; did you mean w"),
        ("watch parent", "*** parent is another node at each step; give the name of one"),
        ("unwatch w", "*** w is not watched"),
        ("break tahn", "*** no node, operation or layer is called 'tahn'; did you mean tanh"),
        ("break neuron.py:99", "*** nothing was made in neuron.py:99"),
        ("break 0", "*** there are edges from 1 to 11, and no 0"),
        ("break parent", "*** parent is a node and no condition"),
        ("break w > 3", "*** w is a node; write w.grad or w.data"),
        ("break after = 3", "*** = sets a variable, which cannot be done here; == compares"),
        ("break after >", "*** invalid syntax"),
        ("tbreak", "*** tbreak where?"),
        ("clear 7", "*** there is no break '7'; `break` lists them"),
        ("until", "*** until what?"),
        ("until 2", "*** edge 2 is taken already; goto 2 goes back to it"),
        ("goto x", "*** goto takes the number of an edge, got 'x'"),
        ("goto 99", "*** this run has positions from 0 to 11, got 99"),
        ("n x", "*** this takes a number of edges from 1 on, got 'x'"),
        ("n 0", "*** this takes a number of edges from 1 on, got '0'"),
        ("continue 3", "*** continue takes nothing, got '3'"),
        ("contributions", "*** contributions to which node?"),
        ("graph x.png", "*** graph writes SVG, so the file ends in .svg, got 'x.png'"),
        ("graph no/such/folder.svg", "*** [Errno 2] No such file or directory"),
        ("help nex", "*** there is no command 'nex'; did you mean next"),
    ],
)
def test_a_mistake_is_said_with_a_hint_and_changes_nothing(asked: str, answer: str) -> None:
    run = neuron().trace_backward()
    shown = talk(run, "n 3", asked, "p edge")[3:]
    assert shown[0].startswith(answer)
    assert shown[-1] == "edge = 3"
    assert run.position == 3


def test_before_the_first_edge_there_is_no_step_but_there_are_nodes() -> None:
    shown = said("p after", "source", "p w.data", "p", "where", "b", "rc")
    nothing = "*** no edge is taken yet, so there is no step to look at; try n"
    assert shown[:3] == [nothing, nothing, "w.data = -3.0"]
    assert shown[3].startswith("loss  data 1.189317952514053  grad 1.0")
    assert shown[4].startswith("before the first edge, at loss")
    assert shown[5:] == ["at the beginning: there is nothing to undo", "at the beginning"]


def test_a_leaf_alone_has_a_pass_without_edges() -> None:
    asked = ["n", "b", "c", "w", "l", "p", "p x.grad", "graph", "contributions x", "goto 0"]
    shown = talk(Value(2.0, "x"), *asked)
    assert not [line for line in shown if "***" in line]
    assert "x.grad = 1.0" in shown


def test_only_a_run_can_be_debugged() -> None:
    with pytest.raises(TypeError, match=r"takes a Run, got Value; loss.trace_backward\(\) gives"):
        debug(neuron())  # type: ignore[arg-type]


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_does_nothing_to_the_terminal(label: str) -> None:
    x = Value(2.0, label + "\x1b[31m")
    y = x * x
    y.label = label
    shown = talk(y, "n 2", "where", "list", "p", "graph", "contributions " + label, "break")
    text = "\n".join(shown)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert " 2/2" in text or "2/2" in text


# --- help ----------------------------------------------------------------------------------------
COMMANDS = [name for group in USAGE.values() for name in group]


def test_every_command_has_its_help_and_none_is_forgotten() -> None:
    methods = {name[3:] for name in dir(Debugger) if name.startswith("do_")}
    assert methods == set(COMMANDS)
    assert set(SHORT.values()) <= methods
    listed = said("help")
    for name in COMMANDS:
        usage, about, *_ = said(f"help {name}")
        assert any(usage in line and about in line for line in listed)


def test_help_fits_a_terminal_of_eighty_columns() -> None:
    assert max(map(width, said("help"))) <= 80
    assert max(width(line) for name in COMMANDS for line in said(f"help {name}")) <= 80


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
    assert done.stdout.splitlines()[1].endswith(
        "inf  (+= 1e+200 × 1e+200)  log_1: x.log()  bad.py:4"
    )
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
    assert "sub_1.grad 0 -> -1.076" in terminal.ask("n 3", "(grad 3/11) ")
    assert "\x1b[1msub_1.grad\x1b[0m" in terminal.raw
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
    assert "pow_2.grad" in terminal.ask("n", "(grad 1/11) ")
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
