"""What exports to other libraries share: the parts of a model, and the import of the library."""

from typing import Any

from engine.lazy import optional
from nn.models.architecture import Architecture, Slot, describe, slots

__all__ = ["described", "needed"]


def described(who: str, model: Any) -> tuple[Architecture, dict[str, Slot]]:
    """The architecture of a model, and its tensors. Raises TypeError where there is none."""
    architecture = describe(model)
    if architecture is None:
        raise TypeError(
            f"{who} takes an MLP, a Layer or a Neuron as they were made, got "
            f"{type(model).__name__} {model!r}; give the parts of it one by one"
        )
    return architecture, slots(model)


def needed(name: str) -> Any:
    """An optional library, or an ImportError that says how to install it."""
    return optional(name, f"{name} is needed; install it with pip install gradwalk[interop]")
