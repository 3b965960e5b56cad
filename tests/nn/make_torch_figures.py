"""Writes what PyTorch answers (float64) into data/*.json, which the tests then replay without it.

Run it as `python -m tests.nn.make_torch_figures`; it needs the extra "bench".
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

DATA = Path(__file__).parent / "data"
START = [-1.2, 1.0, 0.5, -2.0]
STEPS = 20

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"lr": 0.01}),
    ("SGD", {"lr": 0.01, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.01, "momentum": 0.9}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.01, "momentum": 0.8, "nesterov": True}),
    ("SGD", {"lr": 0.005, "momentum": 0.8, "dampening": 0.1, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.005, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "betas": [0.8, 0.95], "eps": 1e-3}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.2}),
    ("Adam", {"lr": 0.3, "amsgrad": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2}),
    ("AdamW", {"lr": 0.3, "amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "eps": 1e-4}),
    ("RMSprop", {"lr": 0.02, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01, "centered": True}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.7}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.7, "centered": True, "weight_decay": 0.1}),
]

SCHEDULES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("step_decay", {"every": 3, "factor": 0.3}, "StepLR", {"step_size": 3, "gamma": 0.3}),
    ("exponential_decay", {"factor": 0.9}, "ExponentialLR", {"gamma": 0.9}),
    ("cosine", {"epochs": 11}, "CosineAnnealingLR", {"T_max": 11}),
    ("warmup", {"epochs": 4}, "LinearLR", {"start_factor": 0.25, "total_iters": 3}),
]

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "softplus": lambda x: functional.softplus(x, threshold=1000),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
INPUTS = [-4.0, -1.3, -0.2, 0.0, 0.7, 2.9]

ROWS = [[0.3, -1.2, 2.0], [1.5, 0.1, -0.7], [-2.0, 0.4, 0.9]]
CLASSES = [2, 0, 1]
SHARES = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 0.75, 0.25]]
CHANCES = [[0.9, 0.2, 0.6], [0.3, 0.5, 0.01], [0.7, 0.8, 0.4]]
LOSSES: list[tuple[str, Any, Any, Callable[[Any, Any], torch.Tensor]]] = [
    ("mse_loss", ROWS, SHARES, functional.mse_loss),
    ("mse_loss", ROWS[0], SHARES[0], functional.mse_loss),
    ("binary_cross_entropy", CHANCES, SHARES, functional.binary_cross_entropy),
    ("binary_cross_entropy", CHANCES[0], [1.0, 0.0, 1.0], functional.binary_cross_entropy),
    (
        "binary_cross_entropy_with_logits",
        ROWS,
        SHARES,
        functional.binary_cross_entropy_with_logits,
    ),
    ("cross_entropy", ROWS, CLASSES, functional.cross_entropy),
    ("cross_entropy", ROWS[0], 2, functional.cross_entropy),
    ("cross_entropy", ROWS, SHARES, functional.cross_entropy),
    ("cross_entropy", ROWS[0], SHARES[0], functional.cross_entropy),
    ("hinge_loss", ROWS[0], [1, -1, -1], lambda x, t: torch.relu(1 - t * x).mean()),
]


def valley(x: Any, y: Any, z: Any, w: Any) -> Any:
    """A bent valley (Rosenbrock's) beside a skewed bowl; the tests write the same down again."""
    return (1 - x) ** 2 + 5 * (y - x * x) ** 2 + 0.5 * (z - 2 * w) ** 2 + 0.1 * w * w


def path(name: str, settings: dict[str, Any]) -> list[list[float]]:
    parameters = [torch.tensor(x, requires_grad=True) for x in START]
    optimizer = getattr(torch.optim, name)(parameters, **settings)
    points = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        valley(*parameters).backward()
        optimizer.step()
        points.append([p.item() for p in parameters])
    return points


def rates(name: str, settings: dict[str, Any]) -> list[float]:
    optimizer = torch.optim.SGD([torch.tensor(0.0, requires_grad=True)], lr=1.0)
    schedule = getattr(torch.optim.lr_scheduler, name)(optimizer, **settings)
    found = []
    for _ in range(12):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def loss(outputs: Any, targets: Any, function: Callable[[Any, Any], torch.Tensor]) -> Any:
    x = torch.tensor(outputs, requires_grad=True)
    value = function(x, torch.tensor(targets))
    value.backward()
    return value.item(), x.grad.tolist()  # type: ignore[union-attr]


def write(name: str, figures: list[dict[str, Any]]) -> None:
    lines = ",\n".join(json.dumps(figure) for figure in figures)
    (DATA / name).write_text(f"[\n{lines}\n]\n")


def main() -> None:
    torch.set_default_dtype(torch.float64)
    write(
        "optimizers.json",
        [{"name": n, "settings": s, "start": START, "path": path(n, s)} for n, s in OPTIMIZERS],
    )
    write(
        "schedules.json",
        [{"name": n, "settings": s, "rates": rates(*torchs)} for n, s, *torchs in SCHEDULES],
    )
    curves = []
    for name, function in ACTIVATIONS.items():
        x = torch.tensor(INPUTS, requires_grad=True)
        y = function(x)
        y.sum().backward()
        slopes = x.grad.tolist()  # type: ignore[union-attr]
        curves.append({"name": name, "inputs": INPUTS, "outputs": y.tolist(), "slopes": slopes})
    write("activations.json", curves)
    figures = []
    for name, outputs, targets, function in LOSSES:
        value, gradient = loss(outputs, targets, function)
        row = {"name": name, "outputs": outputs, "targets": targets}
        figures.append({**row, "loss": value, "gradient": gradient})
    write("losses.json", figures)


if __name__ == "__main__":
    main()
