"""The update of an optimiser as machine code: the bits of `update`, and when `fit` takes it."""

import copy
import math
import pickle
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import NumericError, Value, numeric_mode
from nn import MLP, SGD, Adam, AdamW, Optimizer, RMSprop, fit
from nn.training import native
from nn.training.update import Update

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

MAKE: dict[str, Any] = {
    "sgd": lambda ps: SGD(ps, lr=0.1),
    "momentum": lambda ps: SGD(ps, lr=0.1, momentum=0.9, dampening=0.2, weight_decay=0.01),
    "nesterov": lambda ps: SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda ps: Adam(ps, lr=0.01, betas=(0.8, 0.99), weight_decay=0.1),
    "amsgrad": lambda ps: Adam(ps, amsgrad=True, eps=1e-3),
    "adamw": lambda ps: AdamW(ps, lr=0.01),
    "rmsprop": lambda ps: RMSprop(ps, momentum=0.5, weight_decay=0.1),
    "centered": lambda ps: RMSprop(ps, centered=True),
}


@pytest.mark.parametrize("name", MAKE)
@np.errstate(all="ignore")
@given(st.integers(1, 40), st.integers(0, 2**32))
def test_code_gives_the_bits_of_update(name: str, many: int, seed: int) -> None:
    optimizer, rng = MAKE[name]([Value(1.0)]), np.random.default_rng(seed)
    value, memory = rng.standard_normal(many), ()
    code, found = None, (value, memory)
    for step in range(4):
        gradient = rng.standard_normal(many) * 10.0 ** rng.integers(-5, 5)
        if seed % 2:
            gradient[rng.integers(many)] = rng.choice([np.inf, -np.inf, np.nan, 1e200, 0.0])
        value, *kept = optimizer.update(value.copy(), gradient.copy(), tuple(map(np.copy, memory)))
        memory = tuple(kept)
        if step:
            new, grads, kept, sure = code(found[0], gradient * 8.0, 8.0, found[1])
            np.testing.assert_array_equal(grads, gradient, strict=True)
            assert not math.isfinite(sure) or np.isfinite([new, grads]).all()
            found = new, kept
        else:  # what is remembered begins with numbers
            found, code = (value, memory), Update(optimizer, len(memory))
        optimizer.steps += 1
        optimizer.lr *= 0.5
        for mine, wanted in zip([found[0], *found[1]], [value, *memory], strict=True):
            np.testing.assert_array_equal(mine, wanted, strict=True)  # a nan is that of the other


