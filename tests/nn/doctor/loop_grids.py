"""What loops show at both sides of each number that the doctor's causes compare with."""

import sys
from collections.abc import Callable, Iterator
from math import inf, nan
from types import SimpleNamespace
from typing import Any

import engine
import nn
from engine import Value
from engine.explain.facts import Facts
from engine.explain.report import Cause
from engine.source.origin import Place
from nn import SGD, Adam, Dropout, Layer, RMSprop, Sequential
from nn.doctor import loop_layers, loops
from tests.nn.doctor.grids import same

CAUSES = {**loops.CAUSES, **loop_layers.CAUSES}
FALLING, RISING, WILD = [8.0, 4.0, 2.0, 1.0, 0.5], [1.0, 1.1, 1.4, 1.6, 2.0], [1.0, 2.0, nan, nan]


def clip(parameters: list[Value]) -> None:
    """The call that the doctor finds in this file, as in that of a loop."""
    nn.clip_grad_norm(parameters, 1e-4)


class Loop(Facts):
    """A loss and the loop around it, in which some facts are as the test wants them."""

    def __init__(self, loss: Value, model: Any, **how: Any) -> None:
        super().__init__(loss, model, sys._getframe(0))
        self.lost: list[float] = how.pop("losses", FALLING)
        place = Place(__file__, 1)
        sweeps = [SimpleNamespace(place=place, epoch=10**9) for _ in self.lost]
        usual: dict[str, Any] = {"sweeps": sweeps, "epochs": None, "set_at": None, "scaled": 1.0}
        usual |= {"loss_at": place, "loops": [SimpleNamespace(lineno=1, end_lineno=9)]}
        vars(self).update(usual | how)

    @property
    def losses(self) -> list[float]:
        """As the test wants them."""
        return self.lost


def model(*layers: Layer) -> Sequential[Any]:
    return Sequential(*layers or (Layer(2, 3, "tanh", 1), Layer(3, 1, "linear", 2)))


def plain(net: Any, ys: list[float] | None = None, scale: float = 1.0) -> Value:
    """The mean squared error of some rows."""
    ys = ys or [0.5, -1.0, 0.25, 1.5]
    xs = [[scale * (1 + i), -0.5 * scale] for i in range(len(ys))]
    width = net.layers[0].n_in
    outputs = [net([*x, *x, *x][:width]) for x in xs]
    outputs = [each[0] if isinstance(each, list) else each for each in outputs]
    return nn.mse_loss(outputs, ys)


def stepped(kind: Any, **how: Any) -> Callable[[], Loop]:
    """A loop whose optimiser has these settings."""
    settings = {name: how.pop(name) for name in ("lr", "weight_decay") if name in how}

    def make() -> Loop:
        net = model()
        optimizer = kind(net.parameters(), **settings)
        found = Loop(plain(net), net, **how)
        vars(found)["optimizer"] = optimizer  # lives as long
        return found

    return make


def seen(net: Callable[[], Any], **how: Any) -> Callable[[], Loop]:
    """A loop with this model."""
    loss = {name: how.pop(name) for name in ("ys", "scale") if name in how}

    def make() -> Loop:
        made = net()
        return Loop(plain(made, **loss), made, **how)

    return make


def penalised(strength: float) -> Callable[[], Loop]:
    """A loop whose loss has a penalty."""

    def make() -> Loop:
        net = model()
        loss = plain(net) + strength * engine.sum([p * p for p in net.parameters()])
        return Loop(loss, net)

    return make


def shortened(by: float) -> Callable[[], Loop]:
    """A loop that clips gradients."""

    def make() -> Loop:
        net = model()
        loss = plain(net)
        loss.backward()
        for p in net.parameters():
            p.grad *= by
        return Loop(loss, net)

    return make


def sized(by: float) -> Sequential[Any]:
    """A model whose first weights are so many times as large as those that are usual."""
    net = model(Layer(4, 3, "tanh", 1), Layer(3, 1, "linear", 1))
    for neuron in net.layers[0].neurons:
        for i, w in enumerate(neuron.w):
            w.data = by * 0.5 * (-1.0) ** i + 1e-12 * (neuron is net.layers[0].neurons[0])
    return net


def narrow(width: int) -> Sequential[Any]:
    return model(Layer(2, width, "tanh", 1), Layer(width, 1, "linear", 2))


def bent(arity: int) -> Callable[[], Loop]:
    """Linear layers with an operation of one's own between them, or without one (0)."""
    row = engine.operation(
        f"bend{arity}", lambda *xs: xs[0] ** 3, [lambda y, *xs: 3 * xs[0] ** 2] * max(arity, 1)
    )

    def make() -> Loop:
        first, last = Layer(2, 3, "linear", 1), Layer(3, 1, "linear", 2)

        def output(x: list[float]) -> Any:
            return last([row(*[u] * arity) if arity else u for u in first(x)])

        loss = nn.mse_loss([output([1.0, 2.0]), output([-1.0, 0.5])], [0.0, 1.0])
        return Loop(loss, model(first, last))

    return make


