"""Golden files: models, trainings and pickles as earlier code wrote them, which load for ever.

Each folder in `FOLDER` was written once, by `write` with the code of its day, and stays as it is:
`flat` has the dotted paths of `engine` and `nn` as flat folders, `rooms` those of their rooms,
`layers` a Sequential with the layers that files know since then (SINCE), and tensors with shapes. A
new format or layout adds a folder. This module keeps its name and its classes, which are in files.
"""

import json
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nn
from engine import Program, Value, gradient
from nn import (
    MLP,
    SGD,
    Adam,
    AdamW,
    BatchNorm,
    Dropout,
    Layer,
    Module,
    Neuron,
    Optimizer,
    RMSprop,
    Sequential,
    fit,
)

FOLDER = Path(__file__).parents[1] / "data" / "golden"
BROKEN, WHOLE = 3, 6  # epochs when the file was written, and of the training without a break


class Gained(Module):
    """A model of one's own: two layers, a gain in a dict, and dropout while it trains."""

    def __init__(self, seed: int = 1, rate: float = 0.2) -> None:
        self.first, self.second = Layer(2, 3, "relu", seed), Layer(3, 1, "linear", seed)
        self.more, self.rate, self.rng = {"gain": Value(2.0)}, rate, random.Random(seed)

    def __call__(self, x: Any) -> Any:
        keep = [self.rng.random() >= self.rate or not self.training for _ in x]
        hidden = self.first([a * k for a, k in zip(x, keep, strict=True)])
        return self.second(hidden) * self.more["gain"]


class Drifting(Optimizer):
    """An optimiser of one's own, with a number of its own."""

    seen = 0.0

    def update(self, value: Any, gradient: Any, memory: Any) -> tuple[float, ...]:
        self.seen += gradient
        last = memory[0] if memory else 0.0
        return value - self.lr * (gradient + 0.5 * last) - 1e-3 * self.seen, gradient

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"seen": self.seen}

    def load_state_dict(self, state: Any) -> None:
        super().load_state_dict(state)
        self.seen = state["seen"]


_draw = random.Random(8).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(12)]
YS = [int(a + b / 2 > 0.3) for a, b in XS]
SCORES = {"loss": "mse", "batch_size": 5, "seed": 5, "progress": False}


def network(seed: int) -> Module:
    return MLP(2, [3, 1], activation="relu", rng=seed)


def row(seed: int) -> Module:
    return Sequential(
        Layer(2, 4, "linear", seed),
        BatchNorm(4, activation="tanh"),
        Dropout(0.25),
        Layer(4, 1, "linear", seed + 1),
    )


# By name: the model for a seed, the optimiser, and how else it is trained.
Case = tuple[Callable[[int], Module], Any, dict[str, Any]]
CASES: dict[str, Case] = {
    "momentum": (
        network,
        lambda ps: SGD(ps, lr=0.05, momentum=0.9),
        {"validation": 0.25, "clip": 1.0, "schedule": nn.exponential_decay(0.9)},
    ),
    "adam": (
        network,
        lambda ps: Adam(ps, lr=0.02, amsgrad=True),
        {"record": True, "metrics": ["r2"], "validation": (XS[:5], YS[:5])},
    ),
    "weighted": (
        network,
        lambda ps: AdamW(ps, lr=0.02),
        {
            "loss": "hinge",
            "class_weights": {-1: 1.0, 1: 3.0},
            "metrics": "confusion",
            "record": True,
        },
    ),
    "rmsprop": (network, lambda ps: RMSprop(ps, momentum=0.5, centered=True), {"patience": None}),
    "own-optimizer": (network, lambda ps: Drifting(ps, lr=0.01), {"batch_size": None}),
    "row": (row, lambda ps: Adam(ps, lr=0.02), {"batch_size": 3, "validation": 0.25}),
    "own-model": (Gained, "adam", {"backend": "eager", "validation": 0.25}),
}
MODELS: dict[str, Callable[[int], Module]] = {
    "mlp": lambda seed: MLP(2, [3, 2], activation="gelu", output="softmax", rng=seed),
    "layer": lambda seed: Layer(2, 3, "tanh", rng=seed),
    "neuron": lambda seed: Neuron(3, "silu", rng=seed),
    "sequential": row,
    "own": Gained,
}
SINCE = {"row-eager.safetensors", "row-native.safetensors", "sequential.safetensors"}


