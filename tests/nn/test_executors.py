"""fit(..., executor=): the same bits whoever computes, and nothing lost when workers die."""

import multiprocessing
import os
import pickle
import random
import signal
import sys
import tempfile
import time
import warnings
from concurrent.futures import (
    BrokenExecutor,
    Executor,
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

from engine import NumericError, Program, Value, gradient, numeric_mode
from nn import MLP, fit, shards, team
from nn.shards import Work, added, aligned, border, shard_count, shard_size
from nn.team import Team

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

_draw = random.Random(8).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(300)]
YS = [int(a * b > 0) for a, b in XS]
EVERY: dict[str, Any] = {
    "full batches": {"batch_size": None},
    "a batch for each worker and a rest": {"batch_size": 64, "validation": 0.25},
    "weights, metrics, clip": {
        "batch_size": 100,
        "class_weights": "balanced",
        "metrics": ["r2", "confusion"],
        "clip": 0.5,
        "validation": (XS[:50], YS[:50]),
    },
}
every_way = pytest.mark.parametrize("how", EVERY.values(), ids=EVERY)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row or two are enough for a shard, so that small trainings have many."""
    monkeypatch.setattr(shards, "GRAIN", 100)
    monkeypatch.setattr(shards, "PER_TOTAL", 1)


def train(executor: Executor | None, epochs: int = 6, **how: Any) -> tuple[Any, ...]:
    """All that a training gives, to be compared to the bit."""
    model = MLP(2, [5, 1], activation="tanh", output="sigmoid", rng=3)
    how = {"seed": 5, "progress": False, **how}
    history = fit(
        model, XS, YS, loss="binary_cross_entropy", epochs=epochs, executor=executor, **how
    )
    found = [p.data.hex() for p in model.parameters()], [p.grad.hex() for p in model.parameters()]
    return *found, [{k: x.hex() for k, x in one.items()} for one in history.log], history.confusion


class Meddler(Executor):
    """An executor that counts what is submitted, and does something at one of the times."""

    def __init__(self, executor: Any, at: int = 0, deed: Any = None) -> None:
        self.executor, self.at, self.deed, self.count = executor, at, deed, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executor, name)

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.count += 1
        if self.count == self.at:
            self.deed()
        future: Future[Any] = self.executor.submit(function, *args, **kwargs)
        return future


class Weigher(Meddler):
    """An executor that notes how large tasks are."""

    def __init__(self, executor: Any) -> None:
        super().__init__(executor)
        self.sizes: list[int] = []

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.sizes.append(len(pickle.dumps((function, args))))
        return super().submit(function, *args, **kwargs)


# --- the order of additions ----------------------------------------------------------------------
@given(st.integers(0, 7), st.lists(st.integers(0, 127), max_size=9), st.integers())
def test_totals_are_added_in_one_order_however_they_were_shared(
    levels: int, cuts: list[int], seed: int
) -> None:
    many, rng = 1 << levels, random.Random(seed)
    numbers = [rng.gauss(0, 1) * 10.0 ** rng.randrange(-9, 9) for _ in range(many)]

    def leaf(a: int, b: int) -> Any:
        return None if b - a > 1 else np.array([numbers[a]])

    pairs = list(numbers)  # an oracle without recursion
    while len(pairs) > 1:
        pairs = [a + b for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
    borders = sorted({0, many, *[cut for cut in cuts if cut < many]})
    pieces = [p for pair in pairwise(borders) for p in aligned(*pair)]
    assert [a for a, _ in pieces] == [0, *[b for _, b in pieces[:-1]]]
    assert pieces[-1][1] == many
    done = {piece: added(*piece, leaf) for piece in pieces}
    assert added(0, many, lambda *piece: done.get(piece)).tolist() == pairs


@given(st.integers(1, 10_000))
def test_shards_have_every_row_once_and_about_as_many(rows: int) -> None:
    many = shard_count(rows, shard_size(programs().step))
    assert many <= rows
    assert many.bit_count() == 1
    borders = [border(rows, many, i) for i in range(many + 1)]
    sizes = [b - a for a, b in pairwise(borders)]
    assert (borders[0], borders[-1]) == (0, rows)
    assert max(sizes) - min(sizes) <= 1


# --- the same bits -------------------------------------------------------------------------------
@every_way
def test_threads_find_the_same_bits_however_many(how: dict[str, Any]) -> None:
    want = train(None, **how)
    for workers in (1, 2, 3, 7):
        with ThreadPoolExecutor(workers) as pool:
            meddler = Meddler(pool)
            assert train(meddler, **how) == want
            assert meddler.count >= 6 * workers


@pytest.mark.parametrize("start", multiprocessing.get_all_start_methods())
def test_processes_find_the_same_bits(start: str) -> None:
    context = multiprocessing.get_context(start)
    for how in EVERY.values():
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            assert train(pool, **how) == train(None, **how)


def test_shards_change_no_more_than_the_last_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    sharded = train(None, batch_size=None)[0]
    monkeypatch.setattr(shards, "GRAIN", 1 << 30)
    whole = train(None, batch_size=None)[0]
    assert sharded != whole
    np.testing.assert_allclose(*[list(map(float.fromhex, xs)) for xs in (sharded, whole)], 1e-9)


def test_a_step_that_is_one_shard_is_not_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "GRAIN", 1 << 30)
    with ThreadPoolExecutor(2) as pool:
        meddler = Meddler(pool)
        assert train(meddler) == train(None)
        assert meddler.count == 0


# --- what is sent --------------------------------------------------------------------------------
def programs() -> Work:
    """1 / w x: it can be infinite."""
    x, y, w = Value(0.0, "x"), Value(0.0, "y"), Value(1.0, "w")
    loss = x / w + y
    step = Program([x, y], [loss, gradient(loss, w)], [w], reduce="sum")
    rows = np.arange(800.0).reshape(400, 2)
    return Work(step, Program([x, y], [loss], [w]), [rows])


def test_workers_read_the_work_once() -> None:
    """And in whatever order they are asked."""
    work, theta, alone = programs(), np.array([2.0]), Team(programs(), None)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(time.sleep, [0.2, 0.2]))  # they are there before the work is known
        weigher = Weigher(pool)
        mine = Team(work, weigher)
        for workers in (1, 1, 1, 2, 2, 2, 2, 2, 2):
            mine.workers = workers
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

    monkeypatch.setattr(team, "_write", write)
    work, theta, alone = programs(), np.array([2.0]), Team(programs(), None)
    with ProcessPoolExecutor(1) as pool:
        pool.submit(os.getpid).result()
        mine = Team(work, pool)
        for _ in range(5):
            assert (
                mine.totals(theta, range(400)).tolist() == alone.totals(theta, range(400)).tolist()
            )
        assert mine.sent == 1


def test_a_task_is_small() -> None:
    with ThreadPoolExecutor(2) as pool:
        weigher = Weigher(pool)
        mine = Team(programs(), weigher)
        mine.totals(np.zeros(1) + 2.0, range(400))
        mine.totals(np.zeros(1) + 2.0, range(399))
        mine.outputs(np.zeros(1) + 2.0, 0)
    slices, numbers = max(weigher.sizes[:2] + weigher.sizes[4:]), max(weigher.sizes[2:4])
    assert slices < 600
    assert numbers < 600 + 200 * 8


def test_workers_that_have_forgotten_are_told_again() -> None:
    want = train(None)
    with ThreadPoolExecutor(2) as pool:
        assert train(pool, callbacks=lambda history: team._held.clear()) == want


def test_nothing_is_kept_when_a_training_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, seen = set(team._held), []

    def look(history: Any) -> None:
        seen.extend(tmp_path.glob("gradwalk-*"))

    with ProcessPoolExecutor(1) as pool:
        pool.submit(os.getpid).result()
        train(pool, callbacks=look)
    assert seen
    assert list(tmp_path.glob("gradwalk-*")) == []
    assert set(team._held) <= before


def test_workers_keep_few_trainings() -> None:
    works = [programs() for _ in range(team.KEPT + 3)]
    for i, work in enumerate(works):
        team._hold(f"test {i}", work)
    assert len(team._held) == team.KEPT
    for i in range(len(works)):
        team._held.pop(f"test {i}", None)


# --- errors --------------------------------------------------------------------------------------
def test_a_bad_row_is_named_by_its_place_in_the_step() -> None:
    work = programs()
    work.tables[0][317, 0] = 1e300
    with ThreadPoolExecutor(3) as pool:
        for each in (Team(work, pool), Team(work, None)):
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
            (ValueError, "of your own .* leave out executor=", {"executor": pool, "loss": own}),
        ]
        for kind, words, how in wrong:
            with pytest.raises(kind, match=words):
                fit(model, XS, YS, **{"loss": "mse", "seed": rng, "progress": False, **how})
        with pytest.raises(ValueError, match='got backend="eager"'):  # before rows are held out
            fit(model, XS, YS, loss="mse", seed=rng, validation=0.5, backend="eager", executor=pool)
    assert rng.getstate() == state
    assert [p.data for p in model.parameters()] == numbers


def test_what_an_executor_raises_ends_the_training_with_the_best_epoch() -> None:
    with ThreadPoolExecutor(2) as pool, pytest.raises(RuntimeError, match="after shutdown"):
        train(Meddler(pool, 23, pool.shutdown))


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


# --- workers that die ----------------------------------------------------------------------------
def test_a_pool_that_breaks_in_the_middle_of_an_epoch_loses_nothing() -> None:
    want = train(None, batch_size=64)
    with ProcessPoolExecutor(2) as pool:

        def kill() -> None:
            os.kill(next(iter(pool._processes)), signal.SIGKILL)

        with pytest.warns(RuntimeWarning, match="broke .*goes on in this process"):
            assert train(Meddler(pool, 29, kill), batch_size=64) == want
        with pytest.raises(BrokenExecutor):
            pool.submit(os.getpid)


def test_a_training_goes_on_with_other_workers_from_its_checkpoint(tmp_path: Any) -> None:
    pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")
    file, how = tmp_path / "run", {"batch_size": 64, "resume": True}
    want = train(None, 9, batch_size=64)
    with ProcessPoolExecutor(2) as pool:
        train(pool, 3, checkpoint=file, **how)
    with ThreadPoolExecutor(3) as threads:
        train(threads, 6, checkpoint=file, **how)
    assert train(None, 9, checkpoint=file, **how) == want


@pytest.fixture(scope="module")
def client() -> Any:
    """A real cluster: a scheduler, and three workers that are processes of their own."""
    distributed = pytest.importorskip("distributed", reason="pip install gradwalk[distributed]")
    with (
        distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@every_way
def test_dask_finds_the_same_bits(client: Any, how: dict[str, Any]) -> None:
    meddler = Meddler(client.get_executor())
    assert train(meddler, **how) == train(None, **how)
    assert meddler.count >= 6 * 3


def test_the_work_is_sent_to_each_worker_of_dask_once(client: Any) -> None:
    work, alone = programs(), Team(programs(), None)
    mine = Team(work, client.get_executor())
    for step in range(12):
        mine.workers = 1 + step % 5  # tasks go to the workers in turn
        theta = np.array([2.0 + step])
        assert mine.totals(theta, range(400)).tolist() == alone.totals(theta, range(400)).tolist()
    assert mine.sent == 3


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_a_worker_of_dask_that_is_killed_in_the_middle_of_an_epoch_loses_nothing(
    client: Any,
) -> None:
    want, killed = train(None, 30, batch_size=64), []

    def kill() -> None:
        killed.append(next(iter(client.run(os.getpid).values())))
        os.kill(killed[0], signal.SIGKILL)

    meddler = Meddler(client.get_executor(), 200, kill)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # that it goes on alone
        assert train(meddler, 30, batch_size=64) == want
    assert meddler.count > 250
    assert killed[0] not in client.run(os.getpid).values()


def test_more_workers_may_come_and_go() -> None:
    pool = ThreadPoolExecutor(1)
    with pool:
        mine = Team(programs(), pool)
        counts = []
        for workers in (1, 4, 2):
            pool._max_workers = workers
            mine.outputs(np.array([2.0]), 0)  # it looks how many there are
            counts.append(len(mine._shares(64)))
    assert counts == [1, 4, 2]