@pytest.mark.parametrize("make", [*MAKE.values(), "adam"], ids=[*MAKE, "by name"])
def test_trainings_have_the_same_bits_with_it(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(8).gauss
    xs = [[draw(0, 1), draw(0, 1)] for _ in range(40)]
    ys = [x * y for x, y in xs]

    def train(worth: float) -> list[Any]:
        monkeypatch.setattr(native, "WORTH", worth)
        model = MLP(2, [5, 1], rng=3)
        made = make if isinstance(make, str) else make(model.parameters())

        def change(history: Any) -> None:
            if history.epochs == 3 and not isinstance(made, str):
                made.weight_decay = 0.25  # which code has to take in

        history = fit(
            model, xs, ys, loss="mse", optimizer=made, epochs=6, batch_size=7, seed=5,
            callbacks=change, clip=0.5, progress=False, backend="native",
        )  # fmt: skip
        memory = [] if isinstance(made, str) else made.memory
        return [history.log, [p.data for p in model.parameters()], memory]

    assert train(0) == train(1e18)


def train(make: Any, backend: str, change: Any = None) -> tuple[Any, list[Any]]:
    """The optimiser after a training, and the numbers of epochs, parameters and memory."""
    draw = random.Random(8).gauss
    xs = [[draw(0, 1), draw(0, 1)] for _ in range(40)]
    model = MLP(2, [5, 1], "tanh", rng=3)
    made = make(model.parameters())

    def factor(epoch: int) -> float:
        if change:
            change(made, epoch)
        return 1.0

    history = fit(
        model, xs, [x * y for x, y in xs], loss="mse", optimizer=made, epochs=6, batch_size=7,
        seed=5, patience=None, progress=False, backend=backend, schedule=factor,
    )  # fmt: skip
    memory = [x for held in made.memory for x in held]
    return made, [*history.loss, *[p.data for p in model.parameters()], *memory]


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_what_an_optimiser_remembers_is_that_of_its_training_whenever_it_is_read(
    copied: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    xs = [[math.sin(i), math.cos(3 * i)] for i in range(20)]
    monkeypatch.setattr(native, "WORTH", 0)  # code writes to the same arrays again and again
    kept: list[Any] = []

    def optimizer(ps: list[Value]) -> Adam:
        made.append(Adam(ps, lr=0.05))
        return made[-1]

    def train(look: bool) -> list[Any]:
        history = fit(
            MLP(2, [5, 1], "tanh", rng=3), xs, [x * y for x, y in xs], loss="mse", epochs=4,
            optimizer=optimizer, seed=5, progress=False, backend="native",
            callbacks=lambda h: kept.append([*made[-1].memory] if look else copied(made[-1])),
        )  # fmt: skip
        return [history.loss, made[-1].memory]

    made: list[Adam] = []
    wanted = train(look=True)
    seen, kept = kept, []
    assert train(look=False) == wanted
    assert [held.memory for held in kept] == seen
    assert len({map(tuple, held) for held in seen}) == 4


def set_by_schedule(made: Any, epoch: int) -> None:
    made.momentum = (0.9, 0.5, 0.0)[epoch % 3]


def change_in_place(made: Any, epoch: int) -> None:
    if epoch == 3:
        made.betas[0] = 0.5


def set_arrays(made: Any, epoch: int) -> None:
    made.betas = np.array([0.9 - 0.1 * epoch, 0.99])


@pytest.mark.parametrize("change", [change_in_place, set_arrays])
def test_settings_that_are_no_numbers_may_change_too(
    change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(ps: Any) -> Any:
        made = Adam(ps, lr=0.05)
        made.betas = [0.9, 0.99]
        return made

    wanted = train(make, "eager", change)[1]
    for worth in (0, 20_000, 1e18):
        monkeypatch.setattr(native, "WORTH", worth)
        assert train(make, "native", change)[1] == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_settings_of_few_digits_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(ps: Any) -> Any:
        return Adam(ps, lr=np.float32(0.05), betas=(np.float32(0.9), np.float32(0.99)))

    found = []
    for worth in (0, 1e18):
        monkeypatch.setattr(native, "WORTH", worth)
        found.append(train(make, "native")[1])
    assert found[0] == found[1] == pytest.approx(train(make, "eager")[1], rel=1e-9, abs=1e-12)


class Warm(SGD):
    """A rate that grows with the steps, which its update reads."""

    @property
    def lr(self) -> float:
        return self._rate * (1.0 - 0.9 ** (1 + getattr(self, "steps", 0)))

    @lr.setter
    def lr(self, rate: float) -> None:
        self._rate = rate


@pytest.mark.parametrize("kind", [SGD, Warm])
@pytest.mark.parametrize("change", [None, set_by_schedule])
def test_settings_that_change_count_at_once(
    kind: Any, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(ps: Any) -> Any:
        return kind(ps, lr=0.1, momentum=0.9, dampening=0.5)

    wanted = train(make, "eager", change)[1]
    found = {}
    for worth in (0, 20_000, 1e18):
        monkeypatch.setattr(native, "WORTH", worth)
        found[worth] = train(make, "native", change)[1]
    assert found[0] == found[20_000] == found[1e18] == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("choose", [lambda ps: ps[::-1], lambda ps: ps[3:7] + ps[:2]])
@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam"])
def test_parameters_in_any_order_and_some_of_them_learn_as_on_values(
    name: str, choose: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = train(lambda ps: MAKE[name](choose(ps)), "eager")[1]
    found = []
    for worth in (0, 1e18):
        monkeypatch.setattr(native, "WORTH", worth)
        found.append(train(lambda ps: MAKE[name](choose(ps)), "native")[1])
    assert found[0] == found[1] == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_code_is_compiled_when_trainings_with_the_same_settings_have_done_many_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(native, "UPDATED", native.Counter())
    monkeypatch.setattr(native, "WORTH", 150 * (native.EACH + 21))  # of 36 steps a training
    made = []

    def update(optimizer: Any, held: int) -> Update:
        made.append(optimizer.momentum)
        return Update(optimizer, held)

    monkeypatch.setattr(native, "Update", update)
    for momentum in [0.5, 0.25] * 4 + [0.0] * 5 + [0.25]:
        train(lambda ps, m=momentum: SGD(ps, lr=0.1, momentum=m), "native")
    assert made == [0.0, 0.25]


class Keeper(Optimizer):
    """Keeps what it is given."""

    vectorized = True

    def update(self, value: Any, gradient: Any, memory: Any) -> Any:
        kept = value, gradient, *memory
        vars(self).setdefault("kept", []).append((kept, [x.copy() for x in kept]))
        (move,) = memory or (0.0,)
        self.last = 0.9 * move + gradient
        return value - self.lr * self.last, self.last


class Counter(Optimizer):
    """Remembers one number for all."""

    vectorized = True

    def update(self, value: Any, gradient: Any, memory: Any) -> Any:
        (count,) = memory or (0.0,)
        return value - self.lr * gradient / (1.0 + count), count + 1.0


class Ragged(Optimizer):
    """Remembers something of some parameters."""

    def update(self, value: Any, gradient: Any, memory: Any) -> Any:
        move = 0.9 * sum(memory) + gradient
        return (value - self.lr * move, move, 0) if move > 0.01 else (value,)


def test_an_update_of_ones_own_keeps_what_it_was_given() -> None:
    kept = train(lambda ps: Keeper(ps, lr=0.1), "native")[0].kept
    assert len(kept) == 36
    for held, copies in kept:
        assert [x.tolist() for x in held] == [x.tolist() for x in copies]


@pytest.mark.parametrize("kind", [Counter, Ragged])
def test_an_update_of_ones_own_remembers_what_it_likes(kind: Any) -> None:
    wanted, found = (train(lambda ps: kind(ps, lr=0.1), how)[1] for how in ("eager", "native"))
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("backend", ["eager", "native"])
@pytest.mark.parametrize("vectorized", [False, True])
def test_an_update_that_returns_no_tuple_is_an_error(backend: str, vectorized: bool) -> None:
    class Bare(Optimizer):
        def update(self, value: Any, gradient: Any, memory: Any) -> Any:
            return value - self.lr * gradient

    Bare.vectorized = vectorized
    with pytest.raises(TypeError, match=r"Bare.update returned .*; write return \(value,\)"):
        train(lambda ps: Bare(ps, lr=0.1), backend)


@pytest.mark.parametrize("backend", ["eager", "native"])
def test_a_gradient_that_is_not_finite_ends_every_training(backend: str) -> None:
    class Sign(Optimizer):  # whose new values are finite all the same
        def update(self, value: float, gradient: float, memory: Any) -> Any:
            return (value - math.copysign(self.lr, gradient),)

    model = MLP(1, [1], rng=1)
    with numeric_mode("ieee"), pytest.raises(NumericError, match=r"Sign.step: the gradient of .*"):
        fit(
            model, [[1e200], [2e200]], [1.0, 2.0], loss="mse", epochs=2, progress=False,
            optimizer=lambda ps: Sign(ps, lr=0.1), backend=backend,
        )  # fmt: skip


def test_a_step_that_fails_leaves_what_was_remembered() -> None:
    optimizer = Adam([Value(1.0)], lr=0.1)
    value, *memory = optimizer.update(np.ones(3), np.ones(3), ())
    optimizer.steps = 1
    code, before = Update(optimizer, 3), [m.tolist() for m in memory]
    bad, _, _, sure = code(value, np.array([1.0, np.inf, 1.0]), 1.0, tuple(memory))
    assert not np.isfinite(bad).all()
    assert not math.isfinite(sure)
    assert [m.tolist() for m in memory] == before
    good, _, kept, _ = code(value, np.ones(3), 1.0, tuple(memory))
    again = code(good, np.ones(3), 1.0, kept)[2]
    code(good, np.full(3, np.nan), 1.0, again)
    assert np.isfinite(again).all()


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("how", [{}, {"clip": 1.0}, {"batch_size": 3}])
def test_an_update_that_overflows_is_an_error_of_ours_alone(name: str, how: Any) -> None:
    """NumPy would warn of it too, and a warning is an error in tests."""
    xs, ys = [[0.1 * i, -0.2 * i] for i in range(20)], [100.0 * i for i in range(20)]
    before = np.geterr()
    for rate in (1e10, 1e200, 1e308):
        model = MLP(2, [3, 1], rng=1)
        made = MAKE[name](model.parameters())
        made.lr, seen = rate, []
        how = {"epochs": 9, "callbacks": lambda _: seen.append(np.geterr()), **how}  # noqa: B023
        with suppress(NumericError):  # not all of them overflow
            fit(model, xs, ys, optimizer=made, loss="mse", progress=False, backend="native", **how)
        assert all(held == before for held in seen)
    assert np.geterr() == before
