"""The units and weights of a recorded model, as columns of slots and lines between them."""

import base64
import sys
from array import array
from typing import Any

from nn.models import chain
from nn.training.history import Recording

LIMIT = 16  # units that a column shows; of more, the first and the last


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
