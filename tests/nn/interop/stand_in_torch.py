"""What `to_torch` and `from_torch` use of PyTorch, in NumPy, where it is not installed."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.special import erf, softmax  # type: ignore[import-untyped]


class Tensor(SimpleNamespace):
    """Numbers in a shape."""

    def reshape(self, shape: tuple[int, ...]) -> "Tensor":
        return Tensor(array=self.array.reshape(shape), dtype=self.dtype)

    def flatten(self) -> "Tensor":
        return self.reshape((-1,))

    def tolist(self) -> Any:
        return self.array.tolist()


def tensor(numbers: Any, dtype: Any = None) -> Tensor:
    return Tensor(array=np.array(numbers, dtype=float), dtype=dtype)


class Module:
    """A module that is in training mode at first; it shows its settings."""

    training = True
    tensors: tuple[str, ...] = ()

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.__dict__ |= settings

    def __repr__(self) -> str:
        settings = [f"{name}={setting!r}" for name, setting in self.settings.items()]
        return f"{type(self).__name__}({', '.join(settings)})"

    def __call__(self, xs: Any) -> Any:
        raise NotImplementedError

    def train(self, mode: bool = True) -> Any:
        self.training = mode
        return self

    def eval(self) -> Any:
        return self.train(False)


class Linear(Module):
    """Weights in rows of the outputs."""

    tensors = "weight", "bias"

    def __init__(self, n: int, m: int, bias: bool = True, dtype: Any = None) -> None:
        super().__init__(in_features=n, out_features=m, bias=bias)
        rng = np.random.default_rng(n + 10 * m)
        self.weight = tensor(rng.normal(size=(m, n)), dtype)
        self.bias = tensor(rng.normal(size=m), dtype) if bias else None

    def __call__(self, xs: Any) -> Any:
        shift = self.bias.array if self.bias else 0.0
        return xs @ self.weight.array.T + shift


class BatchNorm1d(Module):
    """In evaluation mode, by the running mean and variance."""

    tensors = "weight", "bias", "running_mean", "running_var"
    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any
    eps: Any

    def __init__(
        self, n: int, eps: Any = 1e-5, momentum: Any = 0.1, affine: bool = True, dtype: Any = None
    ) -> None:
        super().__init__(num_features=n, eps=eps, momentum=momentum)
        rng = np.random.default_rng(n)
        for name in self.tensors:
            setattr(self, name, tensor(rng.uniform(1.0, 2.0, n), dtype))
        self.weight = self.weight if affine else None

    def __call__(self, xs: Any) -> Any:
        mean, var = self.running_mean.array, self.running_var.array
        return (xs - mean) / np.sqrt(var + self.eps) * self.weight.array + self.bias.array


class _Drop(Module):
    """Looked at in evaluation mode only."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p=p)

    def __call__(self, xs: Any) -> Any:
        return xs


class Dropout(_Drop):
    pass


class AlphaDropout(_Drop):
    pass


class Identity(Module):
    def __call__(self, xs: Any) -> Any:
        return xs


class Flatten(Module):
    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__(start_dim=start_dim, end_dim=end_dim)

    def __call__(self, xs: Any) -> Any:
        return xs.reshape(len(xs), -1)


class Conv1d(Module):
    pass


class Sequential(Module):
    """Modules in a row. Its names of tensors are the places of the modules in it."""

    def __init__(self, *parts: Any) -> None:
        super().__init__()
        self.parts = parts

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    def forward(self, xs: Any) -> Any:
        for part in self.parts:
            xs = part(xs)
        return xs

    __call__ = forward

    def train(self, mode: bool = True) -> Any:
        for part in self.parts:
            part.train(mode)
        return super().train(mode)

    def load_state_dict(self, numbers: dict[str, Tensor]) -> None:
        own = {f"{i}.{name}": part for i, part in enumerate(self.parts) for name in part.tensors}
        assert numbers.keys() == own.keys()
        for path, part in own.items():
            name = path.partition(".")[2]
            found, wanted = numbers[path], getattr(part, name)
            assert found.array.shape == wanted.array.shape
            assert found.dtype == wanted.dtype == "float64"
            setattr(part, name, found)


def _activation(name: str, function: Any, **defaults: Any) -> type[Module]:
    def init(self: Any, **settings: Any) -> None:
        assert settings.keys() <= defaults.keys()
        Module.__init__(self, **defaults | settings)

    def call(self: Any, xs: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(xs, **self.settings)

    return type(name, (Module,), {"__init__": init, "__call__": call})


def _softplus(x: Any, beta: float, threshold: float) -> Any:
    return np.where(beta * x > threshold, x, np.log1p(np.exp(beta * x)) / beta)


def _gelu(x: Any, approximate: str) -> Any:
    assert approximate == "none"
    return x / 2 * (1 + erf(x / np.sqrt(2)))


def _softmax(x: Any, dim: int) -> Any:
    return softmax(x, axis=dim)


ACTIVATIONS = [  # with PyTorch's own defaults
    _activation("ReLU", lambda x: np.maximum(x, 0.0)),
    _activation("LeakyReLU", lambda x, negative_slope: np.where(x < 0, negative_slope * x, x),
                negative_slope=0.01),
    _activation("ELU", lambda x, alpha: np.where(x < 0, alpha * np.expm1(x), x), alpha=1.0),
    _activation("GELU", _gelu, approximate="none"),
    _activation("SiLU", lambda x: x / (1 + np.exp(-x))),
    _activation("Softplus", _softplus, beta=1.0, threshold=20.0),
    _activation("Tanh", np.tanh),
    _activation("Sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    _activation("Softmax", _softmax, dim=None),
]  # fmt: skip
MODULES = [Linear, BatchNorm1d, Dropout, AlphaDropout, Identity, Flatten, Conv1d, Sequential]
nn = SimpleNamespace(**{kind.__name__: kind for kind in (*MODULES, *ACTIVATIONS)})
float64 = "float64"
