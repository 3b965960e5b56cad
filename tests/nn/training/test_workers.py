"""Who computes what: one order of additions, work that is sent once, errors that say where."""

import os
import random
import signal
import tempfile
import time
from concurrent.futures import (
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import NumericError, numeric_mode
from engine.native.threads import added, border, shard_count
from nn import MLP, fit
from nn.training import workers
from nn.training.workers import WorkerPool
from tests.nn.training.pools import XS, YS, Meddler, Weigher, programs, train

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
pytestmark = pytest.mark.usefixtures("small_shards")


# --- the order of additions ----------------------------------------------------------------------
@given(st.integers(0, 7), st.lists(st.integers(0, 127), max_size=9), st.integers())
def test_totals_are_added_in_one_order_however_they_were_shared(
    levels: int, cuts: list[int], seed: int
) -> None:
    many, rng = 1 << levels, random.Random(seed)
    numbers = [rng.gauss(0, 1) * 10.0 ** rng.randrange(-9, 9) for _ in range(many)]

    pairs = list(numbers)  # an oracle that needs no numbers of shards
    while len(pairs) > 1:
        pairs = [a + b for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
    shards = [(i, 1, np.array([x])) for i, x in enumerate(numbers)]
    borders = sorted({0, many, *[cut for cut in cuts if cut < many]})
    pieces = [piece for a, b in pairwise(borders) for piece in added(shards[a:b])]
    assert sum(size for _, size, _ in pieces) == many
    assert all(first % size == 0 for first, size, _ in pieces)
    ((first, size, total),) = added(pieces)
    assert (first, size, total.tolist()) == (0, many, pairs)


@given(st.integers(1, 10_000))
def test_shards_have_every_row_once_and_about_as_many(rows: int) -> None:
    many = shard_count(rows, programs().steps[0, 0].programs[0].shard)
    assert many <= rows
    assert many.bit_count() == 1
    borders = [border(rows, many, i) for i in range(many + 1)]
    sizes = [b - a for a, b in pairwise(borders)]
    assert (borders[0], borders[-1]) == (0, rows)
    assert max(sizes) - min(sizes) <= 1


# --- what is sent --------------------------------------------------------------------------------
def test_workers_read_the_work_once() -> None:
    """And in whatever order they are asked."""
    work, theta, alone = programs(), np.array([2.0]), WorkerPool(programs())
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(time.sleep, [0.2, 0.2]))  # they are there before the work is known
        weigher = Weigher(pool)
        mine = WorkerPool(work, weigher)
        for many in (1, 1, 1, 2, 2, 2, 2, 2, 2):
            mine.workers = many
            for batch in (range(400), [*range(100, 300)], [7] * 90):
                assert mine.totals(theta, batch).tolist() == alone.totals(theta, batch).tolist()
        file = Path(mine._file)
        assert file.stat().st_mode & 0o77 == 0
        asked = weigher.count
        file.unlink()  # nobody needs it any more
        for step in range(8):
            mine.workers = 1 + step % 2
            assert mine.outputs(theta, 0).tolist() == alone.outputs(theta, 0).tolist()
        assert weigher.count == asked + 8 * 2
        assert mine.sent == 0
        assert max(weigher.sizes) < 700 + 200 * 8


@pytest.mark.parametrize("missing", ["it cannot be written", "workers cannot read it"])
def test_where_there_is_no_file_the_work_comes_with_a_task(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(payload: bytes) -> str:
        if missing == "it cannot be written":
            raise OSError("no space left on device")
        return "/of/another/machine"

    monkeypatch.setattr(workers, "_write", write)
    work, theta, alone = programs(), np.array([2.0]), WorkerPool(programs())
    with ProcessPoolExecutor(1) as pool:
        pool.submit(os.getpid).result()
        mine = WorkerPool(work, pool)
        for _ in range(5):
            assert (
                mine.totals(theta, range(400)).tolist() == alone.totals(theta, range(400)).tolist()
            )
        assert mine.sent == 1


def test_a_task_is_small() -> None:
    with ThreadPoolExecutor(2) as pool:
        weigher = Weigher(pool)
        mine = WorkerPool(programs(), weigher)
        mine.totals(np.zeros(1) + 2.0, range(400))
        mine.totals(np.zeros(1) + 2.0, range(399))
        mine.outputs(np.zeros(1) + 2.0, 0)
    slices, numbers = max(weigher.sizes[:2] + weigher.sizes[4:]), max(weigher.sizes[2:4])
    assert slices < 600
    assert numbers < 600 + 200 * 8


def test_workers_that_have_forgotten_are_told_again() -> None:
    want = train(None)
    with ThreadPoolExecutor(2) as pool:
        assert train(pool, callbacks=lambda history: workers._held.clear()) == want


def test_nothing_is_kept_when_a_training_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, seen = set(workers._held), []

    def look(history: Any) -> None:
        seen.extend(tmp_path.glob("gradwalk-*"))

    with ProcessPoolExecutor(1) as pool:
        pool.submit(os.getpid).result()
        train(pool, callbacks=look)
    assert seen
    assert list(tmp_path.glob("gradwalk-*")) == []
    assert set(workers._held) <= before


def test_workers_keep_few_trainings() -> None:
    works = [programs() for _ in range(workers.KEPT + 3)]
    for i, work in enumerate(works):
        workers._hold(f"test {i}", work)
    assert len(workers._held) == workers.KEPT
    for i in range(len(works)):
        workers._held.pop(f"test {i}", None)


# --- errors --------------------------------------------------------------------------------------
def test_a_bad_row_is_named_by_its_place_in_the_step() -> None:
    work = programs()
    work.tables[0].joined[317, 0] = 1e300
    with ThreadPoolExecutor(3) as pool:
        for each in (WorkerPool(work, pool), WorkerPool(work)):
            for ask in (
                lambda mine: mine.totals(np.array([1e-100]), range(400)),
                lambda mine: mine.outputs(np.array([1e-100]), 0),
            ):
                with pytest.raises(NumericError, match=r"row 317: "):
                    ask(each)
            with numeric_mode("ieee"):
                assert each.totals(np.array([1e-100]), range(400))[0] == np.inf


def test_other_executors_and_ways_are_refused_before_anything_changes() -> None:
    model, rng = MLP(2, [1], rng=1), random.Random(1)
    state, numbers = rng.getstate(), [p.data for p in model.parameters()]

    class Client:
        def get_executor(self) -> None: ...

    def own(outputs: Any, targets: Any) -> Any:
        return sum((x - y) ** 2 for x, y in zip(outputs, targets, strict=True))

    with ThreadPoolExecutor(1) as pool:
        wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
            (TypeError, r"got int; give ThreadPool", {"executor": 3}),
            (TypeError, r"got Client; give its get_executor\(\)", {"executor": Client()}),
            (ValueError, 'got backend="eager"', {"executor": pool, "backend": "eager"}),
            (ValueError, "no mean, .* leave out executor=", {"executor": pool, "loss": own}),
        ]
        for kind, words, how in wrong:
            with pytest.raises(kind, match=words):
                fit(model, XS, YS, **{"loss": "mse", "seed": rng, "progress": False, **how})
        with pytest.raises(ValueError, match='got backend="eager"'):  # before rows are held out
            fit(model, XS, YS, loss="mse", seed=rng, validation=0.5, backend="eager", executor=pool)
    assert rng.getstate() == state
    assert [p.data for p in model.parameters()] == numbers


def failed(error: Exception) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def cancelled() -> Future[Any]:
    future: Future[Any] = Future()
    future.cancel()
    return future


FAILURES: dict[str, tuple[Any, str]] = {
    "it was shut down": (lambda pool: pool.shutdown(), "after shutdown"),
    "the connection is lost": (lambda pool: failed(OSError("lost")), r"broke \(lost\)"),
    "an error without words": (lambda pool: failed(EOFError()), r"broke \(EOFError\)"),
    "a task is cancelled": (lambda pool: cancelled(), r"broke \(CancelledError\)"),
    "a worker never answers": (lambda pool: Future(), r"broke \(no answer in 0\.2 s\)"),
}


@pytest.mark.parametrize(("deed", "words"), FAILURES.values(), ids=FAILURES)
def test_when_an_executor_fails_the_training_goes_on_in_this_process(
    deed: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    want = train(None)
    if words.endswith("s\\)"):
        monkeypatch.setattr(workers, "SECONDS", 0.2)
    with ThreadPoolExecutor(2) as pool:
        meddler = Meddler(pool, 23, lambda: deed(pool))
        with pytest.warns(RuntimeWarning, match=f"{words}.*goes on in this process, to the same"):
            assert train(meddler) == want
    assert 23 <= meddler.count <= 24


def test_a_pool_that_was_shut_down_before_is_only_warned_of() -> None:
    pool = ThreadPoolExecutor(2)
    pool.shutdown()
    with pytest.warns(RuntimeWarning, match="after shutdown"):
        assert train(pool) == train(None)


def test_an_error_of_the_rows_ends_the_training_without_a_second_try() -> None:
    work = programs()
    with ThreadPoolExecutor(2) as pool:
        mine = WorkerPool(work, Meddler(pool, 1, lambda: failed(NumericError("row 3"))))
        work.tables[0].joined[317, 0] = 1e300
        with pytest.raises(NumericError, match="row 317"):
            mine.totals(np.array([1e-100]), range(400))
        assert mine.executor is not None


def test_fit_in_the_one_thread_of_its_pool_is_an_error() -> None:
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(ValueError, match=r"would wait for itself .* another executor, or none"):
            pool.submit(train, pool).result(60)
        assert pool.submit(train, None).result(60) == train(pool)
    with ThreadPoolExecutor(2) as two:
        assert two.submit(train, two).result(60) == train(None)


def test_ctrl_c_in_the_middle_of_a_step_keeps_the_best_epoch() -> None:
    def press() -> None:
        signal.raise_signal(signal.SIGINT)

    with ThreadPoolExecutor(2) as pool:
        model = MLP(2, [5, 1], rng=3)
        history = fit(
            model,
            XS,
            YS,
            loss="mse",
            batch_size=100,
            progress=False,
            executor=Meddler(pool, 41, press),
        )
    assert history.stopped == "interrupt"
    assert 1 <= history.epochs < 10
    assert history.best_epoch is not None


def test_more_workers_may_come_and_go() -> None:
    pool = ThreadPoolExecutor(1)
    with pool:
        mine = WorkerPool(programs(), pool)
        counts = []
        for workers in (1, 4, 2):
            pool._max_workers = workers
            mine.outputs(np.array([2.0]), 0)  # it looks how many there are
            counts.append(mine.workers)
    assert counts == [1, 4, 2]
