"""Training on Values: a graph for each batch, backward through it, a step of the optimiser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import Value
from nn.evaluation.measure import Loss, Row, measure, predict
from nn.evaluation.metrics import Metrics
from nn.models.module import Module
from nn.optim.gradients import clip_grad_norm
from nn.optim.optimizers import Optimizer

__all__ = ["EagerTrainer"]


class EagerTrainer:
    """What `fit` asks of whoever trains; this one works on the model's own Values.

    Arguments:
        parameters: all whose gradients are cleared, those of the model and of the optimiser.
    """

    backend = "eager"

    def __init__(
        self,
        model: Module,
        loss: Loss,
        tuner: Optimizer,
        parameters: Sequence[Value],
        rows: Sequence[Row],
        held_out: Sequence[Row],
        clip: float | None,
        metrics: Metrics,
    ) -> None:
        self.model, self.loss, self.tuner, self.parameters = model, loss, tuner, parameters
        self.rows, self.held_out, self.clip = rows, held_out, clip
        self.metrics = metrics
        self.confusion()  # for its errors, before anything changes

    def learn(self, batch: Sequence[int]) -> None:
        """One step on the rows of these numbers. Their graph is gone when it returns."""
        rows = [self.rows[i] for i in batch]
        value = self.loss([self.model(x) for x, _ in rows], [y for _, y in rows])
        if not isinstance(value, Value):
            raise TypeError(
                f"the loss has to give one Value, got {type(value).__name__}; compute it from the "
                "model's outputs with operators and the functions of engine"
            )
        for parameter in self.parameters:
            parameter.grad = 0.0
        value.backward()
        if self.clip is not None:
            clip_grad_norm(self.tuner.params, self.clip)
        self.tuner.step()

    def measured(self) -> dict[str, float]:
        """What the History says of an epoch."""
        judged = measure(self.model, self.held_out, self.loss, self.metrics)
        return measure(self.model, self.rows, self.loss, self.metrics) | {
            f"val_{name}": x for name, x in judged.items()
        }

    def confusion(self) -> list[list[int]] | None:
        """The matrix of the rows to judge by, if it is asked for."""
        if not self.metrics.confusion:
            return None
        rows = self.held_out or self.rows
        return self.metrics.matrix(predict(self.model, [x for x, _ in rows]), [y for _, y in rows])

    def reload(self) -> None:
        """Go on from the numbers that the Values have by now, as it does anyway."""

    def numbers(self) -> Any:
        """All parameters as they are now."""
        return [parameter.data for parameter in self.parameters]

    def sync(self, numbers: Any = None) -> None:
        """Give the model's Values the numbers, or those that they have here by now."""
        if numbers is not None:
            for parameter, number in zip(self.parameters, numbers, strict=True):
                parameter.data = number
