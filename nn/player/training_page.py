"""A recorded training as a page that plays it epoch by epoch."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.core.value import set_data
from engine.page import shell
from engine.wording.numbers import shorten, visible
from nn.player.regions import regions
from nn.player.weights import network
from nn.training.history import History, Recording

FRAMES = 400  # epochs that a page shows at most; of a longer run they are evenly spread


def to_html(
    history: History,
    path: str | os.PathLike[str] | None = None,
    *,
    features: Sequence[object] | None = None,
    classes: Sequence[object] | None = None,
) -> str:
    """Return a page that plays a training epoch by epoch, and write it to `path`.

    The network's lines follow its weights, a marker walks along the curves, and a model of two
    inputs shows how it divides the plane. It is one file and works offline. It opens at the epoch
    that was kept, or at the one in its address (`#epoch=17`; epoch 0 is before the training). The
    model stays as it is.

    Arguments:
        history: what `fit(..., record=True)` gave.
        path: where to write the page.
        features: the names of the inputs. classes: those of the outputs, or of no and yes.

    >>> from nn import Neuron, fit
    >>> model = Neuron(2, "sigmoid", rng=7)
    >>> xs, ys = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 0, 0, 1]
    >>> how = {"loss": "binary_cross_entropy", "epochs": 3, "seed": 1, "progress": False}
    >>> to_html(fit(model, xs, ys, record=True, **how)).startswith("<!doctype html>")
    True
    """
    recording = history.recording
    if recording is None or not recording.snapshots:
        raise ValueError(
            "nothing was recorded of this training, so there is nothing to play; train with "
            "fit(..., record=True)"
        )
    kept = 0 if history.best_epoch is None else history.best_epoch + 1  # 0: before the training
    shown = evenly(min(history.epochs + 1, len(recording.snapshots)), FRAMES, kept)
    inputs, called = _words("features", features), _words("classes", classes)
    with _as_it_was(recording):
        found: dict[str, Any] = {
            "epochs": shown,
            "kept": kept,
            "log": _columns([recording.start, *history.log]),
            "network": network(recording, shown, inputs, called),
            "regions": regions(recording, shown, inputs, called),
        }
    model = shorten(visible(repr(recording.model)), 80)
    return shell.page(
        Path(__file__).parent,
        ("training.html", "training.css", "training.js"),
        found,
        path,
        title=f"Training of {model}",
        name=model,
        count=visible(repr(history).removeprefix("History(").removesuffix(")")),
        unit="epoch",
        first="Before the training",
        speeds=(2, 10, 30, 100),
        speed=10,
        pictures="history.plot(path)",
    )


def evenly(count: int, most: int, also: int = 0) -> list[int]:
    """At most `most` of range(count), evenly spread from the first to the last, and `also`.

    >>> evenly(4, 10), evenly(101, 5), evenly(101, 5, also=60)
    ([0, 1, 2, 3], [0, 25, 50, 75, 100], [0, 25, 50, 60, 75, 100])
    """
    if count <= most:
        return list(range(count))
    return sorted({also, *(i * (count - 1) // (most - 1) for i in range(most))})


@contextmanager
def _as_it_was(recording: Recording) -> Iterator[None]:
    """Give the parameters back the numbers that they have now."""
    kept = [parameter.data for parameter in recording.parameters]
    try:
        yield
    finally:
        set_data(recording.parameters, kept)


def _words(name: str, given: Sequence[object] | None) -> list[str]:
    if isinstance(given, str):
        raise TypeError(f"to_html takes {name} as a list of names, got the text {given!r:.60}")
    return [shorten(visible(str(word)), 24) for word in given or ()]


def _columns(log: list[dict[str, float]]) -> dict[str, list[Any]]:
    """The curves by name. JSON has no words for what is not finite: those points are left out."""
    names = [n for n in ("loss", "val_loss", "accuracy", "val_accuracy") if n in log[0]]
    return {n: [shell.json_float(numbers[n]) for numbers in log] for n in names}
