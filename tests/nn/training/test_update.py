"""The update of an optimiser as machine code: the bits of `update`, and when `fit` takes it."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy", reason="pip install gradwalk[fast]")
pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

from engine import Value  # noqa: E402
from nn import MLP, SGD, Adam, AdamW, RMSprop, fit  # noqa: E402
from nn.training import native  # noqa: E402
from nn.training.update import Update  # noqa: E402

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
@given(st.integers(1, 40), st.integers(0, 2**32))
def test_code_gives_the_bits_of_update(name: str, many: int, seed: int) -> None:
    optimizer, rng = MAKE[name]([Value(1.0)]), np.random.default_rng(seed)
    value, memory = rng.standard_normal(many), ()
    code, found = None, (value, memory)
    for step in range(4):
        gradient = rng.standard_normal(many) * 10.0 ** rng.integers(-5, 5)
        value, *kept = optimizer.update(value.copy(), gradient.copy(), tuple(map(np.copy, memory)))
        memory = tuple(kept)
        if step:
            found = code(found[0], gradient, found[1])
        else:  # what is remembered begins with numbers
            found, code = (value, memory), Update(optimizer, len(memory))
        optimizer.steps += 1
        optimizer.lr *= 0.5
        assert found[0].tolist() == value.tolist()
        assert [m.tolist() for m in found[1]] == [m.tolist() for m in memory]


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


def test_a_step_that_fails_leaves_what_was_remembered() -> None:
    optimizer = Adam([Value(1.0)], lr=0.1)
    value, *memory = optimizer.update(np.ones(3), np.ones(3), ())
    optimizer.steps = 1
    code, before = Update(optimizer, 3), [m.tolist() for m in memory]
    bad, _ = code(value, np.array([1.0, np.inf, 1.0]), tuple(memory))
    assert not np.isfinite(bad).all()
    assert [m.tolist() for m in memory] == before
    good, kept = code(value, np.ones(3), tuple(memory))
    again = code(good, np.ones(3), kept)[1]
    code(good, np.full(3, np.nan), again)
    assert np.isfinite(again).all()
