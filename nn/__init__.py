"""Neural networks of scalar Values: layers, losses, optimisers and a training loop.

Every weight is a `Value` with a name, and every neuron two nodes of the graph. It all stands on
the public face of `engine`; nothing here knows how a derivative is computed.

Other libraries are loaded when they are first asked for: safetensors by `save` and `load`, PyTorch,
ONNX, and scikit-learn with `ScalarMLPClassifier` and `ScalarMLPRegressor`.
"""

# ruff: noqa: F403 (what that file says is public, is)
import typing as _typing

try:
    from engine import Value as _Value  # noqa: F401  # another package of that name has none
    from engine.lazy import lazy as _lazy
except ImportError as _error:
    from nn.neighbour import stranger as _stranger

    raise _stranger(_error) from _error

from nn import losses as _losses
from nn.checkpoint.files import CheckpointError
from nn.checkpoint.model import load, save
from nn.evaluation.measure import accuracy, confusion_matrix, predict, r2_score
from nn.interop.onnx import to_onnx
from nn.interop.torch import from_torch, to_torch
from nn.likelihoods import binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy
from nn.losses import *
from nn.models.activations import ACTIVATIONS, INITS, Activation, ActivationName, InitName
from nn.models.layers import MLP, Layer, Neuron, Sequential
from nn.models.module import Module
from nn.models.regularization import BatchNorm, Dropout
from nn.optim.gradients import clip_grad_norm, clip_grad_value
from nn.optim.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, OptimizerName, RMSprop
from nn.optim.schedules import ReduceLROnPlateau, cosine, exponential_decay, step_decay, warmup
from nn.training.fit import fit
from nn.training.history import History
from nn.training.task import Backend

__all__ = ["Module", "Neuron", "Layer", "Sequential", "MLP", "Dropout", "BatchNorm"]
__all__ += ["Activation", "ACTIVATIONS", "INITS"]
__all__ += _losses.__all__
__all__ += ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy"]
__all__ += ["Optimizer", "SGD", "Adam", "AdamW", "RMSprop", "OPTIMIZERS"]
__all__ += ["clip_grad_norm", "clip_grad_value"]
__all__ += ["step_decay", "exponential_decay", "cosine", "warmup", "ReduceLROnPlateau"]
__all__ += ["fit", "History", "predict", "accuracy", "confusion_matrix", "r2_score"]
__all__ += ["ActivationName", "InitName", "OptimizerName", "Backend"]  # for annotations
__all__ += ["save", "load", "CheckpointError", "to_torch", "from_torch", "to_onnx"]

if _typing.TYPE_CHECKING:
    from nn import drawing as drawing
    from nn.doctor.examine import diagnose as diagnose
    from nn.interop.sklearn import ScalarMLPClassifier as ScalarMLPClassifier
    from nn.interop.sklearn import ScalarMLPRegressor as ScalarMLPRegressor

    __version__: str
else:
    _HOMES = {"nn": ["drawing"], "nn.doctor.examine": ["diagnose"]}
    _HOMES |= {"nn.interop.sklearn": ["ScalarMLPClassifier", "ScalarMLPRegressor"]}
    __getattr__, __dir__ = _lazy(__name__, _HOMES)
