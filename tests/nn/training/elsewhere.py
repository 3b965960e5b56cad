"""A training whose work is done by the workers of another library: `... elsewhere loky`.

It ends with code 0 if it found the bits of a training without them, and they had work to do.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.native import threads
from tests.nn.training.pools import EVERY, Meddler, train


@contextmanager
def loky() -> Iterator[Any]:
    from joblib.externals.loky import ProcessPoolExecutor

    with ProcessPoolExecutor(2) as pool:
        yield pool


@contextmanager
def ipyparallel() -> Iterator[Any]:
    from ipyparallel import Cluster

    with Cluster(n=2, log_level=40) as client:
        yield client.executor()


@contextmanager
def mpi4py() -> Iterator[Any]:
    from mpi4py.futures import MPIPoolExecutor

    with MPIPoolExecutor() as pool:
        yield pool


if __name__ == "__main__":
    threads.GRAIN, threads.PER_TOTAL, threads.BLOCKS, threads.LARGE = 100, 1, 0, 0
    with globals()[sys.argv[1]]() as executor:
        meddler = Meddler(executor)
        for how in EVERY.values():
            assert train(meddler, 3, **how) == train(None, 3, **how)
        assert meddler.count > 12, meddler.count
