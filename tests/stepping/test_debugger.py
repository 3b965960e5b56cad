"""The prompt of the terminal debugger, in a pipe, where a list of commands is a test."""

from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Value
from engine.stepping.debugger import Debugger, debug
from engine.stepping.prompt import SHORT, USAGE
from engine.wording.terminal import width
from tests.drawing.test_picture import HOSTILE
from tests.stepping.debugged import edge, neuron, ran, said, talk

ANSWERS = """\
11 edges below loss = (y - 1.0) ** 2 + 0.1 * w**2  neuron.py:6
 1/11  ((y - 1.0) ** 2).grad 0 -> 1  (+= 1 × 1)  loss = (y - 1.0) ** 2 + 0.1 * w**2  neuron.py:6
 2/11  (0.1 * w**2).grad 0 -> 1  (+= 1 × 1)  loss = (y - 1.0) ** 2 + 0.1 * w**2  neuron.py:6
 3/11  (y - 1.0).grad 0 -> -1.076  (+= 1 × -1.076)  (y - 1.0) ** 2  neuron.py:6
 4/11  y.grad 0 -> -1.076  (+= -1.076 × 1)  y - 1.0  neuron.py:6
                     data    grad   local
loss                1.189       1          loss = (y - 1.0) ** 2 + 0.1 * w**2  neuron.py:6
((y - 1.0) ** 2)   0.2893       1       1  (y - 1.0) ** 2  neuron.py:6
(y - 1.0)         -0.5379  -1.076  -1.076  y - 1.0  neuron.py:6
y                  0.4621  -1.076       1  y = (n + b).tanh()  neuron.py:5
product of the local derivatives: -1.076
watch w  data -3.0  grad 0.0 so far, -2.2920669690965356 in the end  neuron.py:3
stopped at watch w
 9/11  w.grad 0 -> -1.692  (+= -0.8460 × 2)  n = x * w  neuron.py:4
stopped at watch w
11/11  w.grad -1.692 -> -2.292  (+= 0.1 × -6)  w**2  neuron.py:6
the pass is over: gradients are as backward() leaves them
w.grad = -2.292, by 2 edges
    9/11     -1.692 = -0.8460 × 2  n = x * w  neuron.py:4
-> 11/11    -0.6000 = 0.1 × -6  w**2  neuron.py:6
w.grad is -1.692 again
10/11  (w**2).grad 0 -> 0.1  (+= 1 × 0.1)  0.1 * w**2  neuron.py:6
    9/11  w.grad 0 -> -1.692  (+= -0.8460 × 2)  n = x * w  neuron.py:4
-> 10/11  (w**2).grad 0 -> 0.1  (+= 1 × 0.1)  0.1 * w**2  neuron.py:6
   11/11  w.grad -1.692 -> -2.292  (+= 0.1 × -6)  w**2  neuron.py:6
after = 0.1
w.grad -2.2920669690965356
"""


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
    assert talk(run, "b")[1].startswith(" 2/11  (0.1 * w**2).grad 0 -> 1")


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
        (["watch x", "c"], 8),  # its gradient grows, that of w falls
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


class Interrupted(StringIO):
    """A pipe from which Ctrl-C comes: while a line is read, or while a command is carried out."""

    def __init__(self, line: str) -> None:
        super().__init__(line)

    def readline(self, size: int = -1) -> str:
        line = super().readline()
        if not line:
            raise KeyboardInterrupt
        return line


@pytest.mark.parametrize("line", ["", "n\n", "interrupt\n"])
def test_ctrl_c_in_a_pipe_ends_the_conversation(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is there to be told that q leaves."""

    def interrupt(self: Debugger, argument: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Debugger, "do_interrupt", interrupt, raising=False)
    run, answers = neuron().trace_backward(), StringIO()
    with pytest.raises(KeyboardInterrupt):
        debug(run, Interrupted(line), answers)
    assert "interrupted" not in answers.getvalue()
    assert "leaves" not in answers.getvalue()


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
