"""More symptoms of trainings: several columns, layers and classes, and what only some of them have.

Places here have no line that moves, so that a report tells one from another.
"""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from engine import Value
from engine.source.origin import Place
from engine.wording.names import number
from nn import MLP, Dropout, Layer, Module, losses
from nn.doctor.fit_causes import CAUSES
from nn.doctor.symptoms import Scale
from nn.models.module import Contents
from tests.nn.doctor.grids import asked, counted, facts, giving, layers, same, scales, shown

NAN = float("nan")


def placed(made: Sequence[Any]) -> list[Any]:
    """Layers, or other modules, each made at a line of its own."""
    for i, part in enumerate(made):
        part.place = Place("model", i + 1)
    return [*made]


def set_at(values: Sequence[Value]) -> Place:
    """A line that tells by which numbers it was looked for."""
    return Place(f"set {[number(value.data) for value in values]}", len(values))


def numbered(*widths: int, kind: Any = "tanh", outer: Any = "linear") -> list[Layer]:
    """Layers at lines of their own; every weight and bias has another number."""
    made = placed([*layers(kind, *widths)[:-1], Layer(widths[-2], widths[-1], outer, 1)])
    for k, layer in enumerate(made):
        for j, neuron in enumerate(layer.neurons):
            neuron.b.data = -1.0 - j - 10 * k
            for i, w in enumerate(neuron.w):
                w.data = 0.25 * (1 + i + 2 * j + 4 * k)
    return made


def equal(made: list[Layer], *numbers: float) -> list[Layer]:
    """Layers whose weights are these numbers, a number for each layer from the first one on."""
    for layer, weight in zip(made, numbers, strict=False):
        for w in [w for neuron in layer.neurons for w in neuron.w]:
            w.data = weight
    return made


def one_neuron(made: list[Layer]) -> list[Layer]:
    """Layers of which the first holds one neuron several times."""
    made[0].neurons = made[0].neurons[:1] * 3
    return made


def rows(columns: Sequence[Sequence[float]], targets: Sequence[float]) -> dict[str, Any]:
    """Rows of these columns, with what is known of them."""
    about = [Scale(0.0, float(max(c) > min(c)), 1.0) for c in columns]
    return {"rows": [[*x] for x in zip(*columns, strict=True)], "columns": about} | {
        "targets": [*targets]
    }


def dropped(*ps: float, called: int | None = None) -> list[Any]:
    """Modules at lines of their own, among which are Dropouts; one of them was called."""
    made = placed([Layer(1, 1, "linear", 1), *[Dropout(p, 1) for p in ps]])
    if called is not None:
        made[called].called = Place("call", called)
        made[-1].called = made[-1].called or Place("call", 99)
    return made


class Own(Module[Any]):
    """A model with parameters in several places."""

    def __init__(self) -> None:
        self.gain = Value(1.0)
        self.body = MLP(2, [2, 2, 1], rng=1)
        self.layers = [Layer(1, 2, "tanh", 1)]


def learning(model: Any, learned: Sequence[Value], frozen: Sequence[Any] = ()) -> dict[str, Any]:
    """A training whose optimiser has only some parameters."""
    for i, part in enumerate(frozen):
        part.requires_grad_(False)
        for inner in part.modules():
            vars(inner)["frozen_at"] = Place("freeze", i + 1)
    optimizer = SimpleNamespace(params=[*learned], place=Place("optimizer", 7))
    return {"task": SimpleNamespace(optimizer=optimizer, model=model, held=Contents(model))}


def left_out() -> Iterator[dict[str, Any]]:
    """Trainings that leave parameters as they are."""
    model = MLP(2, [2, 2, 1], rng=1)
    yield learning(model, model.parameters())
    yield learning(model, model.layers[1].parameters())
    yield learning(model, model.parameters()[1:])
    own = Own()
    yield learning(own, own.parameters()[:1])
    yield learning(own, [*own.body.parameters(), *own.layers[0].parameters()])
    model, own = MLP(2, [2, 2, 1], rng=1), Own()
    yield learning(model, model.layers[2].parameters(), model.layers[:2])
    yield learning(own, [], [own.layers[0], own.body.layers[2]])
    model = MLP(2, [2, 1], rng=1)
    yield learning(model, [model.layers[1].neurons[0].w[0]], [model.layers[0]])


