"""Where a node came from: the line of the user, and the exact span."""

import _thread
import copy
import functools
import json
import math
import operator
import pickle
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import Value, topological
from engine.core import origins
from engine.core.operation import rows
from nn import MLP, mse_loss
from tests.core.snippets import EVERY_PYTHON, execute, printed, spot

# --- places --------------------------------------------------------------------------------------
WAYS = """x + w;x - w;x * w;x / w;x ** w;x + 2;x - 2;x * 2;x / 2;x ** 2;2 + x;2 - x;2 * x;2 / x
2 ** x;-x;abs(x);x / x;x.exp();x.log();x.tanh();x.relu();x.gelu();x.leaky_relu();x.leaky_relu(w)
x.elu(w);x.detach();Value(1.0);exp(x);exp(2.0);tanh(x);leaky_relu(x, w);elu(x);gelu(x);hypot(x, 2)
hypot(2, x);clamp(x, 0, 1);clamp(x, w, 1);binary_cross_entropy(x * 0.1, 1);sum([x, w]);sum([x, 2])
binary_cross_entropy_with_logits(x, 1);dot([x], [w]);dot([x, 2], [3, w], 2);dot([x], [w], bias=w)
maximum(x, w);maximum(x, 2);minimum(2, x);logsumexp([x, w]);softmax([x, w])[0];softmax([x, w], 1)
log_softmax([x, w])[1];log_softmax([x, w], index=0);where(True, x, w);where(False, x, lambda: w)
where(True, lambda: x * 3, w);where(True, 2.0, x);cube(x);mul(x, w);mul(2.0, w);x.__mul__(w)
operator.mul(x, w);partial(hypot, x)(w);[y * w for y in [x]][0];next(map(tanh, [x]))
(lambda: x * w)();Value(1e300) * 1e300;log(Value(0.0));x.log().exp() + w / x
prod([x, w]);mean([x, 2]);var([x, w]);std([x, w], 0);norm([x, w]);hardtanh(x);x.mish();logit(x)"""


@pytest.mark.parametrize("quiet", [False, True], ids=["recorded", "no_grad"])
def test_every_way_of_making_a_node_names_the_line_of_the_user(quiet: bool) -> None:
    cube = engine.operation("origins_cube", lambda x: x * x * x, lambda y, x: 3 * x**2)
    given = {name: getattr(engine, name) for name in engine.__all__}
    given |= {"x": Value(0.5), "w": Value(0.25), "cube": cube, "mul": rows.mul}
    given |= {"operator": operator, "partial": functools.partial}
    for way in WAYS.replace("\n", ";").split(";"):
        with engine.numeric_mode("ieee"), engine.no_grad() if quiet else nullcontext():
            y = execute(f"\n\ny = ({way})", "ways.py", **given)["y"]
        new = {*topological(y)} - {*topological(given["x"], given["w"])}
        places: Any = [origins.place_of(n) for n in new if n.op is not engine.core.ops.CONSTANT]
        assert {(o.file, o.line, o.library) for o in places} == {("ways.py", 3, False)}, way
        assert all(o.code and o.code in way for o in places), way


def test_the_code_is_the_exact_span_of_the_expression() -> None:
    source = (
        "é = '日本🎉'; y = x * w + (  # σ\n    x\n  -   w )\n"
        "def f(σ, *, ω):\n    return [\n        'é' and σ.tanh() * (ω +\n            1.5)][0]\n"
        "z = f(\n    x, ω=w)\n"
    )
    made = execute(source, x=Value(2.0), w=Value(3.0))
    found = {spot(node) for node in topological(made["y"], made["z"]) if node.parents}
    assert sorted(each for each in found if "# σ" not in each[1]) == [
        (1, "x * w", "<module>"), (2, "x - w", "<module>"), (6, "σ.tanh()", "f"),
        (6, "σ.tanh() * (ω + 1.5)", "f"), (6, "ω + 1.5", "f"),
    ]  # fmt: skip


def test_code_without_source_or_positions_has_a_line_and_a_name(tmp_path: Path) -> None:
    names: dict[str, Any] = {"x": Value(2.0)}
    exec("\n\ny = x * 3", names)
    assert (spot(names["y"]), origins.name_of(names["y"])) == ((3, "", "<module>"), "y")
    script = tmp_path / "script.py"
    imports = "from engine import *; from engine.core.origins import place_of; x = Value(2.0)"
    script.write_text(f"{imports}\ny = x * 3\no = place_of(y); print(o.line, [o.code], o.name)")
    assert printed(sys.executable, "-X", "no_debug_ranges", str(script)) == "2 [''] y\n"


PLACES = {  # the first is a project that is called as we are
    "/home/someone/engine/run.py": "run.py:1", "<stdin>": "<stdin>:1", "日本:語.py": "日本:語.py:1",
    "<ipython-input-3-9c1e>": "In[3]:1", "/tmp/ipykernel_4711/1234567.py": "cell:1",
}  # fmt: skip


@pytest.mark.parametrize(("file", "shown"), PLACES.items())
def test_a_place_is_short_as_text(file: str, shown: str) -> None:
    origin: Any = origins.place_of(execute("y = x * 3", file, x=Value(2.0))["y"])
    assert (str(origin), origin.file, origin.library) == (shown, file, False)


