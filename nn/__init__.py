"""Neural networks of scalar Values: layers, losses, optimisers and a training loop.

Every weight is a `Value` with a name, and every neuron two nodes of the graph. It all stands on
the public face of `engine`; nothing here knows how a derivative is computed.

`ScalarMLPClassifier` and `ScalarMLPRegressor`, scikit-learn's way to the same networks, are here
where scikit-learn is; they are loaded when they are first asked for.
"""

import typing as _typing

from nn.activations import ACTIVATIONS, INITS, Activation
from nn.checkpoint import CheckpointError, load, save
from nn.evaluation import accuracy, confusion_matrix, predict, r2_score
from nn.gradients import clip_grad_norm, clip_grad_value
from nn.history import History
from nn.interop import from_torch, to_onnx, to_torch
from nn.layers import MLP, Layer, Neuron
from nn.losses import (
    LOSSES,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    l1_penalty,
    l2_penalty,
    mse_loss,
)
from nn.module import Module
from nn.optim import (
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    Optimizer,
    RMSprop,
)
from nn.schedules import cosine, exponential_decay, step_decay, warmup
from nn.training import fit

__all__ = [
    # models
    "Module",
    "Neuron",
    "Layer",
    "MLP",
    "Activation",
    "ACTIVATIONS",
    "INITS",
    # losses
    "mse_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge_loss",
    "l1_penalty",
    "l2_penalty",
    "LOSSES",
    # optimisers
    "Optimizer",
    "SGD",
    "Adam",
    "AdamW",
    "RMSprop",
    "OPTIMIZERS",
    "clip_grad_norm",
    "clip_grad_value",
    # schedules
    "step_decay",
    "exponential_decay",
    "cosine",
    "warmup",
    # training
    "fit",
    "History",
    "predict",
    "accuracy",
    "confusion_matrix",
    "r2_score",
    # files
    "save",
    "load",
    "CheckpointError",
    "to_torch",
    "from_torch",
    "to_onnx",
]


if _typing.TYPE_CHECKING:
    from nn.estimators import ScalarMLPClassifier as ScalarMLPClassifier
    from nn.estimators import ScalarMLPRegressor as ScalarMLPRegressor
else:

    def __getattr__(name: str) -> object:
        """The estimators are found when they are asked for."""
        if name in ("ScalarMLPClassifier", "ScalarMLPRegressor"):
            from nn import estimators

            return getattr(estimators, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
