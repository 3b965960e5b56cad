"""What a training does not learn is said: by `fit`, by optimisers, and by names."""

import collections
import dataclasses
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import engine
from engine import Value
from engine.source import lost
from nn import SGD, Adam, Layer, Module, clip_grad_norm, fit

HERE = str(Path(__file__))
XS, YS = [[0.0], [1.0], [2.0], [3.0]], [0.5, 1.0, 2.0, 3.0]
OTHER = Value(2.0)
BACKENDS = pytest.mark.parametrize("backend", ["auto", "eager"])


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    lost.taken.clear()


class Model(Module):
    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.w, self.b, self.function = Value(0.5), Value(0.1), function

    def __call__(self, x: Any) -> Any:
        return self.function(self, x[0])


def told(model: Module, **how: Any) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fit(model, XS, YS, **{"loss": "mse", "epochs": 3, "progress": False, "seed": 1, **how})
    return found


@BACKENDS
@pytest.mark.parametrize(
    "function",
    [
        lambda m, x: Value(float(m.w * x)),
        lambda m, x: m.w.detach() * x + m.b.detach(),
        lambda m, x: m.w.data * x + Value(0.0),
    ],
)
def test_a_loss_that_reaches_no_parameter_is_an_error(function: Any, backend: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"reaches none of the parameters \(w, b\)"):
            fit(Model(function), XS, YS, loss="mse", progress=False, backend=backend)
        model = Model(lambda m, x: m.w * x)
        with engine.no_grad(), pytest.raises(ValueError, match="reaches none of the parameters"):
            fit(model, XS, YS, loss="mse", progress=False, backend="eager")


@BACKENDS
def test_parameters_that_no_loss_reaches_are_named(backend: str) -> None:
    for function in (lambda m, x: m.w * x, lambda m, x: m.w * x + m.b.detach()):
        (found,) = told(Model(function), backend=backend)
        assert "does not reach 1 of 2 parameters (b)" in str(found.message)
        assert found.filename == HERE


def test_a_parameter_that_some_batch_reaches_is_reached() -> None:
    model = Model(lambda m, x: m.w * x if x < 2.5 else m.w * x + m.b)
    assert told(model, batch_size=1) == []


@BACKENDS
def test_a_value_that_is_no_parameter_is_named(backend: str) -> None:
    (found,) = told(Model(lambda m, x: m.w * x * OTHER + m.b), backend=backend)
    assert "1 Values that are none of its parameters (OTHER): they are not trained" in str(
        found.message
    )


class Plain:
    def __init__(self, w: Any) -> None:
        self.w = w


HIDING: dict[str, tuple[Callable[[Value], Any], Callable[[Any], Value]]] = {
    "SimpleNamespace": (lambda w: SimpleNamespace(w=w), lambda held: held.w),
    "Plain": (lambda w: Plain([w]), lambda held: held.w[0]),
    "set": (lambda w: {w}, lambda held: next(iter(held))),
    "UserList": (lambda w: collections.UserList([w]), lambda held: held[0]),
    "mappingproxy": (lambda w: MappingProxyType({"w": w}), lambda held: held["w"]),
    "list": (lambda w: [Plain({"w": w})], lambda held: held[0].w["w"]),
    "function": (lambda w: lambda: w, lambda held: held()),
}


@BACKENDS
@pytest.mark.parametrize("kind", HIDING)
def test_the_attribute_that_holds_what_is_not_found_is_named(kind: str, backend: str) -> None:
    make, take = HIDING[kind]
    places = "in an attribute of a Module, directly or in a list, tuple, dict, deque, dataclass"
    model = Model(lambda m, x: (take(m.held) + m.w) * x + m.b)
    model.held = make(Value(0.3))  # type: ignore[attr-defined]
    (found,) = told(model, backend=backend)
    assert f"none of its parameters (held of type {kind}): they are not trained" in str(
        found.message
    )
    assert places in str(found.message)
    del model.w, model.b
    model.function = lambda m, x: take(m.held) * x
    with pytest.raises(
        ValueError, match=f"no parameters, but Values in held of type {kind}; .*{places}"
    ):
        fit(model, XS, YS, loss="mse", progress=False, backend=backend)


class Shared(Module):
    """Its Values are of the class, and no parameters of an object."""

    w = Value(0.3)
    layers = (Layer(1, 1, "linear", rng=1),)

    def __call__(self, x: Any) -> Any:
        return self.w * self.layers[0](x)


class Half(Shared):
    def __init__(self) -> None:
        self.b = Value(0.0)

    def __call__(self, x: Any) -> Any:
        return super().__call__(x) + self.b


@BACKENDS
def test_values_of_a_class_are_named(backend: str) -> None:
    how: dict[str, Any] = {"loss": "mse", "progress": False, "backend": backend, "epochs": 1}
    names = r"\(?Shared.layers of its class, Shared.w of its class\)?"
    with pytest.raises(ValueError, match=rf"no parameters, but Values in {names}; keep them in an"):
        fit(Shared(), XS, YS, **how)
    with pytest.warns(UserWarning, match="3 Values that are none of its parameters") as found:
        fit(Half(), XS, YS, **how)
    assert "Shared.w of its class" in str(found[0].message)
    assert "Shared.layers of its class" in str(found[0].message)


class Slotted(Module):
    __slots__ = ("unset", "w")

    def __init__(self) -> None:
        self.w = [Value(0.5)]

    def __call__(self, x: Any) -> Any:
        return self.w[0] * x[0]


class MoreSlots(Slotted):
    def __init__(self) -> None:
        super().__init__()
        self.b = Value(0.0)

    def __call__(self, x: Any) -> Any:
        return super().__call__(x) + self.b


