"""What tests of layers share."""

from nn import (
    ACTIVATIONS,
)

ELEMENTWISE = [name for name in ACTIVATIONS if name not in ("linear", "softmax")]


def numbers(model):
    return [parameter.data for parameter in model.parameters()]
