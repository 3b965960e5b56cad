"""The command `python -m engine`: what it prints and draws, and what it says of a mistake."""

import contextlib
import io
import math
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value
from engine.cli.command import main
from engine.cli.expression import FUNCTIONS, evaluate
from engine.drawing import to_dot
from engine.drawing.text_tree import tree
from engine.wording.terminal import Mistake

Run = Callable[..., tuple[str, str, int]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*arguments: str) -> tuple[str, str, int]:
        code = 0
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else -1
        out, err = capsys.readouterr()
        return out, err, code

    return ran


# --- the expression ------------------------------------------------------------------------------
NAMES = ("x", "y", "longer_name")
LEAVES = st.sampled_from([*NAMES, "2", "0.5", "1e-3", "pi"])


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    functions = ["tanh", "sin", "relu", "abs", "softplus"]
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", " + ", " * "]), inner).map("".join),
        inner.map("({})".format),
        inner.map("-({})".format),
        st.tuples(st.sampled_from(functions), inner).map("{0[0]}({0[1]})".format),
        inner.map("({})**2".format),
        st.tuples(inner, inner).map("sum([{0[0]}, {0[1]}, 1])".format),
        st.tuples(inner, inner).map("maximum({0[0]}, {0[1]})".format),
        st.tuples(inner, inner).map("(({0[0]}) / (2 + tanh({0[1]}))).sin()".format),
        st.tuples(inner, inner).map("softmax([{0[0]}, {0[1]}], 1)".format),
    )


@given(st.recursive(LEAVES, larger, max_leaves=8))
def test_an_expression_is_the_graph_that_python_builds(source: str) -> None:
    ours = {name: Value(0.3 * (i + 1), name) for i, name in enumerate(NAMES)}
    theirs = {name: Value(x.data, name) for name, x in ours.items()}
    functions = {name: getattr(engine, name, abs) for name in FUNCTIONS}
    try:
        expected = eval(source, {"pi": math.pi, **functions}, theirs)
    except ArithmeticError:
        with pytest.raises(Mistake):
            evaluate(source, ours)
        return
    found = evaluate(source, ours)
    assert found.data == pytest.approx(float(expected), rel=1e-15, abs=1e-300)
    if isinstance(expected, Value):  # and not arithmetic on numbers alone
        assert to_dot(found, collapse=0) == to_dot(expected, collapse=0)  # large ones by lines


def test_its_functions_are_the_public_ones_that_take_and_give_numbers() -> None:
    not_numbers = {
        *("gradient", "hessian", "hvp", "jacobian", "jvp", "vjp", "topological", "where"),
        *("check_gradient", "check_operation", "operation", "no_grad", "numeric_mode"),
        *("compiled", "inputs", "value_and_grad"),
    }
    public = {name for name in engine.__all__ if name[0].islower()}
    assert FUNCTIONS.keys() == (public - not_numbers) | {"abs", "round", "sum"}


def test_methods_keywords_and_blanks_of_any_kind_read_as_in_python() -> None:
    x = Value(-2.0)
    assert evaluate("(x * 2).leaky_relu(slope=0.5)", {"x": x}).data == -2.0
    assert evaluate("softmax([x, x],\n\tindex=0)", {"x": x}).data == 0.5
    assert evaluate("x\u00a0*\u00a03", {"x": x}).data == -6.0
    assert evaluate("µ", {"μ": x}) is x  # the key and the letter: Python takes them for one


@pytest.mark.parametrize(
    ("source", "said", "pointed"),
    [
        ("1 + tahn(x)", "no function is called tahn; did you mean tan or tanh?", "tahn(x)"),
        ("x + print(x)", "no function is called print; there are abs, ", "print(x)"),
        ("x.__class__()", "no function is called __class__", "x.__class__()"),
        ("x.data", "only numbers, names, + - * / // % **", "x.data"),
        ("2(x + 1)", "a product is written with *", "2(x + 1)"),
        ("3*x(2)", "a product is written with *", "x(2)"),
        ("x^2", "^ is not a power; write **", "x^2"),
        ("x < 2", "only numbers, names", "x < 2"),
        ("x + 'a'", "only numbers, names", "'a'"),
        ("x + True", "only numbers, names", "True"),
        ("1 + [n for n in x]", "only numbers, names", "[n for n in x]"),
        ("1 + (lambda: x)", "only numbers, names", "lambda: x"),
        ("maximum(*x)", "only numbers, names", "*x"),
        ("tanh(**x)", "unexpected keyword argument", "tanh(**x)"),
        ("tanh + 1", "tanh is a function; write tanh(...)", "tanh"),
        ("1 + hypot(x)", "missing 1 required positional argument: 'b'", "hypot(x)"),
        ("1 + sum(x)", "sum takes a list of Values or numbers, got Value", "sum(x)"),
        ("[x, x]", "a list of 2 is no number", "["),
        ("softmax([x, 1], 2)", "softmax got index 2 for 2 inputs", "softmax([x, 1], 2)"),
        ("softmax([x, 1], [1])", "softmax takes the index of an input", "softmax([x, 1], [1])"),
        ("2 * log(x - x)", "log((x - x)=0.0) is -inf: log needs an input > 0", "log(x - x)"),
        ("日本 + log(日本)", "log(日本=0.0) is -inf", "log(日本)"),
        ("1 + 9**9**9", "is inf", "9**9**9"),
        ("1/0 + x", "is inf", "1/0"),
        ("(-8)**(1/3)", "is nan", "(-8)**(1/3)"),
        ("x + " + "9" * 400, "an int beyond 1.8e308", "9" * 71),
        ("x ** * 2", "invalid syntax", "*"),
        ("(x", "'(' was never closed", "("),
    ],
)
def test_a_mistake_is_pointed_at(source: str, said: str, pointed: str) -> None:
    with pytest.raises(Mistake) as caught:
        evaluate(source, {"x": Value(1.0, "x"), "日本": Value(0.0, "日本")})
    message, line, marks = str(caught.value).split("\n")
    assert said in message
    assert "numeric_mode" not in message
    assert ".py:" not in message
    at = marks.index("^")
    assert line[at : at + marks.count("^")] == pointed


