"""Large graphs are ordinary graphs: no recursion, little memory, no work for the collector."""

import gc
import sys
import time
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

import pytest

import engine
from engine import Value, gradient, jvp, numeric_mode, topological
from engine.freeing import free

MILLION = 1_000_000


@contextmanager
def hardly_any_recursion() -> Iterator[None]:
    limit, depth = sys.getrecursionlimit(), 0
    frame = sys._getframe()
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(depth + 60)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@contextmanager
def no_collector() -> Iterator[Callable[[], int]]:
    """Inside, only reference counts free anything; the function counts what they have not freed.

    That is Values and other objects of the core: threads of other tests may leave what they like.
    """

    def garbage() -> int:
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kinds = [*map(type, gc.garbage)]
        gc.set_debug(0)
        gc.garbage.clear()
        gc.collect()
        return sum(kind is Value or kind.__module__.startswith("engine.core") for kind in kinds)

    gc.collect()
    gc.disable()
    try:
        yield garbage
    finally:
        gc.enable()


def test_garbage_is_counted() -> None:
    with no_collector() as garbage:
        leaf = Value(1.0)
        held: list[object] = [leaf, leaf * 2.0]
        held.append(held)
        del held, leaf
        assert (garbage(), garbage()) == (2, 0)


def chain(x: Value, length: int) -> Value:
    y = x
    for _ in range(length):
        y = x - y
    return y


def test_a_chain_of_a_million_forward_backward_and_freed() -> None:
    with hardly_any_recursion(), no_collector() as garbage:
        x = Value(2.0)
        y = chain(x, MILLION)
        assert len(topological(y)) == MILLION + 1
        y.backward()
        assert (y.data, x.grad) == (2.0, 1.0)
        y.backward()
        assert x.grad == 2.0
        freed = weakref.ref(y.parents[1].parents[1])
        del y
        assert freed() is None
        assert garbage() == 0
    assert x.grad == 2.0


def test_everything_that_walks_a_graph_walks_a_deep_one() -> None:
    length = 20_000
    with hardly_any_recursion():
        x = Value(1.0)
        y = x
        for _ in range(length):
            y = (y + x).tanh()
        slope = gradient(y, x)
        assert jvp(y, {x: 1.0}).data == pytest.approx(slope.data, rel=1e-12)
        y.backward()
        assert x.grad == pytest.approx(slope.data, rel=1e-12)
        slope.backward()  # the second derivative, through a graph of several times the size
        y.zero_grad()
        assert x.grad == 0.0
        assert repr(y).startswith("Value(data=0.9")
        x.data = 2.0
        with pytest.raises(engine.StaleValueError):
            y.backward()


def test_an_error_at_the_bottom_of_a_deep_graph_is_found() -> None:
    x = Value(0.0, "x")
    y = x.sqrt()
    for _ in range(100_000):
        y = y + 1.0
    with hardly_any_recursion():
        with pytest.raises(engine.NumericError, match=r"^the gradient of x=0\.0 is inf: "):
            y.backward()
        with numeric_mode("ieee"):
            y.backward()
    assert x.grad == inf


def test_one_node_with_a_thousand_consumers_and_one_with_a_thousand_inputs() -> None:
    x = Value(3.0)
    consumers = [x * float(i) for i in range(1000)]
    y = engine.sum(consumers)
    y.backward()
    assert x.grad == sum(range(1000))
    assert len(topological(y)) <= 2 * 1000 + 2
    for f in (engine.logsumexp, lambda xs: engine.softmax(xs, 500), lambda xs: engine.dot(xs, xs)):
        xs = [Value((i + 1) / 1000) for i in range(1000)]
        f(xs).backward()
        assert all(x.grad for x in xs)


def test_a_graph_whose_paths_cannot_be_counted() -> None:
    x = Value(1.0)
    y = x
    for _ in range(200):
        y = y * 0.5 + y * 0.5  # 2**200 paths, 601 nodes and some numbers
    y.backward()
    assert x.grad == 1.0
    assert gradient(y, x).data == 1.0


