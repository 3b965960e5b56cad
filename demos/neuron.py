"""Neuron: weights, a bias, a sum, an activation; and what a single one can learn.

A first course says: a neuron multiplies each input by a weight, adds a bias, and puts the sum
through an activation; learning is moving the weights and the bias until the answers are right.

Here the inputs are two bits, and the activation is a sigmoid, so the answer is how likely a yes is.
The neuron says yes where `w . x + b > 0`: a straight line divides what it says yes to from the
rest. AND and OR have such a line, and the neuron finds one from any start. XOR has none. There the
lowest loss is that of saying 0.5 to everything, the logarithm of 2 = 0.693 a row, and that is where
its training ends. (Which of its four answers are then "right" is rounding, and no merit.)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

import nn
from demos._common import Data, Row, Stage
from demos._plots import Panel, plot_curves, plot_regions
from nn.drawing import draw_neuron
from nn.evaluation.programs import answers

ROWS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}


def run(stage: Stage) -> None:
    """Teach one neuron AND, another OR, a third XOR; draw the first with its numbers."""
    panels, curves = [], {}
    for gate, truth in GATES.items():
        neuron = nn.Neuron(2, "sigmoid", rng=stage.seed)
        history = nn.fit(
            neuron,
            ROWS,
            truth,
            loss="binary_cross_entropy",
            optimizer=lambda parameters: nn.SGD(parameters, lr=1.0),
            epochs=stage.rounds(300),
            patience=None,
            progress=False,
        )
        said = nn.predict(neuron, ROWS)
        wrong = [(p > 0.5) != bool(y) for p, y in zip(said, truth, strict=True)]

        def opinion(rows: Sequence[Row], neuron: nn.Neuron = neuron) -> Any:
            yes = answers(neuron, rows)
            return np.hstack([1 - yes, yes])

        a, b, bias = (parameter.data for parameter in neuron.parameters())
        print(
            f"{gate + ':':5}{wrong.count(False)} of 4 right, loss {history.best_loss:.3f}; answers "
            + " ".join(f"{p:.2f}" for p in said)
        )
        table = Data(ROWS, truth, ["x0", "x1"], ["no", "yes"])
        title = f"{gate}: {wrong.count(False)} of 4 right"
        panels.append(Panel(title, table, table, opinion, wrong))
        curves[gate] = history.loss
        if gate == "AND":
            print(
                f"     (1, 1) gives {a:.2f} + {b:.2f} - {-bias:.2f} = {a + b + bias:.2f}, and",
                end=" ",
            )
            print(f"sigmoid({a + b + bias:.2f}) = {said[3]:.2f}")
            draw_neuron(neuron, [1.0, 1.0], path=stage.path("drawn.png"))
    plot_curves(stage.path("loss.png"), "One neuron learns", curves, "epoch", "loss")
    title = "A straight line for AND and for OR; none for XOR"
    plot_regions(stage.path("regions.png"), title, panels, key="ringed: the neuron is wrong")