@pytest.mark.parametrize(
    "source",
    [
        "-" * 10**6 + "x",
        "+".join("x" * 10**5),
        "**".join("x" * 10**5),
        "tanh(" * 10**4 + "x" + ")" * 10**4,
        "(" * 150 + "x",
        "[" * 150,
        "x" * 10**6,
        "9" * 10**5,
        "x\0",
        "\ud800",
        "",
        " ",
        "f'{x}'",
        "x := 1",
        "import os",
        "__import__('os').system('false')",
        "().__class__.__base__.__subclasses__()",
        "[x] * 10**9",
        "'a' * 10**9",
        "10**10**10 * x",
    ],
    ids=lambda source: f"{len(source)} of {source[:9]!r}",
)
def test_hostile_input_is_a_mistake_and_nothing_else(source: str, run: Run) -> None:
    with pytest.raises(Mistake):
        evaluate(source, {"x": Value(1.0)})
    out, err, code = run(f" {source}", "x=1")
    assert (out, code) == ("", 2)
    assert err.startswith("python -m engine: ")
    assert len(err) < 3000


@given(st.text(alphabet="xy(),.*+-/[]=_'1e \n:{}@", max_size=20))
def test_any_text_at_all_is_a_number_or_a_mistake(source: str) -> None:
    with contextlib.suppress(Mistake):
        assert isinstance(evaluate(source, {"x": Value(1.0)}), Value)


def test_a_long_sum_of_many_operands_is_an_ordinary_graph() -> None:
    x = Value(1.0)
    y = evaluate("+".join(["x"] * 2000), {"x": x})
    y.backward()
    assert (y.data, x.grad) == (2000.0, 2000.0)
    assert evaluate(f"sum([{','.join(['x'] * 10_000)}])", {"x": x}).data == 10_000.0


# --- the command ---------------------------------------------------------------------------------
def test_it_prints_value_gradients_and_tree(run: Run) -> None:
    out, err, code = run("tanh(x*w + b)", "x=2", "w=-3", "b=6.5")
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    y = engine.tanh(x * w + b)
    y.backward()
    head, table, drawn = out.split("\n\n")
    assert head == f"tanh(x*w + b) = {y.data}"
    rows = [line.split() for line in table.split("\n")[1:]]
    assert rows == [[str(v.label), repr(v.data), repr(v.grad)] for v in (x, w, b)]
    assert drawn.split("\n")[1].startswith("tanh((x * w) + b)  ")
    assert drawn.count("\n") == tree(y).count("\n") + 1
    assert (err, code) == ("", 0)


def test_the_table_stands_in_columns(run: Run) -> None:
    out, _, _ = run("x*w*long", "x=-2", "w=1e-7", "long=1/3")
    table = out.split("\n\n")[1].split("\n")
    first, second = table[0].index("value"), table[0].index("gradient")
    assert [line[first] for line in table[1:]] == ["2", "1", "0"]
    assert {line[first - 2] + line[second - 2] for line in table} == {"  "}


def test_numbers_may_be_computed_and_a_name_that_is_not_used_has_no_gradient(run: Run) -> None:
    out, _, code = run("x * e", "x=-pi/2", "y=1e3", "e=3")
    rows = [line.split() for line in out.split("\n\n")[1].split("\n")[1:]]
    assert rows == [
        ["x", repr(-math.pi / 2), "3.0"],
        ["y", "1000.0", "0.0"],
        ["e", "3.0", repr(-math.pi / 2)],
    ]
    assert code == 0