def output(activation: Any, *ys: float, scores: bool = False) -> Callable[[], Loop]:
    """A last layer with this activation, and targets."""

    def make() -> Loop:
        net = model(Layer(2, 3, "tanh", 1), Layer(3, 1, activation, 2))
        if not scores:
            return Loop(plain(net, [*ys]), net)
        outputs = [net([1.0, float(i)]) for i in range(len(ys))]
        outputs = [each[0] if isinstance(each, list) else each for each in outputs]
        pairs = [*zip(outputs, ys, strict=True)]
        terms = [(x - y) ** 2 + engine.log(x * x + 1.0) for x, y in pairs]
        return Loop(engine.sum(terms), net)

    return make


def dropping(p: float) -> Sequential[Any]:
    return Sequential(Layer(2, 3, "tanh", 1), Dropout(p, 1), Layer(3, 1, "linear", 2))


GRIDS: dict[str, list[Callable[[], Loop]]] = {
    "lr_too_high": [
        *[stepped(SGD, lr=x) for x in (2.9, 3.0)],
        *[stepped(Adam, lr=x) for x in (0.29, 0.3)],
        *[stepped(SGD, lr=x, losses=y) for x in (0.05, 0.06) for y in (RISING, WILD, [1.0, 2.0])],
        *[stepped(SGD, lr=0.1, losses=[1.0] * 4 + [x]) for x in (0.95, 1.4, 1.51, inf)],
        stepped(RMSprop, lr=9.0, losses=[]),
    ],
    "lr_too_low": [
        *[stepped(SGD, lr=x, losses=[1.0, 0.9, 0.9, 0.8, y]) for x in (0.0, 1e-3, 1.1e-3)
          for y in (0.51, 0.5, 1.2)],
        *[stepped(Adam, lr=1e-5, losses=y) for y in ([], [1.0])],
    ],
    "too_few_epochs": [stepped(SGD, epochs=n) for n in (None, 1, 2, 3)],
    "penalty_too_strong": [
        *[stepped(kind, weight_decay=x) for kind in (SGD, Adam) for x in (0.0, 0.09, 0.1)],
        *[penalised(x) for x in (1e-4, 0.05, 0.2, 0.5, 1.0, 100.0)],
    ],
    "clip_too_strong": [shortened(x) for x in (0.0, 0.049, 0.051, 1.0)],
    "equal_weights": [
        seen(lambda: model(*same(0.0))), seen(lambda: model(*same(0.5))), seen(model),
        seen(lambda: model(*same(0.5)), set_at=Place("train.py", 3)),
        seen(lambda: model(Layer(2, 1, "linear", 1))),
    ],
    "init_too_large": [
        *[seen(lambda x=x: sized(x), losses=[]) for x in (0.0, 0.0099, 0.0101, 1.0, 19.9, 20.1)],
        *[seen(model, scaled=x, losses=[1.0] * 4 + [y], set_at=Place("train.py", 3))
          for x in (0.049, 0.051, 19.9, 20.1) for y in (1.0, 0.06, 0.04)],
        seen(lambda: sized(99.0)),
    ],
    "no_activation": [bent(n) for n in (0, 1, 2)]
    + [seen(model), seen(lambda: model(Layer(2, 1, "linear", 1)))],
    "too_narrow": [
        *[seen(lambda n=n: narrow(n), losses=[1.0] * 4 + [y])
          for n in (1, 2) for y in (0.19, 0.21)],
        seen(lambda: model(Layer(2, 1, "linear", 1)), losses=[1.0] * 5),
    ],
    "dropout_too_strong": [seen(lambda p=p: dropping(p)) for p in (0.5, 0.7, 0.71)],
    "mse_for_classes": [
        seen(model, ys=[*map(float, ys)])
        for ys in ([0, 1, 0, 1], [0, 1, 2], [0, 1, 2, 1], [0, 1, 2, 0, 1], [0, 1, 20, 0, 1],
                   [0, 1, 21, 0, 1], [0, 1, -1, 0, 1], [0, 1, 2, 2.5, 1, 1, 1])
    ],
    "activation_on_output": [
        *[output(kind, *ys) for kind in ("relu", "tanh", "sigmoid", "linear")
          for ys in ((0.0, 1.0), (-1.0, 1.0), (-1.1, 2.0))],
        *[output(kind, 0.0, 1.0, scores=True) for kind in ("relu", "tanh", "sigmoid")],
    ],
    "inputs_not_scaled": [seen(model, scale=x) for x in (12.0, 12.5, 12.6)],
    "targets_not_scaled": [
        *[seen(model, ys=[0.0, 1.0, 2.0, x]) for x in (25.0, 25.1, -26.0)],
        seen(model, ys=[0.0, 1.0, 99.0]),
    ],
}  # fmt: skip


def shown(cause: Cause) -> str:
    """A cause in one line."""
    about = f"{cause.name or '-'} {cause.weight:g} at {cause.place}"
    values = f", of {len(cause.values)} values" * bool(cause.values)
    return f"{about}: {cause.title}; {cause.seen}; {cause.do}{values}"


def answers(name: str) -> Iterator[str]:
    """What a cause says of each entry of its grid."""
    for make in GRIDS[name]:
        yield from [shown(each) for each in CAUSES[name](make())] or ["-"]
