"""Optimisers: PyTorch's paths to 1e-12, nothing half done, and refusals; clipping; schedules."""

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from engine import NumericError, Value
from nn import SGD, Adam, AdamW, Optimizer, RMSprop, clip_grad_norm, clip_grad_value

DATA = Path(__file__).parents[1] / "data"
PATHS = json.loads((DATA / "optimizers.json").read_text())
RATES = json.loads((DATA / "schedules.json").read_text())


def valley(x, y, z, w):
    """The function that make_torch_figures.py walks down."""
    return (1 - x) ** 2 + 5 * (y - x * x) ** 2 + 0.5 * (z - 2 * w) ** 2 + 0.1 * w * w


def name_of(figure):
    return " ".join([figure["name"], *(f"{k}={v}" for k, v in figure["settings"].items())])


def graded(*gradients, data=1.0):
    parameters = [Value(data, f"p{i}") for i in range(len(gradients))]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    return parameters


# --- paths


def walk(parameters, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        valley(*parameters).backward()
        optimizer.step()
        yield [p.data for p in parameters]


@pytest.mark.parametrize("figure", PATHS, ids=name_of)
def test_twenty_steps_are_pytorchs(figure):
    parameters = [Value(x) for x in figure["start"]]
    optimizer = getattr(nn, figure["name"])(parameters, **figure["settings"])
    assert len(figure["path"]) == 20
    for found, wanted in zip(walk(parameters, optimizer, 20), figure["path"], strict=True):
        assert found == pytest.approx(wanted, rel=1e-12, abs=0)


@pytest.mark.parametrize("figure", PATHS, ids=name_of)
def test_a_saved_state_goes_on_where_it_was(figure):
    parameters = [Value(x) for x in figure["start"]]
    make = getattr(nn, figure["name"])
    first = make(parameters, **figure["settings"])
    list(walk(parameters, first, 7))
    second = make([*parameters], **figure["settings"] | {"lr": 123.0})
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    *_, last = walk(parameters, second, 13)
    assert last == pytest.approx(figure["path"][-1], rel=1e-12, abs=0)


def test_a_state_of_another_model_is_refused():
    optimizer = Adam(graded(1.0, 2.0))
    optimizer.step()
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match="has 2 parameters, the state is of 1; build it from the"):
        optimizer.load_state_dict(Adam(graded(1.0)).state_dict())
    assert optimizer.state_dict() == before


def test_the_rate_may_change_between_steps():
    (p,) = graded(1.0)
    optimizer = SGD([p], lr=0.5)
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert p.data == 1.0 - 0.5 - 0.25


@pytest.mark.parametrize("make", [Adam, AdamW, RMSprop])
def test_no_gradient_and_no_eps_moves_nothing(make):
    (p,) = graded(0.0)
    settings = {"weight_decay": 0.0} if make is AdamW else {}
    with pytest.warns(UserWarning, match="all gradients are 0"):
        make([p], eps=0.0, **settings).step()
    assert p.data == 1.0


def test_parameters_may_come_from_an_iterator():
    parameters = graded(1.0, 1.0)
    optimizer = SGD(iter(parameters), lr=1.0)
    optimizer.step()
    optimizer.step()
    assert [p.data for p in parameters] == [-1.0, -1.0]
    optimizer.zero_grad()
    assert [p.grad for p in parameters] == [0.0, 0.0]


def test_optimizers_by_name_have_the_documented_rates():
    rates = {name: make(graded(1.0)).lr for name, make in nn.OPTIMIZERS.items()}
    assert rates == {"sgd": 0.1, "adam": 0.01, "adamw": 0.01, "rmsprop": 0.01}


# --- clipping

GRADIENTS = st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=6)


@given(GRADIENTS, st.floats(1e-3, 1e3))
def test_clipping_by_norm_keeps_the_direction(gradients, most):
    parameters = graded(*gradients)
    norm = clip_grad_norm(parameters, most)
    assert norm == pytest.approx(math.hypot(*gradients))
    clipped = [p.grad for p in parameters]
    if norm <= most:
        assert clipped == gradients
    else:
        assert math.hypot(*clipped) == pytest.approx(most)
        wanted = [g * (most / norm) for g in gradients]
        assert clipped == pytest.approx(wanted, rel=1e-12)


