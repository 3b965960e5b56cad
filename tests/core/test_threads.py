"""Graphs in many threads: built and swept at once, apart or on shared parameters."""

import math
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import engine
from engine import NumericError, Value, gradient, no_grad, numeric_mode, topological
from engine.core.sweep import Gradients

THREADS = 8


@pytest.fixture(autouse=True)
def _threads_switch_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def together(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """What each thread gives; they start at once. An error in one is raised here."""
    barrier = threading.Barrier(threads)
    results: list[Any] = [None] * threads

    def run(i: int) -> None:
        barrier.wait(10)
        try:
            results[i] = work(i)
        except BaseException as error:  # noqa: BLE001 (to be raised in the test's own thread)
            results[i] = error

    each = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(threads)]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join(60)
        assert not thread.is_alive(), "threads wait for each other"
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def program(seed: int) -> list[float]:
    """Data and gradients, first and second, of a graph that depends on the seed."""
    xs = [Value(math.sin(seed + i)) for i in range(5)]
    h = xs
    for _ in range(20):
        h = [engine.dot(h, xs, bias=0.1).tanh() for _ in h]
    y = engine.logsumexp(h) * xs[0] + engine.sum(x * x for x in h)
    y.backward()
    slopes = gradient(y, xs)
    gradient(slopes[0], xs[1]).backward()
    return [node.data for node in topological(y)] + [x.grad for x in xs]


def test_graphs_of_their_own_do_not_disturb_each_other() -> None:
    alone = [program(i) for i in range(THREADS)]
    for _ in range(3):
        assert together(program) == alone


def test_gradients_of_shared_parameters_add_up_exactly() -> None:
    ws = [Value(float(i + 1), f"w{i}") for i in range(3)]
    rounds = 60

    def work(i: int) -> None:
        for k in range(rounds):
            x = float((i * 7 + k) % 5)
            y = engine.dot(ws, [x, 1.0, 2.0]) * 2.0 + ws[0] * ws[1]
            y.backward()

    together(work)
    first = sum(2.0 * ((i * 7 + k) % 5) + 2.0 for i in range(THREADS) for k in range(rounds))
    total = THREADS * rounds
    assert [w.grad for w in ws] == [first, total * 3.0, total * 4.0]


def test_sweeps_from_one_shared_graph_add_up_exactly() -> None:
    x, y = Value(2.0), Value(3.0)
    h = x * y
    roots = [h * float(i + 1) + x for i in range(THREADS)]

    def work(i: int) -> None:
        for _ in range(40):
            roots[i].backward()

    together(work)
    weight = 40 * sum(range(1, THREADS + 1))
    assert (x.grad, y.grad, h.grad) == (3.0 * weight + 40 * THREADS, 2.0 * weight, weight)


def test_a_sweep_that_fails_beside_others_loses_none_of_their_gradients() -> None:
    w = Value(4.0, "w")
    zero = Value(0.0, "zero")

    def work(i: int) -> int:
        errors = 0
        for _ in range(40):
            if i % 2:
                (w * 3.0).backward()
            else:
                with pytest.raises(NumericError):
                    (w * zero.sqrt()).backward()
                errors += 1
        return errors

    assert sum(together(work)) == 40 * THREADS // 2
    assert (w.grad, zero.grad) == (3.0 * 40 * THREADS // 2, 0.0)


def test_modes_and_no_grad_do_not_leak_between_threads() -> None:
    def work(i: int) -> None:
        for _ in range(150):
            if i % 4 == 0:
                with numeric_mode("ieee"):
                    assert Value(0.0).log().data == -math.inf
            elif i % 4 == 1:
                with no_grad():
                    assert (Value(2.0) * 3.0).parents == ()
            elif i % 4 == 2:
                with numeric_mode("ieee"):
                    assert math.isnan((Value(0.0).log() + Value(-1.0).sqrt()).data)
            with pytest.raises(NumericError):
                Value(0.0).log()
            assert len((Value(2.0) * 3.0).parents) == 2

    together(work)


def test_leaves_set_in_many_threads_stay_consistent() -> None:
    def work(i: int) -> float:
        w = Value(0.0)
        for _ in range(200):
            loss = (w - float(i)) ** 2
            w.grad = 0.0
            loss.backward()  # never stale: the leaves of the others are not below it
            w.data -= 0.25 * w.grad
        return w.data

    assert together(work) == pytest.approx([float(i) for i in range(THREADS)])


def test_copies_are_made_in_many_threads_also_of_one_graph() -> None:
    shared = Value(2.0)
    for _ in range(200):
        shared = shared * 1.01 + 0.5

    def work(i: int) -> tuple[float, int]:
        for _ in range(5):
            twin = pickle.loads(pickle.dumps(shared))
            twin.backward()
        return topological(twin)[0].grad, len(topological(twin))

    assert len(set(together(work))) == 1


def test_a_sweep_within_a_sweep_is_an_error_and_leaves_the_engine_ready() -> None:
    inner = Value(3.0, "inner")
    outcomes: list[str] = []

    def partial(y: Any, x: Any) -> Any:
        try:
            (inner * 2.0).backward()
        except RuntimeError as error:
            outcomes.append(str(error))
        return 2.0 * x

    nosy = engine.operation("nosy", lambda x: x * x, partial)
    x = Value(5.0)
    nosy(x).backward()
    assert len(outcomes) == 1
    assert outcomes[0].startswith("backward() was called within backward(); let the outer one end")
    assert (x.grad, inner.grad) == (10.0, 0.0)
    (inner * 2.0).backward()
    assert inner.grad == 2.0


def test_a_sweep_beside_the_open_steps_of_another_thread_says_so() -> None:
    steps = (Value(2.0) * Value(3.0)).backward_steps()
    next(steps)
    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError) as error:
        pool.submit((Value(1.0) * 2.0).backward).result()
    steps.close()
    assert str(error.value) == (
        "backward() was called while another thread is in backward_steps(); let that end first "
        "(a backward_steps() ends when it is gone through or closed)"
    )


def test_a_sweep_within_a_sweep_that_is_not_caught_changes_nothing() -> None:
    x = Value(5.0)
    y = x * x
    y.backward()

    def partial(y_: Any, x_: Any) -> Any:
        y.backward()
        return 1.0

    z = engine.operation("nosier", lambda x: x, partial)(y)
    with pytest.raises(RuntimeError, match="within backward"):
        z.backward()
    assert (x.grad, y.grad, z.grad) == (10.0, 1.0, 0.0)
    y.backward()
    assert x.grad == 20.0


def test_sweeps_run_within_gradients_that_are_set_aside_and_the_other_way_round() -> None:
    x = Value(3.0)
    y = x * x
    x.grad = 0.5
    with Gradients([x, y]) as gradients:
        gradients.begin()
        y.backward()
        assert x.grad == 6.0
    assert (x.grad, y.grad) == (0.5, 0.0)
    steps = y.backward_steps()
    next(steps)
    with Gradients([x, y]) as gradients:
        gradients.begin()
        assert (x.grad, y.grad) == (0.0, 0.0)
    assert (x.grad, y.grad) == (3.0, 1.0)
    assert [step.after for step in steps] == [6.0]
    assert x.grad == 6.5
