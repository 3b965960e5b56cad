"""What a training would not learn: parameters that the loss does not reach, Values that are no
parameters, and what hangs on numbers that the model takes out of its graph.
"""

import math
import operator
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from engine import Value, gradient, inputs, numeric_mode, topological
from engine.core.origins import called, name_of, place_of
from engine.core.value import epoch, is_constant
from engine.source.lost import warn_at, watching
from nn.checks import PLACES, caller, flat, listed, warn
from nn.evaluation.isolation import isolated
from nn.evaluation.samples import Rows
from nn.losses import of_rows
from nn.models.module import Module, hidden, walk

COMPARED = 8  # the rows on which a gradient is held against differences
BESIDE, STEP = 1e-3, 1e-6


class Reach:
    """Finds out which parameters losses reach, and which other leaves a model computes with.

    Raises ValueError where there is no parameter that a loss reaches.
    """

    def __init__(
        self, model: Module, known: Sequence[Value], params: Sequence[Value], rows: Rows
    ) -> None:
        self._model, self._known, self._params, self._rows = model, known, params, rows
        self._missing: dict[Value, None] = {}
        self.seen: bool = False
        self.lines: set[tuple[str, int]] = set()  # that took numbers out of the first graph
        Value._advance(epoch() + 1)
        self._start = epoch()  # what has an earlier epoch was made before the training

    def watching(self) -> AbstractContextManager[Any]:
        """Note the lines that take numbers out of the graph of the first batch."""
        # .data is only watched while there are inputs
        self._awake = [] if self.seen else inputs("any")
        return nullcontext() if self.seen else watching(self.lines)

    def see(self, outputs: Any, loss: Value) -> None:
        """Look at the graph of a batch, until all parameters were reached."""
        self.lines.clear()
        if self.seen and not self._missing:
            return
        if not self.seen:
            self._missing = dict.fromkeys(self._params)
            self._check_others(flat(outputs))
        self.seen = True
        for node in topological(loss):
            self._missing.pop(node, None)

    def tell(self) -> None:
        """Say once what no loss has reached."""
        if not self.seen or not self._missing:
            return
        missing, self._missing = self._missing, {}
        paths = {p: path for path, p in self._model.named_parameters()}
        names = listed([paths.get(p) or called(p) for p in missing])
        if len(missing) == len(self._params):
            fault = f"the loss reaches none of the parameters ({names}), so nothing would learn"
            how = "without float(), .data, detach() or no_grad()"
            raise ValueError(f"{fault}; the model has to compute with them, {how}")
        lost = f"the loss does not reach {len(missing)} of {len(self._params)} parameters ({names})"
        why = "takes their numbers out of the graph with float(), .data or detach()"
        warn(f"{lost}: they are not trained; the model does not compute with them, or {why}")

    def _check_others(self, outputs: Sequence[Any]) -> None:
        """Warn of leaves that were there before the training and are no parameters."""
        known = set(self._known)
        nodes = topological(*[y for y in outputs if isinstance(y, Value)])
        leaves = [node for node in nodes if not node.parents and not is_constant(node)]
        others = [x for x in leaves if x._epoch < self._start and x not in known]
        if others:
            data = {x for _, x in walk(list(self._rows.xs)) if isinstance(x, Value)}
            others = [node for node in others if node not in data]
        if others:
            held = hidden(self._model)
            names = [held.get(x) or name_of(x) or f"{called(x)} of {place_of(x)}" for x in others]
            many = f"{len(others)} Values that are none of its parameters"
            which = listed([*dict.fromkeys(names)])
            remedy = f"they are not trained; keep them in {PLACES}, or write numbers"
            warn(f"the model computes with {many} ({which}): {remedy}")

    def check_taken(self, loss: Any, rows: Rows) -> None:
        """Warn of lines that take numbers out of the graph if the gradient of the loss is wrong.

        To look at a number (`if x.data > 0`) is no harm. So the derivative of the loss of some rows
        in one direction is held against differences. It is taken beside the parameters, since there
        may be a kink right at them.
        """
        if not self.lines:
            return
        xs, ys, params = rows.xs[:COMPARED], rows.ys[:COMPARED], self._params
        start = [p.data for p in params]
        along = [math.cos(i) for i in range(len(start))]

        def value(step: float) -> Any:
            for p, x, d in zip(params, start, along, strict=True):
                p._data = x + step * d
            with isolated(self._model):
                return of_rows(loss, self._model.forward_batch(xs), ys)

        try:
            with numeric_mode("ieee"):
                slopes = [g.data for g in gradient(value(BESIDE), params)]
                above, below = (float(value(BESIDE + step)) for step in (STEP, -STEP))
        except Exception:  # noqa: BLE001 (numpy is missing, or training will raise the same)
            return
        finally:
            for p, x in zip(params, start, strict=True):
                p._data = x
        got, want = math.fsum(map(operator.mul, slopes, along)), (above - below) / (2.0 * STEP)
        near = math.isclose(got, want, rel_tol=1e-4, abs_tol=1e-6 * (1.0 + abs(above)))
        if math.isfinite(want) and math.isfinite(got) and not near:
            taken = "the model takes a number out of its graph here, with float(), .data or a"
            wrong = f"{got:.4g} where differences give {want:.4g} in one direction"
            what = f"{taken} function of math, and the gradient of the loss is wrong for that"
            text = f"{what}: {wrong}; use the functions of engine, such as engine.sin for math.sin"
            for file, line in sorted(self.lines):
                warn_at(caller(), file, line, text)
