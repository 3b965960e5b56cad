"""fit(..., executor=): the same bits whoever computes, and nothing lost when workers die."""

import multiprocessing
import os
import signal
import subprocess
import sys
import warnings
from concurrent.futures import (
    BrokenExecutor,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.native import threads
from nn.training.workers import WorkerPool
from tests.nn.training.pools import EVERY, Meddler, every_way, programs, train

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
pytestmark = pytest.mark.usefixtures("small_shards")


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
    for room in ("nn.training.workers", "engine.native.threads"):
        monkeypatch.setattr(f"{room}.shard_count", lambda rows, size: 1)
    whole = train(None, batch_size=None)[0]
    assert sharded != whole
    np.testing.assert_allclose(*[list(map(float.fromhex, xs)) for xs in (sharded, whole)], 1e-9)


def test_a_step_that_is_one_shard_is_not_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "GRAIN", 1 << 30)
    with ThreadPoolExecutor(2) as pool:
        meddler = Meddler(pool)
        assert train(meddler) == train(None)
        assert meddler.count == 0


ELSEWHERE = "tests.nn.training.elsewhere"
MPIEXEC = str(Path(sys.executable).with_name("mpiexec"))
OTHERS = {
    "loky": ("joblib", "sklearn", [sys.executable, "-m", ELSEWHERE]),
    "ipyparallel": ("ipyparallel", "test", [sys.executable, "-m", ELSEWHERE]),
    "mpi4py": (
        *("mpi4py", "test"),
        [MPIEXEC, "-n", "3", sys.executable, "-m", "mpi4py.futures", "-m", ELSEWHERE],
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_workers_of_other_libraries_find_the_same_bits(name: str) -> None:
    package, extra, command = OTHERS[name]
    pytest.importorskip(package, reason=f"pip install gradwalk[{extra}]")
    if name == "mpi4py" and not Path(MPIEXEC).exists():
        pytest.skip("pip has no mpich for this system")
    done = subprocess.run([*command, name], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr


# --- workers that die ----------------------------------------------------------------------------
def dies_at_work(pool: ProcessPoolExecutor) -> Any:
    return pool.submit(os._exit, 1)


def died_between(pool: ProcessPoolExecutor) -> None:
    with pytest.raises(BrokenExecutor):
        dies_at_work(pool).result()


@pytest.mark.parametrize("death", [dies_at_work, died_between])
def test_a_pool_that_breaks_in_the_middle_of_an_epoch_loses_nothing(death: Any) -> None:
    want = train(None, batch_size=64)
    with ProcessPoolExecutor(2) as pool:
        with pytest.warns(RuntimeWarning, match="broke .*goes on in this process"):
            assert train(Meddler(pool, 29, lambda: death(pool)), batch_size=64) == want
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
    work, alone = programs(), WorkerPool(programs())
    mine = WorkerPool(work, client.get_executor())
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


def test_a_client_that_is_closed_in_the_middle_of_an_epoch_loses_nothing(client: Any) -> None:
    want = train(None, batch_size=64)
    with type(client)(client.cluster) as mine:
        meddler = Meddler(mine.get_executor(), 29, mine.close)
        with pytest.warns(RuntimeWarning, match="broke .*goes on in this process"):
            assert train(meddler, batch_size=64) == want
        with pytest.warns(RuntimeWarning, match="broke .*goes on in this process"):
            assert train(meddler, batch_size=64) == want  # and when it was closed before
