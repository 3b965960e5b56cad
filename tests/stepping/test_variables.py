"""What the variables pane shows, without a debugger; and as PyCharm's asks for it."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value
from engine.stepping.variables import SHOWN, EdgeView, Parents, assign, children, text
from tests.stepping.pythons import ROOT

LABELS = st.none() | st.text(max_size=60) | st.sampled_from(["a\nb", "\x00", "\ud800", "__x__"])
NUMBERS = st.floats() | st.sampled_from([0.0, -0.0, 5e-324, 1e300])


@given(LABELS, LABELS, NUMBERS, NUMBERS, st.integers(0, 9))
def test_everything_is_one_short_line(one: str, two: str, a: float, b: float, pick: int) -> None:
    x, y = Value(a, one), Value(b, two)
    with engine.numeric_mode("ieee"):
        made = [x + y, x * x, x**2, x / y, x.exp(), engine.dot([x, y], [y, x]), engine.sum([x, y])]
        top = made[pick % len(made)]
        top.backward()
        run = top.trace_backward()
    todo, seen = [top, x, run, run.step(), next(top.forward_steps())], 0
    while todo and seen < 200:
        thing = todo.pop()
        seen += 1
        line = text(thing)
        assert line.isprintable() or not line.replace("\xa0", " ").isascii()
        assert "\n" not in line
        assert len(line) < 300
        rows = children(thing)
        names = [name for name, _, _ in rows]
        assert len(set(names)) == len(names)  # a pane shows equal names once
        todo += [value for _, value, _ in rows if isinstance(value, SHOWN)]


@given(st.integers(0, 6), NUMBERS, NUMBERS)
def test_what_is_said_in_python_is_what_is_shown(pick: int, a: float, b: float) -> None:
    x, y = Value(a), Value(b)
    with engine.numeric_mode("ieee"):
        node = [x + y, x * x, x**2, x / y, x.exp(), engine.softmax([x, y])[0], x][pick]
        run = node.trace_backward()
    for thing in (node, run):
        for _, value, said in children(thing):
            if said is not None:
                meant = eval(f"thing{said}", {"thing": thing})
                shown = value.parent if isinstance(value, EdgeView) else value
                assert shown is meant or shown == meant or shown != shown


def test_edges_say_what_backward_hands_on() -> None:
    x, w = Value(0.501, "x"), Value(2.0, "w")
    n = x * w
    n.backward(3.0)
    rows = {name: text(value) for name, value, _ in children(n) if isinstance(value, EdgeView)}
    assert rows == {"<- x": "local 2  contributes 6", "<- w": "local 0.501  contributes 1.503"}
    w.data = 5.0
    assert text(children(n)[-1][1]) == "changed since: build the expression again"


def test_many_parents_come_in_groups_and_none_is_lost() -> None:
    for count in (100, 101, 1999, 2000, 2001, 5000):
        xs = [Value(float(i)) for i in range(count)]
        rows = children(engine.sum(xs))
        assert len(rows) <= 100 + 5
        edges = [value for _, value, _ in rows if isinstance(value, EdgeView)]
        for _, value, _ in rows:
            if isinstance(value, Parents):
                inside = [edge for _, edge, _ in children(value)]
                ends = xs.index(inside[0].parent), xs.index(inside[-1].parent)
                assert text(value) == f"parents {ends[0]} to {ends[1]} of {count}"
                edges += inside
        shown = [edge.parent for edge in edges]
        assert shown == xs[: len(shown)]
        if left := count - len(shown):
            assert rows[-1][1] == f"{left:,} more: see .parents"
        assert [name for name, *_ in rows].count("…") == bool(left)


def test_only_one_node_is_looked_at() -> None:
    calls = []

    def partial(y: float, x: float) -> float:
        calls.append(x)
        return 1.0

    same = engine.operation("test_variables_same", lambda x: x, partial)
    node = Value(1.0)
    for _ in range(1000):
        node = same(node)
    calls.clear()
    assert text(node)
    assert calls == []
    assert children(node)
    assert len(calls) == 1


def test_assigning_takes_numbers_for_data_of_leaves_and_grad() -> None:
    x = Value(1.0)
    y = x * 2
    run = y.trace_backward()
    assign(x, "data", 3)
    assign(children(y)[-2][1], "grad", 4)
    assert (x.data, x.grad) == (3.0, 4.0)
    for thing, name, value, error in [
        (x, "data", "3", TypeError),
        (x, "label", "z", AttributeError),
        (y, "data", 3.0, AttributeError),
        (run, "position", 1, AttributeError),
    ]:
        with pytest.raises(error):
            assign(thing, name, value)
    assert (x.data, x.label, y.data) == (3.0, None, 2.0)


PYCHARM = """
import importlib.util
spec = importlib.util.spec_from_file_location("pydevd_plugin_gradwalk", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from _pydevd_bundle.pydevd_extension_api import StrPresentationProvider, TypeResolveProvider
for kind in (StrPresentationProvider, TypeResolveProvider):
    assert issubclass(module.GradwalkProvider, kind)
provider = module.GradwalkProvider()
assert not provider.can_provide(int, "int") and "engine" not in sys.modules
from engine import Value
x, w = Value(2.0), Value(3.0)
n = x * w
assert provider.can_provide(Value, "Value")
import engine
assert not provider.can_provide(engine.StaleValueError, "StaleValueError")
print(provider.get_str(n, True), "|", provider.get_str(n, do_trim=False))
print(*provider.get_dictionary(n))
print(provider.get_str(provider.resolve(n, "<- w")))
print(provider.get_dictionary(3)["real"], provider.resolve(3, "imag"))  # not ours: as it would be
"""


def test_pycharm_asks_in_its_own_way() -> None:
    pydevd = (
        pytest.importorskip("debugpy", reason="pip install gradwalk[test]").__path__[0]
        + "/_vendored/pydevd"
    )
    plugin = ROOT / "engine" / "stepping" / "pydevd_plugin_gradwalk.py"
    program = f"import sys; sys.path[:0] = [{pydevd!r}, {str(ROOT)!r}]\n{PYCHARM}"
    ran = subprocess.run(
        [sys.executable, "-c", program, str(plugin)], capture_output=True, text=True, check=False
    )
    one, names, edge, fallback = ran.stdout.splitlines() or [ran.stderr] * 4
    assert one.startswith("data 6  grad 0  n = "), one
    left, _, right = one.partition(" | ")
    assert left == right
    assert names == "data grad op origin <- x <- w"
    assert edge == "local 2  contributes 0"
    assert fallback == "3 0"
