"""Task: what `fit` was asked to do, and how a file can tell it from another training."""

import hashlib
import json
import struct
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from random import Random
from statistics import fmean
from threading import current_thread
from typing import Any, Literal, TypeAlias, get_args

from engine import Value
from engine.choices import pick
from nn.checks import as_list, at_least_zero, count, is_number
from nn.evaluation.metrics import Metrics
from nn.losses import LOSSES, Loss, classes_of, loss_name
from nn.models.architecture import slots
from nn.models.module import Contents, Module
from nn.optim.optimizers import Optimizer
from nn.optim.schedules import ReduceLROnPlateau, Schedule
from nn.training.data import Data
from nn.training.history import History

Callback: TypeAlias = Callable[[History], Any]

# Settings that a file has as they are. In older ones the last two are missing, and count as None.
PLAIN = "epochs", "batch_size", "patience", "min_delta", "clip", "record", "seed", "monitor", "mode"
LEARNED = "params", "memory", "steps", "doubts"  # of an optimiser, on the way

Backend: TypeAlias = Literal["auto", "native", "eager"]
MonitorMode: TypeAlias = Literal["min", "max"]


class NotCompilable(ValueError):
    """A training cannot run natively; the message says why."""


@dataclass(frozen=True, eq=False)
class Task:
    """What `fit` was asked to do; see there for what each attribute means."""

    model: Module
    held: Contents
    loss: Loss
    optimizer: Optimizer
    data: Data
    metrics: Metrics
    epochs: int
    batch_size: int | None
    patience: int | None
    min_delta: float
    schedule: Schedule | None
    clip: float | None
    callbacks: Sequence[Callback]
    seed: int | None  # the number that `rng` was made from, if it was
    rng: Random
    record: bool
    backend: Backend
    executor: Executor | None
    monitor: str | None = None
    mode: MonitorMode | None = None
    checkpoint_every: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "checkpoint_every", "batch_size", "patience"):
            if getattr(self, name) is not None or name.startswith(("epochs", "checkpoint")):
                count("fit", name, getattr(self, name))
        if self.schedule is not None and not callable(self.schedule):
            expected = "schedule is a function from the epoch to a factor"
            advice = "give one like nn.cosine(epochs)"
            raise TypeError(f"{expected}, got {type(self.schedule).__name__}; {advice}")
        at_least_zero("fit", min_delta=self.min_delta, clip=0.0 if self.clip is None else self.clip)
        pick(dict.fromkeys(get_args(Backend)), self.backend, "backend")
        executor: Any = self.executor
        if executor is not None and self.backend == "eager":
            got = 'an executor is for native training, got backend="eager"'
            raise ValueError(f"{got}; leave out one")
        if isinstance(executor, ThreadPoolExecutor) and executor._max_workers == 1:
            with executor._shutdown_lock:  # under which it adds the threads that it has started
                if current_thread() in executor._threads:
                    fault = "fit was called in the one thread of its executor, so it would wait"
                    remedy = "give it another executor, or none"
                    raise ValueError(f"{fault} for itself for ever; {remedy}")
        if not isinstance(executor, Executor | None):
            other = hasattr(executor, "get_executor")
            got = f"executor is a concurrent.futures.Executor, got {type(executor).__name__}"
            remedy = f"give {'its get_executor()' if other else 'ThreadPoolExecutor()'}"
            raise TypeError(f"{got}; {remedy}")

        _ = self.monitored  # for its errors

    @cached_property
    def monitored(self) -> tuple[str, int]:
        """Which number tells the best epoch, and 1 if the lowest is best, -1 if the highest is."""
        names = ["loss", *self.metrics.functions]
        if self.data.validation or self.data.share is not None:
            names = [f"val_{name}" for name in names] + names
        names.append("objective")
        name = pick({name: name for name in names}, self.monitor or names[0], "monitor")
        known = {"loss": "min", "objective": "min", "accuracy": "max", "r2": "max"}
        mode = self.mode or known.get(name.removeprefix("val_"))
        return name, pick({"min": 1, "max": -1}, mode, f"mode for the monitor {name!r},")

    @cached_property
    def min_change(self) -> float:
        """By how much the monitored number has to improve: see `min_delta` in `fit`."""
        if self.monitored[1] < 0 or classes_of(self.loss):
            return self.min_delta
        try:
            targets = self.data.given.ys
            numbers = array("d", (float(y) for target in targets for y in as_list(target)))
            mean = fmean(numbers)
            variance = fmean((y - mean) ** 2 for y in numbers)
        except (TypeError, ValueError, OverflowError):  # a loss of one's own, or a huge variance
            return self.min_delta
        return self.min_delta * min(1.0, variance or 1.0)

    @cached_property
    def parameters(self) -> list[Value]:
        """The model's parameters and buffers, then those that only the optimiser has.

        A loss may use those.
        """
        held, learned = self.held.parameters, self.optimizer.params
        return held if held == learned else list(dict.fromkeys([*held, *learned]))

    def settings(self) -> dict[str, Any]:
        """All that has to be the same when a training goes on, ready for JSON.

        The data are a fingerprint, functions and the optimiser go by their names.
        """
        loss, data, schedule = self.loss, self.data, self.schedule
        names = [name for name, function in LOSSES.items() if function is loss]
        pair = list(data.validation) if data.share is None else []
        found = {name: getattr(self, name) for name in PLAIN} | {
            "rows": fingerprint([list(data.given), pair or None]),
            "validation": "rows" if pair else data.share,
            "loss": names[0] if names else getattr(loss, "__qualname__", loss_name(loss)),
            "metrics": self.metrics.names,
            "schedule": repr(schedule) if isinstance(schedule, ReduceLROnPlateau) else None,
            "class_weights": data.classes and [list(pair) for pair in data.classes.items()],
            "sample_weight": data.samples and fingerprint(data.samples),
            "optimizer": _described(self.optimizer),
            "frozen": _frozen(self) or None,
        }
        return {name: _plain(setting) for name, setting in found.items()}


