"""Training checkpoints: all that `fit` needs to go on as if it had never been interrupted.

The file is one that `load` reads: the model as it was best, and beside it what the training knows.
"""

from __future__ import annotations

import hashlib
import json
import numbers
import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine import Value
from nn.checkpoint.files import CheckpointError, FilePath, read, write
from nn.checkpoint.model import TRAINING, Tensor, model_tensors, pack, shown, unpack
from nn.checkpoint.state import Saved, Training
from nn.checks import is_number
from nn.losses import LOSSES
from nn.optim.optimizers import Optimizer
from nn.optim.schedules import Schedule, factor_at

__all__ = ["Logbook", "Training"]


class Logbook:
    """Writes a training's state after every epoch, and finds it again.

    Arguments:
        path: the file; None keeps no logbook, and nothing below does anything.
        resume: whether to go on from the file, if there is one.
        training: what to write down.
        settings: all that has to be the same when the training goes on.
        schedule: its factors have to be the same too, for the epochs that were done.

    Raises CheckpointError, before anything is changed, where the file is of another training.
    """

    def __init__(
        self,
        path: FilePath | None,
        resume: bool,
        training: Training,
        settings: Mapping[str, Any],
        schedule: Schedule | None,
    ) -> None:
        self.path, self.schedule = path, schedule
        self.saved: Saved | None = None
        self.places: list[int] | None = None
        self.factors: list[float] = []
        if path is None:
            if resume:
                raise ValueError("resume=True goes on from a file; say which with checkpoint=path")
            return
        self.training = training
        self.settings = _plain(settings) | {"optimizer": _optimizer(training.tuner)}
        if resume:
            try:
                self.saved = Saved(*unpack(read(path), path), path, training)
            except FileNotFoundError:
                return
            self._compare(self.settings)
            drawn = len(settings["rows"]) if is_number(settings["validation"]) else 0
            self.places = self.saved.numbered("places", drawn)

    def start(self, trainer: Any, keeper: Any, order: list[int], places: list[int]) -> None:
        """Bring everything to where the file has it, or write down the state before any epoch."""
        if self.path is None:
            return
        self.trainer, self.keeper, self.order = trainer, keeper, order
        self.places = places
        self.settings["backend"] = trainer.backend
        if self.saved is None:
            self.write()
            return
        self._compare({"backend": trainer.backend})
        self.saved.check(len(order), self.settings["record"])
        self._restore(self.saved)

    def write(self) -> None:
        """Write down the state at the end of an epoch."""
        if self.path is None:
            return
        training, keeper, history = self.training, self.keeper, self.training.history
        self.trainer.sync()
        kept, kept_epoch = keeper.kept
        state = training.tuner.state_dict() | {"lr": training.rate}
        memory = [list(map(float, m)) for m in state.pop("memory")]
        columns = list(history.log[-1]) if history.log else []
        recorded = history.recording
        tables: dict[str, Sequence[Sequence[float]]] = {
            "log": [[row[name] for name in columns] for row in history.log],
            "snapshots": history.snapshots,
        }
        lists: dict[str, Iterable[float]] = {
            "places": self.places or [],
            "order": self.order,
            "parameters": self.trainer.numbers(),
            "kept": kept,
            "memory": [x for m in memory for x in m],
            "sizes": [len(m) for m in memory],
            "factors": self._factors(history.epochs),
        }
        about = {
            "settings": self.settings,
            "optimizer": state,
            "generators": [generator.getstate() for generator in training.generators],
            "columns": columns,
            "keeper": [keeper.lowest, keeper.mark, keeper.waited, kept_epoch],
            "start": recorded.start if recorded else {},
        }
        best = dict(zip(training.parameters, map(float, kept), strict=True))
        tensors = model_tensors(training.held, best)
        tensors |= {TRAINING + name: _row(row) for name, row in lists.items()}
        tensors |= {TRAINING + name: _table(rows) for name, rows in tables.items()}
        write(self.path, pack(tensors, {"model": training.card, "training": about}))

    def _compare(self, mine: Mapping[str, Any]) -> None:
        """An error that names the first setting that is another one."""
        assert self.saved is not None
        theirs, done = self.saved.settings, self.saved.epochs
        for name, now in mine.items():
            if name != "epochs" and theirs.get(name) != now:
                raise CheckpointError(
                    f"{self.path} is of a training with {name}={shown(theirs.get(name))}, this "
                    f"one has {name}={shown(now)}; resume with the same, or start anew with "
                    "resume=False"
                )
        if mine.get("epochs", done) < done:
            raise CheckpointError(
                f"{self.path} is of a training that finished {done} epochs, this one has "
                f"epochs={mine['epochs']}; ask for as many or more"
            )
        if self._factors(done) != self.saved.floats("factors"):
            raise CheckpointError(
                f"{self.path} is of a training with another schedule of the learning rate; resume "
                "with the same, or start anew with resume=False"
            )

    def _factors(self, epochs: int) -> list[float]:
        """What the schedule says of the epochs that were done."""
        while len(self.factors) < epochs:
            self.factors.append(factor_at(len(self.factors), self.schedule))
        return self.factors

    def _restore(self, saved: Saved) -> None:
        """Take it all over; the file was checked, so that nothing here fails half-way."""
        training, history = self.training, self.training.history
        training.tuner.load_state_dict(saved.optimizer)
        for parameter, number in zip(training.parameters, saved.floats("parameters"), strict=True):
            parameter.data = number
        for generator, state in zip(training.generators, saved.generators, strict=True):
            generator.setstate(state)
        self.order[:] = saved.order
        history.log[:] = saved.log
        if history.recording:
            history.recording.snapshots[:] = saved.snapshots
            history.recording.start = saved.start
        self.trainer.reload()
        lowest, mark, waited, epoch = saved.keeper
        self.keeper.lowest, self.keeper.mark, self.keeper.waited = lowest, mark, waited
        self.keeper.kept = saved.floats("kept"), epoch


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON has them: the data as a fingerprint, a function by its name."""
    loss, validation = settings["loss"], settings["validation"]
    names = [name for name, function in LOSSES.items() if function is loss]
    rows, share = hashlib.sha256(), validation is None or is_number(validation)
    _feed(rows, [settings["rows"], None if share else validation])
    plain = dict(settings) | {
        "rows": rows.hexdigest()[:32],
        "loss": names[0] if names else getattr(loss, "__qualname__", type(loss).__qualname__),
        "validation": validation if share else "rows",
    }
    return {name: _number(setting) for name, setting in plain.items()}


def _number(setting: Any) -> Any:
    """NumPy's numbers as Python's."""
    if isinstance(setting, numbers.Integral) and not isinstance(setting, bool):
        return int(setting)
    return float(setting) if isinstance(setting, numbers.Real) and is_number(setting) else setting


def _optimizer(tuner: Optimizer) -> str:
    """Its class and settings, but for what it learns on the way."""
    own = ("params", "memory", "steps")
    plain = (str, int, float, bool, tuple, list, type(None))
    kept = [f"{k}={v!r}" for k, v in vars(tuner).items() if k not in own and isinstance(v, plain)]
    return f"{type(tuner).__qualname__}({', '.join(kept)})"


def _feed(digest: Any, thing: Any) -> None:
    """Take rows of any kind into a fingerprint: numbers exactly, what is unknown by its type."""
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


def _row(row: Iterable[float]) -> Tensor:
    held = array("d", row)
    return Tensor((len(held),), held)


def _table(rows: Sequence[Sequence[float]]) -> Tensor:
    held = array("d", [x for row in rows for x in row])
    return Tensor((len(rows), len(rows[0]) if rows else 0), held)
