"""What exports to other libraries share: the parts of a model, and the import of the library."""

import random
from typing import Any

from engine import numeric_mode
from engine.lazy import optional
from nn.evaluation.measure import signals
from nn.models import chain
from nn.models.architecture import Architecture, Slot, describe, describe_row, slots, tensors
from nn.models.module import Module

ROWS = 8  # on which a model is held against its layers


def described(who: str, model: Module) -> tuple[Architecture, dict[str, Slot]]:
    """The architecture of a model's layers, and their tensors.

    Raises TypeError where there are no layers that feed each other, or where the model makes
    something else of a few random rows than they do.
    """
    if known := describe(model):
        return known, slots(model)
    parts, rng = chain.layers(who, model), random.Random(0)
    architecture = describe_row(parts)
    if architecture is None:
        got = f"{type(model).__name__} {model!r}, in which one was changed"
        expected = f"{who} takes Layers and Neurons as they were made"
        raise TypeError(f"{expected}, got {got}; give it Layers one by one")
    with numeric_mode("ieee"):  # weights that are not finite are given as they are
        for _ in range(ROWS):
            signals(who, model, parts, [rng.gauss(0, 2) for _ in range(architecture.n_in)])
    return architecture, tensors(architecture, parts)


def needed(name: str) -> Any:
    """An optional library, or an ImportError that says how to install it."""
    return optional(name, f"{name} is needed", "interop")
