"""What the steps of loops show: their optimisers, their parameters, and losses at the limits.

Optimisers and parameters here only have what the causes ask for. Places have no line that moves.
"""

from collections.abc import Callable, Iterator, Sequence
from math import inf, nan
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from engine.source.origin import Place
from nn import SGD, Adam, RMSprop
from nn.doctor import loops
from nn.optim.optimizers import Optimizer
from tests.nn.doctor import loop_grids
from tests.nn.doctor.loop_grids import CAUSES, shown

SWEEPS = [SimpleNamespace(epoch=5 + i, place=Place("loop", 30 + i)) for i in range(5)]
USUAL: dict[str, Any] = {
    "sweeps": SWEEPS,
    "loss_at": Place("loss", 7),
    "loops": [SimpleNamespace(lineno=i, end_lineno=90 - i) for i in (20, 25, 28)],
}


class Leaf:
    """A parameter: its gradient, and when it was set."""

    def __init__(self, epoch: int = 0, grad: float = 0.0) -> None:
        self.grad, self._epoch = grad, epoch


def leaves(*epochs: int) -> list[Any]:
    return [Leaf(epoch) for epoch in epochs]


def having(kind: type[Optimizer], params: Sequence[Any], line: int = 1, **how: Any) -> Any:
    """An optimiser with these parameters and settings."""
    made = kind.__new__(kind)
    vars(made).update({"params": [*params], "steps": 1, "place": Place("made", line)} | how)
    return made


class Signs(Optimizer):
    """An optimiser of one's own."""


def steps(*optimizers: Any, **how: Any) -> tuple[Any, list[Any]]:
    """What a loop shows of its steps, and the optimisers that live."""
    own = how.pop("own", None) or [p for each in optimizers for p in each.params]
    usual: dict[str, Any] = USUAL | {"own": own, "parameters": own, "homes": {}}
    usual |= {"found": SimpleNamespace(gradient=dict.fromkeys(own, 1.0), above={})}
    usual |= {"losses": [2.0, 1.0, 1.0, 1.0, 0.5], "fell": 0.5, "stuck": False, "epochs": None}
    usual |= {"nodes": [], "names": {}, "terms": [], "place": Place("here", 1)}
    model = SimpleNamespace(trainable_parameters=lambda: own, modules=list)
    found = usual | {"model": model, "loop_at": lambda i: Place("loop", i)} | how
    return SimpleNamespace(**found), [*optimizers]


def others() -> Iterator[tuple[Any, list[Any]]]:
    """Optimisers beside a model whose parameters were never changed."""
    still, moved = leaves(5, 4), leaves(9, 1)
    yield steps(having(SGD, moved, 4), own=still)
    yield steps(having(SGD, moved, 4), having(Adam, leaves(1, 6, 2), 8), own=still)
    yield steps(having(SGD, moved, 4), having(Adam, leaves(1, 5, 2), 8), own=still)
    yield steps(having(SGD, [Leaf(9), Leaf(9, 1.0)], 4), own=still)
    beside: list[tuple[list[Any], Any, dict[str, Any]]] = [
        (leaves(6, 5), having(SGD, moved), {}),
        (still, having(SGD, moved, steps=0), {}),
        (still, having(SGD, [Leaf(9, 1.0), Leaf(9)]), {}),
        (still, having(SGD, leaves(5, 5)), {}),
        (still, having(SGD, moved), {"sweeps": []}),
    ]
    for mine, other, how in beside:
        yield steps(other, own=mine, **how)
    yield steps(having(SGD, moved), having(SGD, still[:1], steps=0), own=still)


def frozen() -> Iterator[tuple[Any, list[Any]]]:
    """Parameters that an optimiser has, and others that it has not."""
    a, b, c, d, _unreached = own = leaves(9, 5, 4, 6, 1)
    homes = {b: ("layers.1", "x"), c: ("layers.0", "y"), d: ("layers.2", "z")}
    grads = SimpleNamespace(gradient=dict.fromkeys(own[:4], 0.0))
    how: dict[str, Any] = {"own": own, "homes": homes, "found": grads}
    closed = SimpleNamespace(trainable_parameters=lambda: [a], modules=list)
    mixed = SimpleNamespace(trainable_parameters=lambda: [a, c], modules=list)
    yield steps(having(SGD, [a], 3), having(SGD, [d], 4), **how)
    yield steps(having(SGD, [a], 3), having(SGD, [a], 4), **how, model=closed)
    yield steps(having(SGD, [a], 3), **how, model=mixed)
    yield steps(having(SGD, [a], 3), **how, sweeps=[])
    yield steps(having(SGD, [b, c, d]), **how)
    yield steps(having(SGD, leaves(1)), **how)
    yield steps(having(SGD, [a, c], 3), **how | {"homes": {b: homes[d], c: homes[d]}})