def of_task(**how: Any) -> dict[str, Any]:
    """A training whose task has this, and nothing else."""
    return {"task": SimpleNamespace(**how)}


MIXED = [[0.995] * 4 + [0.5] * 4] * 4
FEW_FLAT = [[0.0] * 4 + [0.5] * 4, [0.0] * 8, [0.0] * 8, [0.5] * 8]
SINGLE = [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0, 1.0, 2.0]

EDGES: dict[str, list[dict[str, Any]]] = {
    "lr_too_high": [
        *asked(losses=[[1.0], [3.0, 5.0, 2.0], [2.0, 1.0, 2.5], [1.0, NAN, 0.5]], rises=[0.2, 0.5]),
        *asked(rate=[0.25, 3.0], usual=[0.3, 0.02], losses=[[], [1.0, 3.0]]),
    ],
    "lr_too_low": [
        *asked(rate=[0.02, 0.03, 0.04], usual=[0.3], rises=[0.05, 0.5], late=[-0.1, 0.25]),
    ],
    "too_few_epochs": [
        *asked(losses=[[1.0] * n for n in (2, 4, 7, 19)], late=[-0.5, 9e-4, 0.2], epochs=[3, 7])
    ],
    "batch_too_small": [*asked(batch_size=[1, 3], rows_of_task=[0, 3])],
    "batch_too_large": [*asked(batch_size=[1, 63, 99, None], rows_of_task=[0, 65, 99])],
    "penalty_too_strong": [of_task(optimizer=SimpleNamespace()), *asked(weight_decay=[2.0, -1.0])],
    "clip_too_strong": [*asked(clip=[0.0, 0.25, 1e9])],
    "dropout_too_strong": [
        *asked(modules=[dropped(*ps) for ps in ((), (0.1,), (0.2, 0.65, 0.9), (0.4, 0.7))])
    ],
    "dropout_at_evaluation": [
        *asked(modules=[dropped(0.5, 0.25), dropped(0.5, 0.25, 0.75, called=2), dropped()]),
    ],
    "frozen_layer": [*left_out()],
    "sum_not_mean": [
        *[of_task(loss=loss) | {"growth": 2.0} for loss in (None, abs, losses.mse_loss)],
        {"growth": 0.5}, {"growth": 1.0}, {"growth": 3.5},
    ],
    "inputs_not_scaled": [
        {"columns": [Scale(0.0, 2.0, 90.0), Scale(0.0, 0.5, 1.0), Scale(0.0, 4.0, 8.0)]},
        {"columns": [Scale(0.0, 0.5, 1.0), Scale(0.0, 4.0, 8.0), Scale(0.0, 2.0, 90.0)]},
        {"columns": [Scale(0.0, 4.0, 8.0), Scale(0.0, 2.0, 90.0), Scale(0.0, 0.5, 1.0)]},
        {"columns": [Scale(0.0, 0.0, 5.0), Scale(0.0, 2.0, 90.0), Scale(0.0, 0.5, 1.0)]},
        *[{"columns": [Scale(0.0, 8.0, x), Scale(0.0, 1.0, 1.0)]} for x in (1e6, 1e6 + 1.0, 2e6)],
        {"columns": [Scale(0.0, float("inf"), 1e308), Scale(0.0, 1.0, 1.0)]},
        {"columns": [Scale(0.0, 1.0, 1.0), Scale(0.0, NAN, 1e308)]},
        {"columns": []}, {"columns": scales(1.0, 2.0)}, {"columns": scales(0.01, 0.02)},
    ],
    "targets_not_scaled": [
        *asked(targets=[[18.0, 22.0], [19.0, 23.0], [-23.0, -19.0], [10.0, 14.0], [20.0, 24.0]]),
        *asked(targets=[[4.0, 4.0, 4.0], [0.0, 0.5], [-40.0, 0.0, 40.0]], classes=[[], [1]]),
    ],
    "mse_for_classes": [*asked(loss=["mse"], classes=[[], [3], [2.0, 5.0], [*range(1, 9)]])],
    "cross_entropy_for_numbers": [
        *asked(loss=["cross_entropy"], ys=[[], [*range(17)] * 3, [*range(20)] * 9, [*range(9)]])
    ],
    "imbalanced": [
        {"ys": counted(0, 40, 3, 20), "classifies": True},
        {"ys": [], "classifies": True},
        {"ys": counted(4, 20), "classifies": True},
        {"ys": counted(4, 20), "classifies": True, "task": SimpleNamespace(
            data=SimpleNamespace(classes={0: 5.0, 1: 1.0}))},
        {"ys": counted(60, 12, 60), "classifies": True},
    ],
    "constant_labels": [*asked(targets=[[0.0, -0.0], [-0.0, 0.0], [2.5] * 3, [1.0, 2.0, 1.0]])],
    "class_missing": [
        *asked(missing=[[2], [1, 3, 4], [0, 1]], layers=[layers("relu", 2, 3, 5)], ys=[[4, 0, 2]])
    ],
    "labels_off_by_one": [
        *asked(missing=[[0], [0, 0], [2]], layers=[layers("relu", 2, 3, 5)], ys=[[4, 1, 3, 2, 1]])
    ],
    "shuffled_labels": [*asked(related=[0.0, -2.0, 1.0])],
    "noisy_labels": [*asked(related=[0.051, 0.2, 0.36, -0.2, 1.0])],
    "leaking_column": [
        rows([SINGLE, [float(i) for i in range(9)]], SINGLE),
        rows([SINGLE, [0.0] * 8 + [1.0]], SINGLE),  # four different rows are too few
        rows([SINGLE, [0.0] * 7 + [1.0, 1.0]], SINGLE),
        rows([[float(i % 3 == 0) for i in range(9)], SINGLE, [i / 4 for i in range(9)]], SINGLE),
        rows([[float(i) for i in range(9)], [1.0] * 9], [0.0] * 9),
        rows([[i / 7 for i in range(20)], [3.0 - i % 12 for i in range(20)]],
             [i % 12 for i in range(20)]),
        rows([[float(i % 5) for i in range(12)], [-0.5 * i for i in range(12)]], [*range(4)] * 3),
        rows([[0.0, 1.0] * 2, [0.0, 1.0, 2.0, 3.0]], [0.0, 1.0] * 2),
        {"rows": [], "targets": [0.0, 1.0]}, {"rows": [[1.0], [2.0]], "targets": []},
    ],
    "constant_columns": [
        rows([[1.0] * 6, [2.0] * 6, [*range(6)], [*range(6)]], []),
        rows([[*range(6)], [1.0] * 6, [*range(6)]], []),
        rows([[1.0] * 7, [2.0] * 7], []),
        {"columns": []},
    ],
    "duplicated_columns": [
        rows([[1.0] * 9, [2.0] * 9], []),  # they are constant, and no copies
        rows([[*range(9)], [*range(9)], [2.0] * 9, [*range(9, 0, -1)], [*range(9)]], []),
        rows([[*range(6)], [*range(6)], [*range(6, 0, -1)]], []),
        rows([[*range(6)]], []),
        {"columns": []},
    ],
    "duplicated_rows": [
        {"rows": [[i // 2, 0.5] for i in map(float, range(n))]} for n in (1, 2, 3, 9, 40)
    ] + [{}, {"rows": [[1.0, 0.5]] * 2}, {"rows": [[1.0, 2.0]] * 20 + [[1.0, 0.5]] * 20}],
    "dead_relu": [
        {"layers": placed(layers("tanh", 2, 4, 1)[:1] + layers("relu", 4, 4, 1)),
         "units": [FEW_FLAT, [[0.0] * 5] * 3 + [[0.1] * 5], [[0.0]]]},
        {"layers": numbered(2, 4, 4, 1, kind="relu"), "units": [FEW_FLAT] * 2 + [[[0.0] * 8]],
         "set_at": set_at},
        {"layers": numbered(2, 4, 2, 1, kind="relu"), "set_at": set_at,
         "units": [[[0.5] * 8] * 4, [[0.0] * 8, [-0.0, 0.5]], [[0.0] * 8]]},
        {"layers": numbered(2, 1, kind="relu"), "units": [[[0.0]]]}, {},
    ],
    "saturated": [
        {"layers": placed(layers("tanh", 2, 4, 4, 1)), "units": [MIXED, MIXED, [[0.0] * 8]]},
        {"layers": placed(layers("sigmoid", 2, 4, 4, 1)),
         "units": [FEW_FLAT, giving(1, 0.999)[0], [[0.0] * 8]]},
        {"layers": placed(layers("sigmoid", 2, 4, 4, 1)),
         "units": [giving(4, 0.75)[0], giving(4, 0.25)[0], [[1.0] * 8]]},
        {"layers": placed(layers("relu", 2, 4, 1)[:1] + layers("tanh", 4, 4, 1)),
         "units": [giving(4, 9.0)[0], giving(3, -1.0)[0], [[0.0] * 8]]},
        {"layers": numbered(2, 1, outer="tanh"), "units": [[[1.0]]]}, {},
    ],
    "zero_weights": [
        {"every": equal(numbered(2, 3, 2, 1), 0.0, 0.0), "set_at": set_at},
        {"every": equal(numbered(2, 3, 2, 1), 0.5, -0.0), "set_at": set_at},
        {"every": equal(numbered(2, 3, 2), 0.5, 0.5)}, {},
    ],
    "equal_weights": [
        {"every": equal(numbered(2, 3, 2, 1), 0.5, 0.25), "set_at": set_at},
        {"every": equal(numbered(2, 3, 2, 1), 0.0, 0.25), "set_at": set_at},
        {"every": one_neuron(equal(numbered(2, 3, 2, 1), 0.5))},
        {"every": equal(numbered(2, 1, 2, 1), 0.5)}, {"every": equal(numbered(2, 2), 0.5)},
        {"every": numbered(2, 3)}, {},
    ],
    "init_too_large": [
        *asked(every=[equal(numbered(2, 3), 9.0), numbered(16, 3, 2), numbered(3, 8, 5, 1)]),
        *[{"every": numbered(9, 8, 1, kind=k), "set_at": set_at} for k in ("relu", "linear")], {},
    ],
    "init_too_small": [
        *asked(every=[equal(numbered(2, 3), 0.01), equal(numbered(9, 8, 4), 0.5), same(0.01)])
    ],
    "no_activation": [
        {"layers": numbered(2, 3, 4, 5, kind="linear", outer="tanh")},
        {"layers": placed(layers("linear", 2, 3, 1)[:1] + layers("tanh", 3, 3, 1))},
        {"layers": placed(layers("tanh", 2, 3, 1)[:1] + layers("linear", 3, 3, 1))},
    ],
    "activation_on_output": [
        {"layers": numbered(2, 3, 1, outer=kind), "targets": [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0]}
        for kind in ("relu", "tanh", "sigmoid", "softplus")
    ] + [
        {"layers": numbered(2, 3, 1, outer="tanh"), "classifies": True, "loss": loss}
        for loss in ("binary_cross_entropy", "hinge")
    ] + [{"layers": numbered(2, 3, 1, kind="relu"), "targets": [-1.0]}],
    "too_narrow": [
        *asked(layers=[numbered(5, 6, 2, 3, 1), numbered(5, 2, 9, 2, 1), numbered(5, 4, 4, 1)]),
        {"layers": numbered(5, 1)}, {"layers": numbered(5, 6, 3, 1)},
    ],
}  # fmt: skip


def answers(name: str) -> Iterator[str]:
    """What a cause says of each of its edges."""
    for how in EDGES[name]:
        yield from [shown(each) for each in CAUSES[name](facts(**how))] or ["-"]
