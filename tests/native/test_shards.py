"""Large calls of programs: shards of rows, which threads of their own compute."""

import math
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import NumericError, Program, Value, gradient, log, operation
from engine.native import threads
from engine.native.team import Pace
from tests.native.test_threads import network
from tests.native.tools import same_bits


@pytest.fixture(autouse=True, params=["alone", "with helpers"])
def small_shards(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = request.param == "with helpers"
    monkeypatch.setattr(Pace, "shared", property(lambda _: shared, lambda *_: None), raising=False)
    monkeypatch.setattr(threads, "GRAIN", 2000)
    monkeypatch.setattr(threads, "LARGE", 4000)
    monkeypatch.setattr(threads, "PER_TOTAL", 1)
    monkeypatch.setattr(threads, "BLOCKS", 0)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def use(many: int) -> None:
        monkeypatch.setattr(threads, "workers", lambda: many)

    return use


@given(rows=st.integers(1, 3000), many=st.integers(2, 9))
@settings(max_examples=30, deadline=None)
def test_any_number_of_workers_gives_the_same_bits(rows: int, many: int) -> None:
    each, mean, _ = network()
    given = np.random.default_rng(rows).normal(size=(rows, 4))
    for run in (each, mean):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threads, "workers", lambda: 1)
            alone = run(given)
            patch.setattr(threads, "workers", lambda: many)
            assert same_bits(run(given), alone)


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("rows", [1, 999, 4096, 5001])
def test_totals_are_those_of_exact_sums(reduce: Any, rows: int) -> None:
    x, w = Value(0.0, "x"), Value(0.3, "w")
    y = (w * x).tanh() * 1.25
    mine = Program([x], [y, gradient(y, w), w * 3.0], [w], reduce)
    each = Program([x], [y, gradient(y, w), w * 3.0], [w])
    given = np.random.default_rng(rows).normal(size=(rows, 1))
    want = np.array([math.fsum(column) for column in each(given).T])
    got = mine(given)
    assert (threads.shard_count(rows, mine.shard) > 1) is (rows > 1)
    np.testing.assert_allclose(got, want / (rows if reduce == "mean" else 1), 1e-13, 1e-13)
    if reduce == "mean":
        assert got[2] == 0.3 * 3.0  # the mean of what is the same has its bits


def test_rows_of_any_strides_are_cut_where_they_are(workers: Callable[[int], None]) -> None:
    each, mean, _ = network()
    wide = np.random.default_rng(1).normal(size=(5000, 8))
    workers(3)
    for array in (wide[::2, 1::2], wide[::-1, :4], np.asfortranarray(wide[:, :4])):
        for run in (each, mean):
            assert same_bits(run(array), run(np.ascontiguousarray(array)))


def test_an_error_in_a_shard_names_the_row(workers: Callable[[int], None]) -> None:
    x = Value(1.0, "x")
    y = log(x)
    given = np.linspace(1.0, 2.0, 40_000)[:, None]
    given[31_234] = 0.0
    workers(2)
    for reduce in (None, "mean", "sum"):
        run = Program([x], [y], reduce=reduce)
        assert len(given) > 2.0 * run.shard
        with pytest.raises(NumericError, match=r"row 31234: .*log"):
            run(given)
        given[31_234], kept = 1.0, given[31_234].copy()
        assert np.isfinite(run(given)).all()
        given[31_234] = kept


def test_a_pool_that_is_busy_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, done = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(threads, "_pool", lambda: pool)
        pool.submit(lambda: (busy.set(), done.wait(60)))
        busy.wait(60)
        try:
            assert threads.together([partial(abs, -k) for k in range(4)]) == [0, 1, 2, 3]
        finally:
            done.set()


def test_helpers_are_had_for_large_calls_at_once_and_for_others_as_it_pays(
    workers: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    workers(2)
    monkeypatch.undo()
    workers(2)
    woken = list[bool]()

    class Loud(threads.Team):
        def share(self, calls: bytes, spaces: Any, wake: bool) -> bool | None:
            woken.append(wake)
            return super().share(calls, spaces, wake)

    made = Loud(1, threads.compile_text)
    monkeypatch.setattr(threads, "_team", lambda: made)
    monkeypatch.setattr(threads, "GRAIN", 2000)
    each, _, _ = network()
    for large, wanted in ((1, [True]), (1 << 60, [])):
        monkeypatch.setattr(threads, "LARGE", large)
        woken.clear()
        program = Program(each.inputs, each.outputs, each.parameters)
        program(np.ones((3000, 4)))
        assert woken == wanted
        noted: Any = program._compiled.pace
        assert (noted._rows, noted._spent > 0.0) == (3000, True)
    made.end()


def test_programs_in_threads_that_share_the_pool(workers: Callable[[int], None]) -> None:
    _, mean, _ = network()
    batches = [np.random.default_rng(k).normal(size=(3000 + k, 4)) for k in range(6)]
    workers(1)
    want = [mean(batch) for batch in batches]
    workers(3)
    with ThreadPoolExecutor(6) as pool:
        for _ in range(20):
            got = list(pool.map(mean, batches))
            assert all(map(same_bits, got, want))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork, which Windows has not")
def test_a_forked_child_has_threads_of_its_own(workers: Callable[[int], None]) -> None:
    workers(2)
    each, _, _ = network()
    given = np.ones((3000, 4))
    want, inherited = each(given), threads._team()
    child = os.fork()
    if not child:
        right = same_bits(each(given), want)
        inherited.end()  # as Python does at its exit
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_error_waits_for_what_other_threads_write() -> None:
    begun, ended = threading.Event(), []

    def fails() -> None:
        begun.wait(60)
        raise KeyboardInterrupt

    def writes() -> None:
        begun.set()
        threading.Event().wait(0.05)
        ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        threads.together([fails, writes])
    assert ended == [True]


def test_workers_are_as_many_as_omp_num_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    threads.workers.cache_clear()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    try:
        assert threads.workers() == 3
        threads.workers.cache_clear()
        monkeypatch.setenv("OMP_NUM_THREADS", "many")
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 2, 5, 6, 7}, raising=False)
        assert threads.workers() == 5
    finally:
        threads.workers.cache_clear()


def test_what_was_handed_over_before_python_exits_is_not_done_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = []
    with ThreadPoolExecutor(1) as pool:
        submit = pool.submit

        def until_exit(*task: Any) -> Any:
            monkeypatch.setattr(pool, "submit", refused)
            return submit(*task)

        def refused(*task: Any) -> None:
            raise RuntimeError("cannot schedule new futures after shutdown")

        monkeypatch.setattr(pool, "submit", until_exit)
        monkeypatch.setattr(threads, "_pool", lambda: pool)
        assert threads.together([partial(done.append, k) for k in range(4)]) == [None] * 4
    assert sorted(done) == [0, 1, 2, 3]


@pytest.mark.parametrize("rows", [1, 9, 3000])
def test_ctrl_c_in_a_function_that_is_called_is_no_number(
    rows: int, workers: Callable[[int], None]
) -> None:
    """What is raised there goes nowhere: the answer would be wrong, and the program would go on."""
    workers(2)
    press = [False]

    def pressed(a: float) -> float:
        if press[0]:
            press[0] = False
            signal.raise_signal(signal.SIGINT)
        return a + 1.0

    x = Value(0.0, "x")
    run = Program([x], [operation("pressed", pressed, lambda y, a: 1.0)(x)])
    given = np.linspace(0.0, 1.0, rows)[:, None]
    press[0] = True
    with pytest.raises(KeyboardInterrupt):
        run(given)
    assert same_bits(run(given), given + 1.0)
