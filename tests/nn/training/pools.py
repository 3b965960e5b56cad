"""A small training, a small piece of work, and executors that look at what they are given."""

import pickle
import random
from concurrent.futures import (
    Executor,
    Future,
    ThreadPoolExecutor,
)
from typing import Any

import numpy as np
import pytest

from engine import Program, Value, gradient
from nn import MLP, fit
from nn.training.shards import Programs, Table, Work

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


def programs() -> Work:
    """1 / w x: it can be infinite."""
    x, y, w = Value(0.0, "x"), Value(0.0, "y"), Value(1.0, "w")
    loss = x / w + y
    step = Program([x, y], [loss, gradient(loss, w)], [w], reduce="sum")
    xs, ys = np.arange(800.0).reshape(400, 2).T[..., None]
    table = Table([xs, ys], np.arange(400), [(0, 0)], None)
    return Work({(0, 0): Programs([step], Program([x, y], [loss], [w]))}, [table])


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
    """An executor that counts what is submitted, and does something at one of the times.

    Where the deed answers with a future, that is what is answered instead of the task's.
    """

    def __init__(self, executor: Any, at: int = 0, deed: Any = None) -> None:
        self.executor, self.at, self.deed, self.count = executor, at, deed, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executor, name)

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.count += 1
        instead = self.deed() if self.count == self.at else None
        future: Future[Any] = instead or self.executor.submit(function, *args, **kwargs)
        return future


class Weigher(Meddler):
    """An executor that notes how large tasks are."""

    def __init__(self, executor: Any) -> None:
        super().__init__(executor)
        self.sizes: list[int] = []

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.sizes.append(len(pickle.dumps((function, args))))
        return super().submit(function, *args, **kwargs)


def check_threads(train: Any, make: Any) -> None:
    """Check that threads give the bits of a training without them."""
    want = train(make(), batch_size=None)
    for workers in (1, 2, 3):
        with ThreadPoolExecutor(workers) as pool:
            assert train(make(), batch_size=None, executor=pool) == want


def check_going_on(train: Any, make: Any, backend: str, path: Any) -> Any:
    """Check that a training goes on from a file to the bits of one without a break; give these."""
    wanted = train(make(), backend=backend)
    how = {"backend": backend, "checkpoint": path, "resume": True}
    train(make(), epochs=2, **how)
    random.random()
    assert train(make(), **how) == wanted
    return wanted