@BACKENDS
def test_values_in_slots_are_named(backend: str) -> None:
    how: dict[str, Any] = {"loss": "mse", "progress": False, "backend": backend, "epochs": 1}
    with pytest.raises(ValueError, match=r"but Values in Slotted.w of its __slots__; keep them in"):
        fit(Slotted(), XS, YS, **how)
    with pytest.warns(UserWarning, match=r"1 Values that .* \(Slotted.w of its __slots__\): they"):
        fit(MoreSlots(), XS, YS, **how)


def test_values_in_the_rows_are_none_to_be_trained() -> None:
    xs = [[Value(x)] for (x,) in XS]
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fit(Model(lambda m, x: m.w * x + m.b), xs, YS, loss="mse", epochs=2, progress=False)
    assert found == []


@BACKENDS
@pytest.mark.parametrize(
    "function",
    [
        lambda m, x: m.w * x + m.b * m.w.data,
        lambda m, x: m.w * x + m.b * float(m.w),
        lambda m, x: m.w * x + m.b * (1.0 + math.exp(m.w.data)),
        lambda m, x: m.w * x + m.b + int(m.w + 10.0) * 0.1 * float(m.b),
    ],
)
def test_a_number_taken_out_of_the_model_is_said_with_its_line(function: Any, backend: str) -> None:
    for loss in ("mse", lambda output, target: (output - target) ** 2):
        found = told(Model(function), backend=backend, loss=loss)
        assert len(found) == 1
        assert "takes a number out of its graph here" in str(found[0].message)
        assert "engine.sin for math.sin" in str(found[0].message)
        assert (found[0].filename, found[0].lineno) == (HERE, function.__code__.co_firstlineno)


@BACKENDS
@pytest.mark.parametrize(
    "function",
    [
        lambda m, x: m.w * x + m.b if m.w.data * 2.0 > 0.3 else m.b - m.w * x,
        lambda m, x: m.w * x + m.b if float(m.w) > 0.0 else m.b - m.w * x,
        lambda m, x: (str(m.w.data), m.w * x + m.b)[1],
        lambda m, x: m.w * x + m.b if math.exp(m.w) > 0.3 else m.b,
    ],
)
def test_a_model_that_only_looks_at_numbers_trains_in_silence(function: Any, backend: str) -> None:
    model = Model(function)
    assert told(model, backend=backend) == []
    assert model.w.data != 0.5


def test_a_decision_on_a_parameter_is_trained_eagerly_and_right() -> None:
    def kinked(m: Any, x: Any) -> Any:
        return m.w * x + m.b if m.w > 0 else 10.0 * m.w * x

    models = [Model(kinked), Model(kinked)]
    losses = []
    for model, backend in zip(models, ("auto", "eager"), strict=True):
        model.w.data = 0.05
        targets = [-2.0 * x for (x,) in XS]
        history = fit(
            *(model, XS, targets), loss="mse", epochs=40, progress=False, seed=1, backend=backend
        )
        assert history.backend == "eager"
        losses.append(history.loss)
    assert losses[0] == losses[1]
    with pytest.raises(ValueError, match=r"it depends on a parameter.*to train eagerly"):
        fit(Model(kinked), XS, YS, loss="mse", progress=False, backend="native")


# --- where parameters may be kept ----------------------------------------------------------------
@dataclasses.dataclass
class Weights:
    w: list[Value]
    rate: float = 0.1


class Held(Module):
    def __init__(self) -> None:
        self.grid = np.array([[Value(0.01)], [Value(0.02)]], dtype=object)
        self.weights = Weights([Value(0.03)])
        self.queue = collections.deque([Value(0.04)])
        self.numbers = np.zeros(3)

    def __call__(self, x: Any) -> Any:
        return sum((p * x[0] for p in self.parameters()), Value(0.0))


def test_parameters_in_arrays_dataclasses_and_deques_are_trained() -> None:
    model = Held()
    names = ["grid.0.0", "grid.1.0", "weights.w.0", "queue.0"]
    assert [name for name, _ in model.named_parameters()] == names
    before = [p.data for p in model.parameters()]
    assert told(model) == []
    assert all(p.data != x for p, x in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("name", ["parameters", "modules", "train", "zero_grad"])
def test_an_attribute_named_like_a_method_is_refused_at_once(name: str) -> None:
    class Named(Module):
        def __init__(self) -> None:
            setattr(self, name, [Value(0.1)])

    with pytest.raises(
        AttributeError, match=rf"Named\.{name} is a method of every Module, got lis"
    ):
        Named()


# --- optimisers ----------------------------------------------------------------------------------
def test_none_is_a_gradient_of_zero_to_optimisers() -> None:
    v, w = Value(1.0), Value(2.0)
    (v * 3.0).backward()
    w.grad = None
    assert clip_grad_norm([v, w], 1.5) == 3.0
    w.grad = None
    SGD([v, w], lr=1.0).step()
    assert [v.data, w.data] == [-0.5, 2.0]
    w.grad = "a"  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"the grad of a Value is an int, a float .*, got str"):
        Adam([v, w]).step()
    assert v.data == -0.5


def test_an_optimiser_says_that_no_gradient_came() -> None:
    w, b = Value(1.0, "w"), Value(2.0)
    optimizer = SGD([w, b], lr=0.1)
    Value(math.tanh(w.data)).backward()
    with pytest.warns(UserWarning, match=r"SGD.step: all gradients are 0 \(w, b\)"):
        optimizer.step()
    optimizer.step()  # once is enough