def test_what_the_library_makes_is_told_from_what_its_user_makes() -> None:
    model = MLP(2, [3, 1], rng=1)
    loss = mse_loss([model([1.0, 2.0])], [0.5])
    slope = engine.gradient(loss, model.parameters()[0])
    for node in topological(loss, slope):
        assert origins.name_of(node) == node.label
        origin = origins.place_of(node)
        if origin is not None:  # else it is a number
            assert (origin.library, str(origin).split("/")[0] in ("nn", "engine")) == (True, True)
    mine = loss * 2
    assert origins.name_of(mine) == "mine"


def test_equal_code_under_two_file_names_is_never_mixed_up() -> None:
    made = [
        execute("def f(x):\n    y = x * 3\n    return y\ng = f(x)", file, x=Value(2.0))
        for file in ("one.py", "two.py", "one.py")
    ]
    assert made[0]["f"].__code__ == made[1]["f"].__code__  # Python takes them for the same
    assert [str(origins.place_of(m["g"])) for m in made] == ["one.py:2", "two.py:2", "one.py:2"]


def test_copies_keep_their_origin_and_pickles_and_numbers_have_none() -> None:
    x = Value(2.0, "x")
    y = (x * 3).tanh()
    for other in (copy.copy(y), copy.deepcopy(y)):
        for old, new in zip(topological(y), topological(other), strict=True):
            assert origins.place_of(new) == origins.place_of(old)
            assert origins.name_of(new) == origins.name_of(old)
    back = pickle.loads(pickle.dumps(y))
    assert {origins.place_of(node) for node in topological(back)} == {None}
    assert {origins.name_of(node) for node in topological(back)} == {"x", None}
    assert origins.place_of(y.parents[0].parents[1]) is None


# --- where Python is typed, and where no Python calls --------------------------------------------
TYPED = """\
from engine import *; from engine.core import origins
x, w = Value(2.0), Value(3.0)
n = x * w
def f(q):
    r = q.tanh(); return r

t = f(n) + 1
print("FOUND", sorted(filter(None, map(origins.name_of, topological(t)))), origins.place_of(n).line)
print("SPAN", [origins.place_of(n).code, origins.place_of(t.parents[0]).code, origins.source_of(n)])
"""


@EVERY_PYTHON
def test_what_was_typed_at_a_prompt_has_names(python: str) -> None:
    said = printed(python, "-iq", given=TYPED)
    assert "FOUND ['n', 'r', 't', 'w', 'x'] 1\n" in said
    kept = printed(python, "-c", "import sys; print(sys.version_info >= (3, 13))") == "True\n"
    spans = ["x * w", "q.tanh()", "n = x * w"] if kept else [""] * 3  # before, Python threw it away
    assert f"SPAN {spans}\n" in said


def test_cells_of_ipython_have_names_lines_and_source() -> None:
    pytest.importorskip("IPython", reason="IPython is not installed")
    cells = [
        "from engine import *; x, w = Value(2.0), Value(3.0)",
        "# é\n\nn = x * w; t = n.tanh()",
        "t",
        "from engine.core import origins as o; y = _ + x",
        "at = o.place_of",
        "print('FOUND', [(o.name_of(v), str(at(v)), at(v).code) for v in topological(y)])",
    ]
    code = """if True:
        import json, sys; from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell(); shell.history_manager.enabled = False
        for cell in json.load(sys.stdin): shell.run_cell(cell, store_history=True)"""
    assert printed(sys.executable, "-c", code, given=json.dumps(cells)).endswith(
        "FOUND [('x', 'In[1]:1', 'Value(2.0)'), ('w', 'In[1]:1', 'Value(3.0)'), "
        "('n', 'In[2]:3', 'x * w'), ('t', 'In[2]:3', 'n.tanh()'), ('y', 'In[4]:1', '_ + x')]\n"
    )


X = Value(2.0)
BARE = [
    (Value, 1.0), (X.detach,), (X.tanh,), (operator.add, X, X), (X.__rtruediv__, 3.0),
    (engine.exp, X), (engine.hypot, X, 3.0), (engine.dot, [X], [X]), (rows.mul, X, X),
]  # fmt: skip


@pytest.mark.parametrize("call", BARE, ids=lambda call: getattr(call[0], "__name__", call[0]))
def test_an_operation_works_where_no_line_of_python_called_it(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Value] = []
    errors: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", errors.append)
    # C calls C, as when a browser calls Python: the first frame of the thread is our own
    _thread.start_new_thread(made.extend, (map(operator.call, [functools.partial(*call)]),))
    while not (errors or made):
        time.sleep(0.001)
    assert not errors, errors[0].exc_value
    assert origins.name_of(made[0]) is None


def test_names_stay_when_python_has_met_a_call_often() -> None:
    """Python 3.11 then calls a builtin from another instruction than at first."""

    def f(x: Value) -> list[tuple[str | None, str | None]]:
        whole = math.floor(x)
        size = abs(x)
        near = round(x)
        made: Any = (whole, size, near)
        places = [origins.place_of(node) for node in made]
        return [(origins.name_of(n), p.called) for n, p in zip(made, places, strict=True) if p]

    first = f(Value(2.5, "x"))
    assert first == [("whole", "floor"), ("size", "abs"), ("near", "round")]
    for _ in range(50):
        assert f(Value(2.5, "x")) == first
