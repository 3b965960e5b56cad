"""How a model of two inputs divides the plane, epoch by epoch, on a small grid."""

import base64
import math
from collections.abc import Sequence
from typing import Any

from engine import numeric_mode
from engine.native.needs import available
from nn.evaluation.measure import predict
from nn.evaluation.probabilities import answers
from nn.models.architecture import describe
from nn.models.module import Module
from nn.training.history import Recording

__all__ = ["regions"]

CELLS = 32  # to a side
TIMES = 40  # epochs whose regions are computed
POINTS = 500  # samples that are drawn

Pair = tuple[float, float]


def regions(
    recording: Recording, shown: list[int], features: list[str], classes: list[str]
) -> dict[str, Any] | None:
    """The grid of each epoch as bytes, with the samples; None where there is no plane to draw.

    A cell is two bytes: its class (255: no finite answer) and how sure the model is of it; of a
    regression 0, and how high the answer stands between `low` and `high`.
    """
    points = [_point(x) for x, _ in recording.rows]
    if not all(points):
        return None
    plane = [point for point in points if point]
    window = _window(plane)
    last = len(shown) - 1
    frames = sorted({round(i * last / (TIMES - 1)) for i in range(TIMES)})
    grids = []
    for frame in frames:
        for parameter, x in zip(
            recording.parameters, recording.snapshots[shown[frame]], strict=True
        ):
            parameter.data = x
        grids.append(_outputs(recording.model, _cells(window)))
    kinds, truth = _truth(grids[0][0], [y for _, y in recording.rows])
    if not truth:
        return None
    flat = [row[0] for grid in grids for row in grid] + (truth if not kinds else [])
    finite = [x for x in flat if math.isfinite(x)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    last_layer = getattr(recording.model, "output", getattr(recording.model, "activation", ""))
    cells = [
        _answer(row, last_layer) if kinds else _height(row[0], low, high)
        for grid in grids
        for row in grid
    ]
    return {
        "cells": CELLS,
        "frames": frames,
        "window": window,
        "kinds": kinds,
        "low": low,
        "high": high,
        "features": features if len(features) == 2 else ["x0", "x1"],
        "classes": classes if len(classes) == kinds else [f"class {k}" for k in range(kinds)],
        "points": [(*p, y) for p, y in zip(plane, truth, strict=True)][:POINTS],
        "samples": len(plane),
        "grid": base64.b64encode(bytes(byte for cell in cells for byte in cell)).decode(),
    }


def _point(x: Any) -> Pair | None:
    """A sample of two finite numbers."""
    if not hasattr(x, "__iter__"):
        return None
    numbers = [float(v) for v in x]
    if len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        return None
    return numbers[0], numbers[1]


def _window(points: Sequence[Pair]) -> list[Pair]:
    """The lower and the upper corner, with room around the samples."""
    ends = []
    for i in (0, 1):
        low, high = min(p[i] for p in points), max(p[i] for p in points)
        room = 0.12 * (high - low) or 0.5 * max(abs(low), 1.0)
        ends.append((low - room, high + room))
    return [(ends[0][0], ends[1][0]), (ends[0][1], ends[1][1])]


def _cells(window: list[Pair]) -> list[Pair]:
    """The middles of the cells, row by row from the top, as a canvas has them."""
    (left, bottom), (right, top) = window
    steps = [(i + 0.5) / CELLS for i in range(CELLS)]
    return [(left + (right - left) * s, top - (top - bottom) * t) for t in steps for s in steps]


def _outputs(model: Module, rows: list[Pair]) -> list[list[float]]:
    """For each row: of a model of this library by a Program, which is much faster."""
    with numeric_mode("ieee"):  # parameters that are not finite are shown as they are
        if available() and describe(model):
            listed: list[list[float]] = answers(model, rows).tolist()
            return listed
        outputs = predict(model, rows)
    return [output if isinstance(output, list) else [output] for output in outputs]


def _truth(output: list[float], targets: list[Any]) -> tuple[int, list[float]]:
    """How many classes there are (0: a regression), and the class or the number of each sample."""
    soft = [list(map(float, y)) if hasattr(y, "__iter__") else None for y in targets]
    plain = [
        max(range(len(s)), key=s.__getitem__) if s else y
        for s, y in zip(soft, targets, strict=True)
    ]
    if len(output) > 1:
        fits = all(float(y) in range(len(output)) for y in plain)
        return len(output), [int(y) for y in plain] if fits else []
    numbers = [s[0] if s else float(y) for s, y in zip(soft, targets, strict=True)]
    if {*numbers} <= {0.0, 1.0} or {*numbers} <= {-1.0, 1.0}:
        return 2, [int(y > 0.5) for y in numbers]
    return 0, numbers if all(map(math.isfinite, numbers)) else []


def _answer(outputs: list[float], last: object) -> tuple[int, int]:
    """The class and how sure the model is of it, from 0 (any class) to 255."""
    if not all(map(math.isfinite, outputs)):
        return 255, 0
    several = len(outputs) > 1
    if several and last == "softmax":
        shares = outputs
    elif last == "sigmoid" and not several:
        shares = [1 - outputs[0], outputs[0]]
    else:
        scores = outputs if several else [0.0, outputs[0]]
        powers = [math.exp(score - max(scores)) for score in scores]
        shares = [power / sum(powers) for power in powers]
    best = max(range(len(shares)), key=shares.__getitem__)
    even = 1 / len(shares)
    return min(best, 254), round(255 * min(max((shares[best] - even) / (1 - even), 0.0), 1.0))


def _height(x: float, low: float, high: float) -> tuple[int, int]:
    if not math.isfinite(x):
        return 255, 0
    return 0, round(255 * (x - low) / (high - low)) if high > low else 128
