"""copy, deepcopy and pickle: sharing, order, gradients and staleness survive; no recursion."""

import copy
import gc
import io
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import engine
from engine import StaleValueError, Value, topological
from engine.core.operation import TABLE, lookup

Copier = Callable[[Any], Any]


def python_pickle(thing: Any) -> Any:
    file = io.BytesIO()
    pickle._Pickler(file, 5).dump(thing)
    return pickle._Unpickler(io.BytesIO(file.getvalue())).load()


COPIERS: dict[str, Copier] = {
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {protocol}": lambda thing, protocol=protocol: pickle.loads(
            pickle.dumps(thing, protocol)
        )
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
    "pickle in Python": python_pickle,
}
every_copy = pytest.mark.parametrize("copied", COPIERS.values(), ids=COPIERS)


def graph() -> tuple[Value, Value, Value, Value]:
    """X, w, a node above both that is shared, and a root."""
    x, w = Value(0.5, "x"), Value(-2.0, "w")
    h = (x * w + 1.0).tanh()
    y = engine.dot([h, x], [w, h], bias=0.25) + engine.logsumexp([h, x, w]) * x**2
    y.label = "loss"
    return x, w, h, y


def same(one: Value, other: Value) -> bool:
    """Whether two graphs are equal, node by node, and share none."""
    left, right = topological(one), topological(other)
    place = {node: i for i, node in enumerate(left)}
    place |= {node: i for i, node in enumerate(right)}
    return len(left) == len(right) == len(place) - len(left) and all(
        (a.data, a.grad, a.op, a.label, type(a)) == (b.data, b.grad, b.op, b.label, type(b))
        and [place[p] for p in a.parents] == [place[p] for p in b.parents]
        for a, b in zip(left, right, strict=True)
    )


@every_copy
def test_a_graph_survives_with_equal_gradients(copied: Copier) -> None:
    *_, y = graph()
    twin = copied(y)
    assert same(y, twin)
    y.backward()
    assert twin.grad == 0.0  # the copy has gradients of its own
    twin.backward()
    assert same(y, twin)
    assert same(y, copied(y))  # which are copied too


@every_copy
def test_sharing_is_kept_within_one_copy(copied: Copier) -> None:
    x, w, h, y = graph()
    (x2, y2), (h2, y3), more = copied(((x, y), (h, y), {"w": [w, w], "y": y}))
    assert y2 is y3 is more["y"]
    assert more["w"][0] is more["w"][1]
    nodes = topological(y2)
    assert {x2, h2, more["w"][0]} <= set(nodes)
    assert (x2.label, more["w"][0].label) == ("x", "w")
    assert same(y, y2)
    # and in whatever order the nodes are met: roots first, leaves first, roots above one another
    z = y * h
    for things in ([y, z, x], [x, z, y], [z, y, h], [h, y, z, h]):
        made = copied(things)
        everything = set(topological(*made))
        assert len(everything) == len(topological(*things))


@every_copy
def test_separate_copies_share_nothing(copied: Copier) -> None:
    *_, y = graph()
    one, two = copied(y), copied(y)
    assert not set(topological(one)) & set(topological(two))
    one.backward()
    assert {node.grad for node in topological(two)} == {0.0}


@pytest.mark.parametrize("how", ["deepcopy", "pickle 5"])
def test_a_deep_chain_survives(how: str) -> None:
    x = Value(1.0, "x")
    y = x
    for _ in range(100_001):
        y = x - y
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    try:
        x2, y2 = COPIERS[how]((x, y))
    finally:
        sys.setrecursionlimit(limit)
    y.backward()
    y2.backward()
    assert (x2.grad, y2.data, len(topological(y2))) == (x.grad, y.data, 100_002)


def test_a_chain_survives_the_pickler_in_python() -> None:
    x = Value(1.0)
    y = x
    for _ in range(3000):
        y = y + x
    twin = python_pickle(y)
    assert same(y, twin)


def test_a_shallow_copy_is_a_node_of_its_own_on_the_same_parents() -> None:
    x, _, _, y = graph()
    y.backward()
    twin = copy.copy(y)
    assert twin is not y
    assert (twin.data, twin.grad, twin.op, twin.label) == (y.data, y.grad, y.op, y.label)
    assert twin.parents == y.parents
    leaf = copy.copy(x)
    leaf.data = 7.0
    assert x.data == 0.5
    y.backward()  # which did not go stale


