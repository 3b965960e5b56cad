"""How a model of two inputs divides the plane, epoch by epoch, on a small grid."""

import base64
import math
from typing import Any

from engine import numeric_mode
from engine.core.value import set_data
from nn.evaluation.measure import predict
from nn.evaluation.plane import classes, in_plane, largest, last_activation, row, shares, window
from nn.models.module import Module
from nn.training.history import Recording

CELLS = 32  # to a side
TIMES = 40  # epochs whose regions are computed
POINTS = 500  # samples that are drawn

Pair = tuple[float, float]


def regions(
    recording: Recording, shown: list[int], features: list[str], called: list[str]
) -> dict[str, Any] | None:
    """The grid of each epoch as bytes, with the samples; None where there is no plane to draw.

    A cell is two bytes. Of a classifier these are the class and how sure the model is of it. Of a
    regression they are 0 and the height of the answer between `low` and `high`. A first byte of 255
    says that the answer is not finite.
    """
    plane = [row(x) for x, _ in recording.rows]
    if not all(map(in_plane, plane)):
        return None
    corners = window(plane)
    frames = sorted({round(i * (len(shown) - 1) / (TIMES - 1)) for i in range(TIMES)})
    grids = []
    for frame in frames:
        snapshot = recording.snapshots[shown[frame]]
        set_data(recording.parameters, snapshot)
        grids.append(_outputs(recording.model, _cells(corners)))
    try:
        kinds, truth = classes("to_html", len(grids[0][0]), [y for _, y in recording.rows])
    except ValueError:  # targets that are no classes
        return None
    if not all(map(math.isfinite, truth)):
        return None
    answers = [answer for grid in grids for answer in grid]
    heights = [answer[0] for answer in answers] + (truth if not kinds else [])
    finite = [x for x in heights if math.isfinite(x)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    last = last_activation(recording.model)
    cells = [_class(out, last) if kinds else _height(out[0], low, high) for out in answers]
    return {
        "cells": CELLS,
        "frames": frames,
        "window": corners,
        "kinds": kinds,
        "low": low,
        "high": high,
        "features": features if len(features) == 2 else ["x0", "x1"],
        "classes": called if len(called) == kinds else [f"class {k}" for k in range(kinds)],
        "points": [[*p, y] for p, y in zip(plane, truth, strict=True)][:POINTS],
        "samples": len(plane),
        "grid": base64.b64encode(bytes(byte for cell in cells for byte in cell)).decode(),
    }


def _cells(corners: list[Pair]) -> list[Pair]:
    """The middles of the cells, row by row from the top, as a canvas has them."""
    (left, bottom), (right, top) = corners
    steps = [(i + 0.5) / CELLS for i in range(CELLS)]
    return [(left + (right - left) * s, top - (top - bottom) * t) for t in steps for s in steps]


def _outputs(model: Module, rows: list[Pair]) -> list[list[float]]:
    """What the model answers for each row."""
    with numeric_mode("ieee"):  # parameters that are not finite are shown as they are
        outputs = predict(model, rows)
    return [output if isinstance(output, list) else [output] for output in outputs]


def _class(outputs: list[float], last: object) -> tuple[int, int]:
    """The class and how sure the model is of it, from 0 (any class) to 255."""
    if not all(map(math.isfinite, outputs)):
        return 255, 0
    sure = shares(outputs, last)
    best = largest(sure)
    even = 1 / len(sure)
    return min(best, 254), round(255 * min(max((sure[best] - even) / (1 - even), 0.0), 1.0))


def _height(x: float, low: float, high: float) -> tuple[int, int]:
    if not math.isfinite(x):
        return 255, 0
    return 0, round(255 * (x - low) / (high - low)) if high > low else 128