def rates() -> Iterator[tuple[Any, list[Any]]]:
    """Optimisers at many rates, and losses that fall or rise by exact shares."""
    wild: dict[str, Any] = {"stuck": True, "losses": [1.0, 1.0, 1.0, 1.0, 2.0]}
    for kind, usual in ((SGD, 0.1), (Adam, 0.01), (RMSprop, 0.01), (Signs, 0.0)):
        for lr in (usual / 2.0, usual, 29.0 * usual, 31.0 * usual, 1e9):
            yield steps(having(kind, leaves(9), lr=lr))
            yield steps(having(kind, leaves(9), lr=lr), **wild, fell=-1.0)
    for fell, losses in [(-0.5, [1.0, 1.5]), (-0.51, [1.0, 1.5]), (-inf, [1.0, inf]), (0.0, [nan])]:
        for stuck in (True, False):
            yield steps(having(SGD, leaves(9), lr=0.07), fell=fell, losses=losses, stuck=stuck)
    yield steps(having(SGD, leaves(9), 2, lr=5.0), having(Adam, leaves(9), 3, lr=5.0))
    yield steps(having(SGD, leaves(9), lr=5.0), sweeps=[])
    yield steps(having(SGD, leaves(9), lr=5.0), own=leaves(9))


def low_rates() -> Iterator[tuple[Any, list[Any]]]:
    """The same of low ones."""
    for kind, usual in ((SGD, 0.1), (Adam, 0.01), (Signs, 0.0)):
        for lr in (-1.0, 0.0, 1e-9, usual / 100.0, usual / 99.0, usual / 2.0):
            yield steps(having(kind, leaves(9), lr=lr), fell=0.25)
    for fell in (-0.5, 0.0, 0.49, 0.5, 0.9):
        yield steps(having(SGD, leaves(9), lr=1e-4), fell=fell)
    yield steps(having(SGD, leaves(9), 2, lr=1e-5), having(Adam, leaves(9), 3, lr=1e-5), fell=0.1)
    yield steps(having(SGD, leaves(9), lr=1e-5), sweeps=[], fell=0.1)


def clipped() -> Iterator[tuple[Any, list[Any]]]:
    """Gradients of which so much is left, in a file that clips them, and in one that does not."""
    here = [SimpleNamespace(epoch=5, place=Place(loop_grids.__file__, 1))]
    for left, whole, sweeps in [
        (0.05, 1.0, here), (0.049, 1.0, here), (0.0, 1.0, here), (0.01, 1.0, SWEEPS),
        (0.01, 0.0, here), (1.0, 21.0, here), (1.0, 19.0, here),
    ]:  # fmt: skip
        p = Leaf(9, left)
        found = SimpleNamespace(gradient={p: whole})
        yield steps(having(SGD, [p]), own=[p], found=found, sweeps=sweeps)
    three, four = Leaf(9, 3.0), Leaf(9, -4.0)
    found = SimpleNamespace(gradient={three: 300.0, four: -400.0})
    yield steps(having(SGD, [three]), own=[three, four], found=found, sweeps=here)


def decays() -> Iterator[tuple[Any, list[Any]]]:
    """Weight decays of several optimisers."""
    for decay in (0.0, 0.0999, 0.1, 5.0):
        yield steps(having(SGD, leaves(9), 2, weight_decay=decay), having(Signs, leaves(9)))
    yield steps(having(Signs, leaves(9)), having(SGD, leaves(9), 2, weight_decay=1.0),
                having(Adam, leaves(9), 3, weight_decay=2.0))  # fmt: skip


STEPS: dict[str, Callable[[], Iterator[tuple[Any, list[Any]]]]] = {
    "other_parameters": others,
    "frozen_layer": frozen,
    "lr_too_high": rates,
    "lr_too_low": low_rates,
    "clip_too_strong": clipped,
    "penalty_too_strong": decays,
    "too_few_epochs": lambda: (steps(own=leaves(9), epochs=n) for n in (None, -1, 0, 1, 2, 3)),
}


def step_answers(name: str) -> Iterator[str]:
    """What a cause says of the steps of each loop."""
    for facts, live in STEPS[name]():
        with patch.object(loops, "LIVE", dict(enumerate(live))):
            yield from [shown(each) for each in CAUSES[name](facts)] or ["-"]