def train(name: str, backend: str, epochs: int, path: Path | None, seed: int = 3) -> dict[str, Any]:
    """What a training of `CASES` leads to; with a path, gone on from the file there."""
    make, optimizer, how = CASES[name]
    model, ys = make(seed), [2 * y - 1 for y in YS] if how.get("loss") == "hinge" else YS
    made: list[Optimizer] = []

    def once(parameters: list[Value]) -> Optimizer:
        made.append(optimizer(parameters))
        return made[0]

    how = {**SCORES, "backend": backend, "epochs": epochs, "resume": path is not None, **how}
    chosen = optimizer if isinstance(optimizer, str) else once
    history = fit(model, XS, ys, optimizer=chosen, checkpoint=path, **how)
    return {
        "parameters": [p.data for p in model.parameters()],
        "log": history.log,
        "best_epoch": history.best_epoch,
        "confusion": history.confusion,
        "snapshots": [list(row) for row in history.snapshots],
        "start": history.recording.start if history.recording else {},
        "optimizer": json.loads(json.dumps(made[0].state_dict())) if made else None,
    }


def trainings() -> list[tuple[str, str]]:
    """Every training that there is a file of, and on which backend."""
    return [(n, b) for n in CASES for b in ("eager", "native") if n != "own-model" or b == "eager"]


def things() -> dict[str, Any]:
    """What is pickled, by name."""
    x, w = Value(2.0, "x"), Value(-3.0, "w")
    y = (x * w + 0.5).relu() + x**2 * w
    y.backward()
    model = network(3)
    adam = Adam(model.parameters(), lr=0.02)
    how = {"loss": "mse", "optimizer": adam, "record": True, "seed": 5, "backend": "eager"}
    history = fit(model, XS, YS, epochs=2, progress=False, **how)
    program = Program([x], [y, gradient(y, w)], [w])
    functions = [nn.mse_loss, nn.CheckpointError("no"), nn.predict, nn.save, nn.cosine, nn.MLP]
    return {
        "graph": (y, x, w),
        "model": model,
        "optimizer": adam,
        "history": history,
        "program": program,
        "functions": functions,
    }


def looked_at(name: str, thing: Any) -> Any:
    """Numbers that a pickle's thing has to give, as JSON has them."""
    if name == "graph":
        y, x, w = thing
        before = [v.data for v in thing] + [v.grad for v in thing]
        y.zero_grad()
        y.backward()
        return [before, x.grad, w.grad, x.label, [str(p.op) for p in y.parents]]
    if name == "model":
        return nn.predict(thing, XS)
    if name == "optimizer":
        return [p.data for p in thing.params], thing.state_dict()
    if name == "history":
        recording = thing.recording
        first, *_ = repr(thing).splitlines()  # the last epochs are below
        return thing.log, [list(row) for row in thing.snapshots], recording.start, first
    if name == "program":
        return thing([[2.0], [-1.5]]).tolist(), repr(thing)
    return [getattr(one, "__name__", repr(one)) for one in thing]


def write(folder: Path) -> None:
    """Write all files and what is expected of them, with the code that is installed."""
    expected: dict[str, Any] = {}
    for name, backend in trainings():
        path = folder / f"{name}-{backend}.safetensors"
        train(name, backend, BROKEN, path)
        expected[path.name] = train(name, backend, WHOLE, None)
    for name, make in MODELS.items():
        nn.save(make(3), folder / f"{name}.safetensors")
        width = 3 if name == "neuron" else 2
        numbers = [p.data for p in make(3).parameters()]
        expected[f"{name}.safetensors"] = numbers, nn.predict(make(3), [[0.5] * width])
    for name, thing in things().items():
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(thing, 4))
        expected[f"{name}.pickle"] = looked_at(name, thing)
    lines = [f"{json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in expected.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"  # a line for each file
    (folder / "expected.json").write_text(text, encoding="utf-8")
