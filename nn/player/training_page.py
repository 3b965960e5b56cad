"""A recorded training as a page that plays it epoch by epoch, and as the data of that page: its
units and weights, and how a model of two inputs divides the plane.
"""

import base64
import math
import sys
from array import array
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from engine import numeric_mode
from engine.core.value import set_data
from engine.native.needs import available
from engine.outfile import Target
from engine.page import shell
from engine.wording.names import shorten, visible
from nn.checks import as_list
from nn.evaluation import plane
from nn.evaluation.measure import predict
from nn.models import chain
from nn.training.history import History, Recording

FRAMES = 400  # epochs that a page shows at most; of a longer run they are evenly spread
LIMIT = 16  # units that a column shows; of more, the first and the last
CELLS = 32  # to a side
TIMES = 40  # epochs that a page with regions shows, if each cell has to be computed on Values
POINTS = 500  # samples that are drawn

WORDS: dict[str, Any] = {"unit": "epoch", "first": "Before the training", "parts": {}}
WORDS |= {"speeds": (2, 10, 30, 100), "speed": 10, "pictures": "history.plot(path)"}
Pair = tuple[float, float]


def to_html(
    history: History,
    path: Target = None,
    *,
    features: Sequence[object] | None = None,
    classes: Sequence[object] | None = None,
) -> str:
    """Return a page that plays a training epoch by epoch; or write it to `path`, and return that.

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
        got = "nothing was recorded of this training, so there is nothing to play"
        raise ValueError(f"{got}; train with fit(..., record=True)")
    kept = 0 if history.best_epoch is None else history.best_epoch + 1  # 0: before the training
    planar = all(plane.in_plane(plane.row(x)) for x, _ in recording.rows)
    most = TIMES if planar and not available() else FRAMES
    shown = evenly(min(history.epochs + 1, len(recording.snapshots)), most, kept)
    inputs, called = _words("features", features), _words("classes", classes)
    # parameters that are not finite are shown as they are
    with numeric_mode("ieee"), ExitStack() as after:
        after.callback(set_data, recording.parameters, [p.data for p in recording.parameters])
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
        count=visible(history.words),
        **WORDS,
    )


def evenly(count: int, most: int, also: int = 0) -> list[int]:
    """At most `most` of range(count), evenly spread from the first to the last, and `also`.

    >>> evenly(4, 10), evenly(101, 5), evenly(101, 5, also=60)
    ([0, 1, 2, 3], [0, 25, 50, 75, 100], [0, 25, 50, 60, 75, 100])
    """
    return sorted({also, *(i * (count - 1) // (most - 1) for i in range(most))})


def _words(name: str, given: Sequence[object] | None) -> list[str]:
    if isinstance(given, str):
        raise TypeError(f"to_html takes {name} as a list of names, got the text {given!r:.60}")
    return [shorten(visible(str(word)), 24) for word in given or ()]


def _columns(log: list[dict[str, float]]) -> dict[str, list[Any]]:
    """The curves by name. JSON has no words for what is not finite: those points are left out."""
    names = [n for n in ("loss", "val_loss", "accuracy", "val_accuracy") if n in log[0]]
    return {n: [shell.json_float(numbers[n]) for numbers in log] for n in names}


# --- units and weights ---------------------------------------------------------------------------
def network(
    recording: Recording, shown: list[int], features: list[str], classes: list[str]
) -> dict[str, Any] | None:
    """Columns, lines and their weights in each epoch; None where a model is no row of layers.

    A line goes from a slot of a column (the slot after the last unit is the bias, which is always
    1) to a slot of the next. Weights are the bytes of 32-bit floats, one row for each epoch.
    """
    try:
        parts = chain.layers("to_html", recording.model)
    except TypeError:
        return None
    widths = chain.widths(parts)
    slots = [_slots(width) for width in widths]
    headings = ["input", *(part.activation for part in parts)]
    place = {parameter: i for i, parameter in enumerate(recording.parameters)}
    lines, names, used = [], [], []
    for k, part in enumerate(parts):
        for to, unit in enumerate(slots[k + 1]):
            neuron = chain.neurons(part)[unit]
            ends = [(neuron.w[source], slot) for slot, source in enumerate(slots[k])]
            for weight, slot in [*ends, (neuron.b, len(slots[k]))]:
                lines.append((k, slot, to))
                names.append(weight.label or "")
                used.append(place[weight])
    return {
        "columns": [
            {"units": units, "size": width, "words": words}
            for units, width, words in zip(slots, widths, headings, strict=True)
        ],
        "features": features if len(features) == widths[0] else [],
        "classes": classes if len(classes) == widths[-1] else [],
        "lines": lines,
        "names": names,
        "weights": floats([recording.snapshots[e][i] for e in shown for i in used]),
    }


def floats(numbers: list[float]) -> str:
    """Numbers as the bytes of 32-bit floats, in base64; too large ones are infinite.

    >>> floats([1.0, 1e300])
    'AACAPwAAgH8='
    """
    single = array("f", numbers)
    if sys.byteorder == "big":
        single.byteswap()
    return base64.b64encode(single.tobytes()).decode()


def _slots(width: int) -> list[int]:
    """The units of a column that are shown."""
    if width <= LIMIT:
        return list(range(width))
    return [*range(LIMIT // 2), *range(width - LIMIT // 2, width)]


# --- how the plane is divided --------------------------------------------------------------------
def regions(
    recording: Recording, shown: list[int], features: list[str], called: list[str]
) -> dict[str, Any] | None:
    """The grid of each epoch as bytes, with the samples; None where there is no plane to draw.

    A cell is two bytes. Of a classifier these are the class and how sure the model is of it. Of a
    regression they are 0 and the height of the answer between `low` and `high`. A first byte of 255
    says that the answer is not finite.
    """
    points = [plane.row(x) for x, _ in recording.rows]
    if not all(map(plane.in_plane, points)):
        return None
    corners = plane.window(points)
    grids = []
    for epoch in shown:
        set_data(recording.parameters, recording.snapshots[epoch])
        grids.append([as_list(x) for x in predict(recording.model, _cells(corners))])
    try:
        kinds, truth = plane.classes("to_html", len(grids[0][0]), [y for _, y in recording.rows])
    except ValueError:  # targets that are no classes
        return None
    if not all(map(math.isfinite, truth)):
        return None
    answers = [answer for grid in grids for answer in grid]
    heights = [answer[0] for answer in answers] + (truth if not kinds else [])
    finite = [x for x in heights if math.isfinite(x)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    last = plane.last_activation(recording.model)
    cells = [_class(out, last) if kinds else _height(out[0], low, high) for out in answers]
    return {
        "cells": CELLS,
        "window": corners,
        "kinds": kinds,
        "low": low,
        "high": high,
        "features": features if len(features) == 2 else ["x0", "x1"],
        "classes": called if len(called) == kinds else [f"class {k}" for k in range(kinds)],
        "points": [[*p, y] for p, y in zip(points, truth, strict=True)][:POINTS],
        "samples": len(points),
        "grid": base64.b64encode(bytes(byte for cell in cells for byte in cell)).decode(),
    }


def _cells(corners: list[Pair]) -> list[Pair]:
    """The middles of the cells, row by row from the top, as a canvas has them."""
    (left, bottom), (right, top) = corners
    steps = [(i + 0.5) / CELLS for i in range(CELLS)]
    return [(left + (right - left) * s, top - (top - bottom) * t) for t in steps for s in steps]


def _class(outputs: list[float], last: object) -> tuple[int, int]:
    """The class and how sure the model is of it, from 0 (any class) to 255."""
    if not all(map(math.isfinite, outputs)):
        return 255, 0
    sure = plane.shares(outputs, last)
    best = plane.largest(sure)
    even = 1 / len(sure)
    return min(best, 254), round(255 * min(max((sure[best] - even) / (1 - even), 0.0), 1.0))


def _height(x: float, low: float, high: float) -> tuple[int, int]:
    if not math.isfinite(x):
        return 255, 0
    return 0, round(255 * (x - low) / (high - low)) if high > low else 128