@every_copy
def test_a_leaf_and_a_labelled_result_keep_what_they_have(copied: Copier) -> None:
    x = Value(float("inf"), "x")
    x.grad = -0.0
    twin = copied(x)
    assert repr(twin) == repr(x) == "Value(data=inf, grad=-0.0, label='x')"
    twin.data = 3.0  # a leaf is a leaf
    y = copied(Value(2.0) * 3.0)
    with pytest.raises(AttributeError, match="cannot be set, since it was computed"):
        y.data = 1.0
    y.parents[0].data = 1.0


# --- the clock of changes -------------------------------------------------------------------------
@every_copy
def test_staleness_is_that_of_the_copy(copied: Copier) -> None:
    x, _, _, y = graph()
    x2, y2 = copied((x, y))
    x2.data = 9.0
    with pytest.raises(StaleValueError):
        y2.backward()
    y.backward()
    x.data = 9.0
    with pytest.raises(StaleValueError):
        y.backward()
    x3, y3 = copied((x, y))  # stale it was, stale it is
    with pytest.raises(StaleValueError):
        y3.backward()
    (x3 * 2).backward()
    assert x3.grad == x.grad + 2.0


def test_loading_in_another_process_where_less_has_changed() -> None:
    x, y = Value(1.0, "x"), Value(2.0, "y")
    for i in range(50):
        x.data = float(i)  # so that the clock here is ahead of that there
    program = (
        "import pickle, sys\n"
        "x, z = pickle.loads(sys.stdin.buffer.read())\n"
        "z.backward(); assert x.grad == 2.0, x\n"
        "x.data = 5.0\n"
        "try: z.backward()\n"
        "except Exception as e: print(type(e).__name__)\n"
        "(x * 3).backward(); print(x.grad)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps((x, x * y)),
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.stdout.decode().split() == ["StaleValueError", "5.0"]


def test_loading_what_is_ahead_does_not_hide_later_changes_here() -> None:
    x, y = Value(1.0), Value(2.0)
    z = x * y
    twin = copy.copy(x)
    twin._epoch += 1_000_000  # as if it came from a process in which much was changed
    loaded = pickle.loads(pickle.dumps(twin))
    mixed = loaded * z
    mixed.backward()
    x.data = 3.0
    with pytest.raises(StaleValueError):
        z.backward()
    loaded.data = 3.0
    with pytest.raises(StaleValueError):
        mixed.backward()


# --- operations by name ---------------------------------------------------------------------------
def test_operations_are_pickled_by_name() -> None:
    for row in TABLE.values():
        assert pickle.loads(pickle.dumps(row)) is row
        assert copy.deepcopy(row) is row
        assert copy.copy(row) is row


@every_copy
def test_an_own_operation_is_found_by_its_name(copied: Copier) -> None:
    cube = engine.operation("cube", lambda x: x**3, lambda y, x: 3 * x**2)
    x = Value(2.0, "x")
    x2, y2 = copied((x, cube(x)))
    assert y2.op is cube
    y2.backward()
    assert x2.grad == 12.0


def test_an_own_operation_that_is_missing_is_named_and_so_is_the_remedy() -> None:
    cube = engine.operation("cube", lambda x: x**3, lambda y, x: 3 * x**2)
    dumped = pickle.dumps(cube(Value(2.0)))
    del TABLE["cube"]
    for attempt in (lambda: pickle.loads(dumped), lambda: lookup("cube")):
        with pytest.raises(KeyError) as error:
            attempt()
        assert error.value.args[0] == (
            "no operation is called 'cube'; if it is your own, register it with "
            "engine.operation(...) before you load what uses it"
        )


# --- a copy that fails ----------------------------------------------------------------------------
class FullDisk(io.RawIOBase):
    def write(self, data: Any) -> int:
        raise OSError("no space left")


def test_a_dump_that_failed_does_not_spoil_the_next() -> None:
    def attempts() -> bool:
        y = Value(1.0)
        for _ in range(20_000):
            y = y + 1.0
        with pytest.raises(OSError, match="no space left"):
            pickle.dump(y, FullDisk())
        return same(y, pickle.loads(pickle.dumps(y)))

    with ThreadPoolExecutor(1) as thread:  # a thread of its own, should it spoil that
        assert thread.submit(attempts).result()


@every_copy
def test_copies_leave_nothing_for_the_cycle_collector(copied: Copier) -> None:
    *_, y = graph()
    gc.collect()
    gc.disable()
    try:
        copied((y, [y]))
        assert gc.collect() == 0
    finally:
        gc.enable()
