"""What a training is, in plain words and numbers, so that a file can tell one from another."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from engine import Value
from nn.checks import is_number
from nn.losses import LOSSES, loss_name
from nn.models.architecture import slots
from nn.optim.optimizers import Optimizer
from nn.optim.schedules import ReduceLROnPlateau
from nn.training.task import Task

PLAIN = ("epochs", "batch_size", "patience", "min_delta", "clip", "record", "seed")
LEARNED = ("params", "memory", "steps", "doubts")  # of an optimiser, on the way
NEWER = ("monitor", "mode")  # None in files that were written before


def settings(task: Task) -> dict[str, Any]:
    """All that has to be the same when a training goes on, ready for JSON.

    The data are a fingerprint, functions and the optimiser go by their names.
    """
    loss, data = task.loss, task.data
    names = [name for name, function in LOSSES.items() if function is loss]
    pair = list(data.validation) if data.share is None else []
    found = {name: getattr(task, name) for name in PLAIN + NEWER} | {
        "rows": fingerprint([list(data.given), pair or None]),
        "validation": "rows" if pair else data.share,
        "loss": names[0] if names else getattr(loss, "__qualname__", loss_name(loss)),
        "metrics": task.metrics.names,
        "schedule": repr(task.schedule) if isinstance(task.schedule, ReduceLROnPlateau) else None,
        "class_weights": data.classes and [list(pair) for pair in data.classes.items()],
        "sample_weight": data.samples and fingerprint(data.samples),
        "optimizer": _described(task.optimizer),
        "frozen": _frozen(task) or None,
    }
    return {name: _plain(setting) for name, setting in found.items()}


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
    if isinstance(setting, Integral) and not isinstance(setting, bool):
        return int(setting)
    return float(setting) if isinstance(setting, Real) and is_number(setting) else setting


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
    items = _items(thing)
    if items is None:
        try:
            digest.update(b"n" + struct.pack("<d", float(thing)))
        except (TypeError, ValueError, OverflowError):
            digest.update(b"t" + type(thing).__qualname__.encode())
    else:
        digest.update(b"l%d" % len(items))
        for item in items:
            _feed(digest, item)


_NUMBERS = Value, float, int


def _items(thing: Any) -> list[Any] | None:
    try:
        if isinstance(thing, _NUMBERS):
            return None
        return list(thing.items() if isinstance(thing, Mapping) else thing)
    except TypeError:  # a number, or an array that is one
        return None