def test_nothing_is_left_for_the_cycle_collector() -> None:
    xs = [Value(0.1 * (i + 1), f"x{i}") for i in range(4)]

    def work() -> None:
        h = [engine.dot(xs, xs, bias=x).tanh() for x in xs]
        y = engine.logsumexp(h) * engine.softmax(h)[1] + engine.sum(h) / h[0] ** 2
        y.backward()
        y.zero_grad()
        gradient(gradient(y, xs)[0], xs[1])
        engine.hessian(y, xs[:2])
        jvp(y, {xs[0]: 1.0})
        with numeric_mode("ieee"):
            Value(0.0).log().backward()
        with engine.no_grad():
            h[0] * h[1]
        repr(y)

    work()
    with no_collector() as garbage:
        work()
        assert garbage() == 0


def test_where_python_would_recurse_nodes_are_freed_in_a_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a browser. What somebody still holds stays whole."""
    assert not hasattr(Value, "__del__")  # here it would cost time, and is not needed
    monkeypatch.setattr(Value, "__del__", free, raising=False)
    with hardly_any_recursion(), no_collector() as garbage:
        x = Value(2.0)
        kept = chain(x, 10)
        y = chain(kept, 100_000) * kept
        gone = [weakref.ref(y), weakref.ref(y.parents[0].parents[1])]
        with pytest.raises(TypeError, match="a Value holds"):
            Value("2")  # type: ignore[arg-type]  # such a node was never finished
        del y
        assert [reference() for reference in gone] == [None, None]
        kept.backward()
        assert (len(topological(kept)), x.grad) == (11, 1.0)
        assert garbage() == 0


def test_errors_leave_nothing_for_the_cycle_collector() -> None:
    x, stale = Value(0.0, "x"), Value(1.0)
    old = stale * 2.0
    stale.data = 3.0
    attempts: list[Callable[[], object]] = [
        lambda: x.log(),
        lambda: x.sqrt().backward(),
        lambda: old.backward(),
        lambda: x + "a",
        lambda: setattr(old, "data", 3.0),
    ]

    def work() -> None:
        for attempt in attempts:
            try:
                attempt()
            except (ArithmeticError, RuntimeError, TypeError, AttributeError):
                continue
            raise AssertionError("no error")

    work()
    with no_collector() as garbage:
        work()
        assert garbage() == 0


@pytest.mark.parametrize(
    "step",
    [
        lambda y, x: y + x,
        lambda y, x: y - x,
        lambda y, x: y * x,
        lambda y, x: y / x,
        lambda y, x: x + y.relu(),
        lambda y, x: y + 1,
    ],
    ids=["+", "-", "*", "/", "relu", "+ number"],
)
def test_a_node_takes_at_most_240_bytes(step: Callable[[Value, Value], Value]) -> None:
    x = Value(1.0)
    y = step(x, x)
    with no_collector():
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            top = y
            for _ in range(20_000):
                top = step(top, x)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    made = len(topological(top)) - len(topological(y))  # where numbers are nodes, with them
    assert made >= 20_000
    assert (after - before) / made <= 240


def test_a_sweep_leaves_no_memory_behind() -> None:
    x = Value(1.0)
    y = chain(x, 10_000)
    y.backward()
    with no_collector():
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            y.backward()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert after - before < 24 * 10_000 + 5_000  # the floats of the gradients at most


def test_a_sweep_takes_time_in_proportion_also_where_a_number_is_infinite() -> None:
    """Zeros from above and an infinity somewhere (a mask, say) once cost a pass for each node."""

    def seconds(mask: float) -> float:
        x, best = Value(1.0), inf
        y = chain(x, 6000) * 0.0 + Value(mask)
        for _ in range(2):
            start = time.process_time()
            y.backward()
            best = min(best, time.process_time() - start)
        return best

    assert seconds(-inf) < 20 * seconds(0.0) + 0.1