@given(GRADIENTS, st.floats(0, 1e3))
def test_clipping_by_value(gradients, limit):
    parameters = graded(*gradients)
    clip_grad_value(iter(parameters), limit)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        kept = abs(gradient) <= limit
        assert parameter.grad == (gradient if kept else math.copysign(limit, gradient))


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
def test_clipping_a_bad_gradient_changes_nothing(clip):
    parameters = graded(5.0, math.nan)
    with pytest.raises(NumericError, match=f"{clip.__name__}: the gradient of parameter 'p1' is"):
        clip(parameters, 1.0)
    assert parameters[0].grad == 5.0


# --- schedules


@pytest.mark.parametrize("figure", RATES, ids=lambda figure: figure["name"])
def test_schedules_are_pytorchs(figure):
    schedule = getattr(nn, figure["name"])(**figure["settings"])
    found = [schedule(epoch) for epoch in range(len(figure["rates"]))]
    assert found == pytest.approx(figure["rates"], rel=1e-12, abs=1e-15)


def test_schedules_combine_and_end():
    schedule = nn.warmup(2, nn.cosine(4, floor=0.1))
    assert [round(schedule(epoch), 3) for epoch in (0, 1, 2, 4, 6, 99)] == [
        0.5,
        1.0,
        1.0,
        0.55,
        0.1,
        0.1,
    ]


# --- update on arrays


class Halving(Optimizer):
    """It notes what it is given."""

    vectorized = True

    def __init__(self, params):
        super().__init__(params, 0.5)
        self.kinds = []

    def update(self, value, gradient, memory):
        self.kinds.append(type(value))
        return value - self.lr * gradient, gradient


class Slow(Halving):
    """It overrides update, which need not take arrays."""

    def update(self, value, gradient, memory):
        return super().update(value, float(gradient), memory)


class Mixed:
    """Of no optimiser."""

    def update(self, value, gradient, memory):
        return super().update(value, gradient, memory)


def test_who_states_that_update_takes_arrays():
    class Renamed(nn.Adam):
        pass

    class Mixture(Mixed, nn.SGD):
        pass

    class Stated(Mixed, nn.SGD):
        vectorized = True

    fast = [nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop, Halving, Renamed, Stated]
    assert all(kind.vectorized for kind in fast)
    assert not any(kind.vectorized for kind in [Optimizer, Slow, Mixture])


@pytest.mark.parametrize(("make", "calls"), [(Halving, 3), (Slow, 3 * 5)])
def test_native_training_calls_update_once_where_it_takes_arrays(make, calls):
    pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")
    model, how = nn.MLP(3, [1, 1], rng=1), {"loss": "mse", "backend": "native", "progress": False}
    assert len(model.parameters()) == 6
    optimizer = make(model.parameters()[:5])
    nn.fit(model, [[1.0, 2.0, 3.0]], [1.0], optimizer=optimizer, epochs=3, **how)
    assert len(optimizer.kinds) == calls
    assert (float in optimizer.kinds) == (make is Slow)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"memory": [[1.0, 2.0]] * 2},
            "the state's memory is none of Adam after 1 steps; load the",
        ),
        ({"steps": 0}, "the state's memory is none of Adam after 0 steps"),
        ({"steps": -1}, "Adam.load_state_dict takes a finite steps >= 0, got -1"),
        ({"steps": 1.0}, "the state's memory is none of Adam after 1.0 steps"),
        ({"lr": math.nan}, "Adam.load_state_dict takes a finite lr >= 0, got nan"),
        ({"memory": [[1.0, 2.0, 3.0]]}, "this Adam has 2 parameters, the state is of 1; build it"),
    ],
)
def test_a_bad_state_changes_nothing(change, message):
    first, second = nn.Adam(graded(1.0, 2.0), 0.1), nn.Adam(graded(3.0, 4.0), 0.2)
    first.step()
    before = second.state_dict()
    with pytest.raises(ValueError, match=re.escape(message)):
        second.load_state_dict(first.state_dict() | change)
    assert second.state_dict() == before
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda state: state.pop("memory"), "the state lacks memory"),
        (lambda state: state.update(memory=[["a", None, 0.0]]), "memory is none of Adam after 1"),
    ],
)
def test_a_damaged_state_changes_nothing(damage, message):
    optimizer = Adam(graded(1.0))
    optimizer.step()
    before, state = optimizer.state_dict(), optimizer.state_dict()
    damage(state)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == before