def test_a_minus_in_front_is_no_option(run: Run) -> None:
    assert run("-x**2", "x=3")[0].startswith("-x**2 = -9.0\n")
    assert run("--tree", "-x", "x=3")[0].startswith("-x = -3.0\n")


def test_it_says_why_a_gradient_is_what_it_is(run: Run) -> None:
    out, _, code = run("relu(3*x)", "x=-2", "--why", "x")
    assert (code, "(a dead ReLU)" in out.splitlines()[-1]) == (0, True)
    out, err, code = run("relu(3*x)", "x=-2", "--why", "y")
    assert (out, code) == ("", 2)
    assert "--why takes the name of a number, got y; there are x" in err


def test_pictures_are_written_where_they_are_asked_for(run: Run, tmp_path: Path) -> None:
    paths = {kind: tmp_path / f"y.{kind}" for kind in ("svg", "png", "dot")}
    options = [word for kind, path in paths.items() for word in (f"--{kind}", str(path))]
    out, _, code = run("dot([x, w], [2, 3])", *options, "x=1", "w=2")  # in any order
    assert code == 0
    assert out.endswith(f"written: {' '.join(map(str, paths.values()))}\n")
    assert "─" not in out  # no tree
    titles = [each.text or "" for each in ET.parse(paths["svg"]).iter() if "title" in each.tag]
    assert not any(".py" in title for title in titles)  # our own lines are not its origin
    assert any("x\ndata 1.0\ngrad 2.0" in title for title in titles)
    assert paths["png"].read_bytes().startswith(b"\x89PNG")
    folded = paths["dot"].read_text(encoding="utf-8")
    assert "rankdir=LR" in folded
    assert folded.count('class="edge"') == 2
    out, _, _ = run(
        "dot([x, w], [2, 3])", "x=1", "w=2", "--expand", "--direction=TB", *options, "--tree"
    )
    expanded = paths["dot"].read_text(encoding="utf-8")
    assert "rankdir=TB" in expanded
    assert expanded.count('class="edge"') == 4
    assert "─" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x*w + w + v", "w=2"], "x, v have no number; .* 'x[*]w [+] w [+] v' w=2.0 x=1 v=1\n"),
        (["x", "+", "2", "x=1"], "'[+]' is not a binding such as x=2; put quotes around"),
        (["x", "x=1", "x=2"], "x is given twice"),
        (["x", "x=two"], "'x=two' binds x to no number; give one, such as x=2 or x=pi/2"),
        (["x", "x="], "'x=' binds x to no number"),
        (["x", "x=log(0)"], "binds x to no number"),
        (["x", "if=1"], "'if=1' is not a binding"),
        (["sqrt(x)", "x=0"], r"the gradient of x=0.0 is inf: through sqrt\(x=0.0\)"),
        (["x", "x=1", "--svg", "/nowhere/at/all.svg"], "No such file or directory: '/nowhere"),
        (["x", "x=1", "--svg", "y.png"], "--svg writes .svg files, got y.png; give it that suffix"),
        (["x", "x=1", "--svg", "y.svg", "--sgv=2"], "unrecognized arguments: --sgv=2"),
        ([], "required: EXPRESSION"),
        (["x", "x=1", "--direction", "up"], "invalid choice: 'up'"),
    ],
)
def test_errors_of_use_are_one_message_and_code_2(
    run: Run, arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, err, code = run(*arguments)
    assert code == 2
    assert re.search(said, err, re.S)
    assert "Traceback" not in err


def test_without_a_layout_program_it_says_so_after_the_numbers(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRADWALK_DOT", str(tmp_path / "missing"))
    out, err, code = run("x", "x=1", "--svg", str(tmp_path / "x.svg"))
    assert out.startswith("x = 1.0\n")
    assert "GRADWALK_DOT" in err
    assert code == 2
    assert not (tmp_path / "x.svg").exists()


def test_help_is_short_and_its_examples_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    out, _, code = run("--help")
    assert code == 0
    assert out.count("\n") < 40
    examples = [shlex.split(line)[3:] for line in out.splitlines() if line.startswith("  python")]
    assert len(examples) == 2
    assert [run(*example)[2] for example in examples] == [0, 0]
    assert (tmp_path / "y.svg").exists()


def test_a_terminal_without_lines_gets_question_marks_and_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    main(["µ*2", "µ=1"])
    sys.stdout.flush()
    assert written.getvalue().startswith(b"?*2 = 2.0\n")


def test_it_is_a_program() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "engine", "x**2 + 3*x", "x=2"],
        cwd=Path(__file__).parents[2],
        env={"PATH": "", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert ran.stdout.startswith("x**2 + 3*x = 10.0\n")
    assert "\nx   2.0     7.0\n" in ran.stdout
    assert ran.stderr == ""