def as_callbacks(given: Callback | Iterable[Callback] | None) -> list[Callback]:
    """One callback or several as a list, checked."""
    listed = as_list(given or [])
    for callback in listed:
        if not callable(callback):
            got = f"callbacks are functions of the History, got {type(callback).__name__}"
            remedy = "give one like lambda history: print(history.loss[-1]), or a list of them"
            raise TypeError(f"{got}; {remedy}")
    return listed


def _frozen(task: Task) -> list[str]:
    """The tensors of the model that have parameters which the optimiser leaves as they are."""
    kept = {*task.model.parameters()}.difference(task.optimizer.params)
    return [name for name, slot in slots(task.model).items() if not kept.isdisjoint(slot.values)]


def _described(optimizer: Optimizer) -> str:
    """The class of an optimiser and its settings, without what it learns on the way."""
    plain = str, int, float, bool, tuple, list, type(None)
    own = [(k, v) for k, v in vars(optimizer).items() if k not in LEARNED and isinstance(v, plain)]
    return f"{type(optimizer).__qualname__}({', '.join(f'{k}={v!r}' for k, v in own)})"


def _plain(setting: Any) -> Any:
    """A number of NumPy's as one of Python's; anything else as it is."""
    if not is_number(setting):
        return setting
    return int(setting) if isinstance(setting, Integral) else float(setting)


_NUMBERS = Value, float, int


def fingerprint(rows: Any) -> str:
    """A digest of rows of any kind: the same for equal numbers, however they are held.

    What is neither a number nor a list of things counts by its type.

    >>> fingerprint([[1, 2.0]]) == fingerprint([(1.0, 2)]) != fingerprint([[2, 1]])
    True
    """
    digest = hashlib.sha256()
    _feed(digest, rows)
    return digest.hexdigest()[:32]


def _feed(digest: Any, thing: Any) -> None:
    if isinstance(thing, str):
        digest.update(b"s" + json.dumps(thing).encode())
        return
    items = None
    if not isinstance(thing, _NUMBERS):
        with suppress(TypeError):  # a number, or an array that is one
            items = list(thing.items() if isinstance(thing, Mapping) else thing)
    if items is None:
        try:
            digest.update(b"n" + struct.pack("<d", float(thing)))
        except (TypeError, ValueError, OverflowError):
            digest.update(b"t" + type(thing).__qualname__.encode())
    else:
        digest.update(b"l%d" % len(items))
        for item in items:
            _feed(digest, item)
