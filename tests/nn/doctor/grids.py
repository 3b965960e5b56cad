"""Symptoms at both sides of each number that the doctor's causes compare with."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise, product
from math import inf, nan
from types import SimpleNamespace
from typing import Any, cast

from engine.source.origin import Place
from nn import SGD, Dropout, Layer
from nn.doctor.fit_causes import CAUSES
from nn.doctor.symptoms import Scale
from nn.doctor.table import Suspicion

PLACE = Place("train.py", 1)
STEEP, RISING = [8.0, 4.0, 2.0, 1.0], [1.0, 1.25, 0.5, 1.5]


def facts(**how: Any) -> Any:
    """What a training shows; `task` and `begun` are parts of it."""
    given = SimpleNamespace(columns=(), samples=[], targets=[])
    data = SimpleNamespace(rows=range(how.pop("rows_of_task", 40)), classes=None, given=given)
    modules = how.pop("modules", [])
    task: dict[str, Any] = {"optimizer": SGD.__new__(SGD), "batch_size": 16, "clip": None}
    task |= {"epochs": 30, "held": SimpleNamespace(modules=modules, parameters=[]), "data": data}
    task |= {name: how.pop(name) for name in [*how] if name in task} | {"loss": None}
    task["optimizer"].weight_decay = how.pop("weight_decay", 0.0)
    begun = {"classes": how.pop("classes", []), "ys": how.pop("ys", [])}
    usual: dict[str, Any] = {
        "losses": STEEP,
        "rises": 0.0,
        "late": 0.0,
        "usual": 0.1,
        "start": SimpleNamespace(rate=how.pop("rate", 0.1), place=PLACE),
        "history": SimpleNamespace(stopped=how.pop("stopped", "epochs")),
        "task": SimpleNamespace(**task),
        "begun": SimpleNamespace(**begun),
        "at": lambda name: Place(f"{name}.py", 1),
        "made": lambda name: Place(f"{name}.py", 1),
        "set_at": lambda values: None,
        "column_name": lambda i: f"column {i}",
        "growth": 1.0,
        "classifies": False,
        "loss": "",
        "targets": [],
        "rows": [],
        "counts": Counter(begun["ys"]),
        "missing": [],
        "related": 1.0,
        "hopeless": True,
        "layers": [],
        "every": [],
        "units": [],
    }
    return SimpleNamespace(**(usual | how))


def layers(activation: Any, *widths: int) -> list[Layer]:
    """Layers one behind another, the last of them linear."""
    sizes = [*pairwise(widths)]
    kinds = [activation] * (len(sizes) - 1) + ["linear"]
    return [Layer(n, m, kind, 1) for (n, m), kind in zip(sizes, kinds, strict=True)]


def scaled(by: float) -> list[Layer]:
    """Two layers whose first weights are so many times as large."""
    made = layers("tanh", 2, 4, 1)
    for neuron in made[0].neurons:
        for i, w in enumerate(neuron.w):
            w.data = by * (-1.0) ** i * 0.5 + (neuron is made[0].neurons[0]) * 1e-9
    return made


def biased(number: float) -> list[Layer]:
    """Two layers, the biases of the first one this number and below."""
    made = layers("relu", 2, 4, 1)
    for i, neuron in enumerate(made[0].neurons):
        neuron.b.data = number - i
    return made


def same(number: float) -> list[Layer]:
    """Two layers, all weights of the last one this number."""
    made = layers("tanh", 2, 4, 3)
    for neuron in made[1].neurons:
        for w in neuron.w:
            w.data = number
    return made


def scales(*sizes: float, spread: float = 1.0) -> list[Scale]:
    return [Scale(0.0, spread, size) for size in sizes]


def giving(flat: int, number: float, of: int = 8) -> list[list[list[float]]]:
    """What four units gave: so many of them this number, for all rows."""
    return [[[number] * of if i < flat else [0.5] * of for i in range(4)], [[0.0] * of]]


def column(*numbers: float) -> dict[str, Any]:
    """Rows of one column beside one that moves; targets that are 0 and 1 in turn."""
    rows = [[x, i / 7] for i, x in enumerate(numbers)]
    about = [Scale(0.0, float(max(c) > min(c)), 1.0) for c in zip(*rows, strict=True)]
    return {"rows": rows, "columns": about, "targets": [i % 2 for i in range(len(rows))]}


def line(different: int, rows: int, off: float) -> dict[str, Any]:
    """Targets that follow from a column, but for one, which is so far off."""
    xs = [i % different for i in range(rows)]
    return column(*xs) | {"targets": [2.0 * x + 1 + off * (x == 3) for x in xs]}


def counted(*many: int) -> list[int]:
    """So many targets of each class."""
    return [k for k, n in enumerate(many) for _ in range(n)]


def asked(**how: list[Any]) -> Iterator[dict[str, Any]]:
    """All combinations."""
    for chosen in product(*how.values()):
        yield dict(zip(how, chosen, strict=True))


GRIDS: dict[str, list[dict[str, Any]]] = {
    "lr_too_high": [
        *asked(losses=[STEEP, RISING, [1.0, nan], [2.0, 2.0], []], rises=[0.0, 0.25, 0.26]),
        *asked(rate=[0.99, 1.0, 30.0], usual=[0.1, 0.0]),
    ],
    "lr_too_low": [
        *asked(rises=[0.09, 0.1], late=[0.0, 0.001]),
        *asked(rate=[0.0, 0.01, 0.011], usual=[0.1, 0.0], late=[0.0, 0.5]),
    ],
    "too_few_epochs": [
        *asked(losses=[[1.0] * n for n in (1, 5, 6, 20, 21)], late=[0.0, 0.001, 0.01, 0.011]),
        *asked(stopped=["patience", "callback"]),
    ],
    "batch_too_small": [*asked(batch_size=[1, 2, None], rows_of_task=[1, 2])],
    "batch_too_large": [*asked(batch_size=[64, 65, 66, None], rows_of_task=[64, 65])],
    "penalty_too_strong": [*asked(weight_decay=[0.0, 9e-4, 1e-3, 0.05, 0.051])],
    "clip_too_strong": [*asked(clip=[None, 0.5])],
    "dropout_too_strong": [*asked(modules=[[Dropout(p, 1)] for p in (0.2, 0.29, 0.3, 0.6, 0.7)])],
    "sum_not_mean": [*asked(growth=[1.5, 1.6, 2.4, 2.5])],
    "inputs_not_scaled": [
        *asked(columns=[scales(x, 1.0) for x in (0.05, 0.99, 10.0, 11.0, 50.0, 51.0, 3e7)]),
        *asked(columns=[scales(x, 0.05) for x in (0.05, 0.1)]),
        *asked(columns=[scales(9.0, 9.0, spread=s) for s in (0.0, 1e-9, inf)]),
        *asked(columns=[[Scale(0.0, 2.0, 90.0), Scale(0.0, 0.0, 1.0)], scales(11.0)]),
    ],
    "targets_not_scaled": [
        *asked(
            targets=[[a, a + 2 * w] for a in (0.0, 100.0) for w in (0.0, 0.009, 0.01, 10.0, 10.1)]
        ),
        *asked(targets=[[9.0, 11.0], [8.99, 11.0], [-11.1, -9.1]], classifies=[True, False]),
        {"targets": [0.0, 99.0], "classes": [0, 99]},
    ],
    "mse_for_classes": [
        *asked(loss=["mse", "mae", "huber", "hinge", ""], classes=[[0], [0, 1], [0, 1, 2]])
    ],
    "cross_entropy_for_numbers": [
        *asked(
            loss=["cross_entropy", "mse"],
            ys=[[*range(k)] * n for k in (15, 16) for n in (1, 9, 10)],
        )
    ],
    "imbalanced": [
        *asked(ys=[counted(24, 5), counted(25, 5), counted(30, 6), counted(9, 9, 1), [0] * 9],
               classifies=[True, False])
    ],
    "constant_labels": [*asked(targets=[[], [3.0], [3.0, 3.0], [3.0, 4.0]])],
    "class_missing": [
        *asked(missing=[[], [0], [1], [0, 2]], layers=[layers("relu", 2, 3)], ys=[[1, 2]])
    ],
    "labels_off_by_one": [*asked(missing=[[], [0], [1]], layers=[layers("relu", 2, 3)], ys=[[1]])],
    "shuffled_labels": [*asked(related=[-0.1, 0.049, 0.05], hopeless=[True, False])],
    "noisy_labels": [*asked(related=[0.049, 0.05, 0.349, 0.35], hopeless=[True, False])],
    "leaking_column": [
        column(0, 1, 0, 1),
        column(0, 1, 0, 1, 0),
        column(5, 9, 5, 9, 5, 9),
        column(0, 1, 2, 1, 0, 1),
        column(0, 1, 0, 0, 0, 1),
        # a line, of which two thirds stand there twice
        *[line(n, n * 5 // 3, off) for n in (10, 11, 12) for off in (0.0, 0.05, 1.0)],
        {"rows": [[float(i // 2), 1.0] for i in range(6)], "targets": [0, 1, 0, 1, 0, 1]},
        {"rows": [[float(i % 2), 1.0] for i in range(6)], "targets": [0, 1, 0, 1, 0, 1]},
    ],
    "constant_columns": [
        column(*[3.0] * 5),
        column(*[3.0] * 6),
        column(*range(6)),
        {"rows": [[1.0]] * 9, "columns": scales(1.0, spread=0.0)},
        {"rows": [[1.0, 2.0, 3.0]] * 9, "columns": scales(1.0, 2.0, spread=0.0) + scales(3.0)},
        {"rows": [[1.0, 2.0, 3.0]] * 9, "columns": scales(1.0, 2.0) + scales(3.0, spread=0.0)},
    ],
    "duplicated_columns": [
        {"rows": [[i, i] for i in range(n)], "columns": scales(1.0, 1.0)} for n in (5, 6)
    ]
    + [
        {"rows": [[i, i, i + 1] for i in range(9)], "columns": scales(1.0, 1.0, 1.0)},
        {"rows": [[i, i, i] for i in range(9)], "columns": scales(1.0, 1.0, 1.0)},
        {"rows": [[i, 3, 3] for i in range(9)], "columns": scales(1.0) + scales(1, 1, spread=0.0)},
    ],
    "duplicated_rows": [
        {"rows": [[0.5 * (i % n)] for i in range(8)]} for n in (2, 4, 5)
    ]
    + [{"rows": [[float(i % 2)] for i in range(8)]}, {"rows": [[2.0]] * 20 + [[0.5]] * 9}]
    + [{"rows": [[2.0]] * 19 + [[0.5]] * 9}],
    "dead_relu": [
        *asked(
            layers=[layers("relu", 2, 4, 1), layers("tanh", 2, 4, 1)],
            units=[giving(n, x) for n in (1, 2, 4) for x in (0.0, 0.1)],
        ),
        *asked(layers=[biased(x) for x in (-3.0, 0.0)], units=[giving(2, 0.0)]),
    ],
    "saturated": [
        *asked(
            layers=[layers(kind, 2, 4, 1) for kind in ("tanh", "sigmoid", "relu")],
            units=[giving(n, x) for n in (1, 2) for x in (0.99, 0.991, 0.995, 0.996, -0.991)],
        ),
        {"layers": layers("sigmoid", 2, 4, 1), "units": giving(3, 0.004)},
        {"layers": layers("sigmoid", 2, 4, 1), "units": giving(3, 0.006)},
    ],
    "zero_weights": [*asked(every=[same(0.0), same(0.5), layers("tanh", 2, 3), same(0.0)[1:]])],
    "equal_weights": [*asked(every=[same(0.0), same(0.5), layers("tanh", 2, 3), same(-1.0)[1:]])],
    "init_too_large": [*asked(every=[scaled(x) for x in (1.0, 5.1, 5.3, 99.0)])],
    "init_too_small": [
        *asked(every=[scaled(x) for x in (0.0, 1e-3, 0.2, 0.215, 0.5)])
    ],
    "no_activation": [
        *asked(layers=[layers(kind, 2, 3, 3, 1) for kind in ("linear", "relu")]),
        *asked(layers=[layers("linear", 2, 1), []]),
    ],
    "activation_on_output": [
        *asked(
            layers=[[Layer(2, 1, kind, 1)] for kind in ("relu", "tanh", "sigmoid", "linear")],
            targets=[[0.0, 1.0], [-1.0, 1.0], [-1.1, 0.0], [0.5, 1.1]],
        ),
        *asked(
            layers=[[Layer(2, 1, kind, 1)] for kind in ("relu", "sigmoid")],
            loss=["binary_cross_entropy", "cross_entropy"],
            classifies=[True],
        ),
        {"layers": []},
    ],
    "too_narrow": [*asked(layers=[layers("relu", 5, n, 6, 1) for n in (1, 2, 3, 4)]), {}],
}  # fmt: skip


def shown(suspicion: Suspicion) -> str:
    """A suspicion in one line."""
    cause, remedies, certain = suspicion
    mends = [f"{x.short} | {x.do} | {cast(partial[None], x.change).args}" for x in remedies]
    head = f"{cause.weight:g}{' certain' * certain} at {cause.place}: {cause.title}; {cause.seen}"
    return "; ".join([head, *filter(None, [cause.do]), *mends])


def answers(name: str) -> Iterator[str]:
    """What a cause says of each entry of its grid."""
    row: Callable[[Any], Iterator[Suspicion]] = CAUSES[name]
    for how in GRIDS[name]:
        yield from [shown(each) for each in row(facts(**how))] or ["-"]
