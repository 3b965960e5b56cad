"""The units and weights of a recorded model, as columns of slots and lines between them."""

import base64
import struct
import sys
from array import array
from itertools import pairwise
from typing import Any, TypeAlias

from nn.models.layers import Layer, Neuron
from nn.models.module import Module, _walk
from nn.training.history import Recording

__all__ = ["network"]

Part: TypeAlias = Layer | Neuron

LIMIT = 16  # units that a column shows; of more, the first and the last


def network(
    recording: Recording, shown: list[int], features: list[str], classes: list[str]
) -> dict[str, Any] | None:
    """Columns, lines and their weights by the epoch; None where a model is no row of layers.

    A line goes from a slot of a column (the slot after the last unit is the bias, which is always
    1) to a slot of the next. Weights are the bytes of 32-bit floats, one row for each epoch.
    """
    parts = layers(recording.model)
    if not parts:
        return None
    widths = [len(_neurons(parts[0])[0].w), *(len(_neurons(part)) for part in parts)]
    slots = [_slots(width) for width in widths]
    place = {parameter: i for i, parameter in enumerate(recording.parameters)}
    lines, names, used = [], [], []
    for k, part in enumerate(parts):
        for to, unit in enumerate(slots[k + 1]):
            neuron = _neurons(part)[unit]
            ends = [(neuron.w[source], slot) for slot, source in enumerate(slots[k])]
            for weight, slot in [*ends, (neuron.b, len(slots[k]))]:
                lines.append((k, slot, to))
                names.append(weight.label or "")
                used.append(place[weight])
    return {
        "columns": [
            {"units": units, "size": width, "words": words}
            for units, width, words in zip(slots, widths, _headings(parts), strict=True)
        ],
        "features": features if len(features) == widths[0] else [],
        "classes": classes if len(classes) == widths[-1] else [],
        "lines": lines,
        "names": names,
        "weights": floats([recording.snapshots[e][i] for e in shown for i in used]),
    }


def layers(model: Module) -> list[Part]:
    """The layers of a model that is nothing but layers in a row; for any other, an empty list."""
    found: list[Part] = []
    inside: set[int] = set()  # neurons of layers that were found
    for _, thing in _walk(model):
        if isinstance(thing, Layer):
            inside.update(map(id, thing.neurons))
            found.append(thing)
        elif isinstance(thing, Neuron) and id(thing) not in inside:
            found.append(thing)
    fits = all(len(_neurons(a)) == len(_neurons(b)[0].w) for a, b in pairwise(found))
    known = {parameter for part in found for parameter in part.parameters()}
    return found if fits and known == set(model.parameters()) else []


def floats(numbers: list[float]) -> str:
    """Numbers as the bytes of 32-bit floats, in base64; too large ones are infinite.

    >>> floats([1.0, 1e300])
    'AACAPwAAgH8='
    """
    largest = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
    single = array("f", [x if not abs(x) > largest else x * float("inf") for x in numbers])
    if sys.byteorder == "big":
        single.byteswap()
    return base64.b64encode(single.tobytes()).decode()


def _neurons(part: Part) -> list[Neuron]:
    return [part] if isinstance(part, Neuron) else part.neurons


def _headings(parts: list[Part]) -> list[str]:
    return ["input", *(part.activation for part in parts)]


def _slots(width: int) -> list[int]:
    """The units of a column that are shown."""
    if width <= LIMIT:
        return list(range(width))
    return [*range(LIMIT // 2), *range(width - LIMIT // 2, width)]
