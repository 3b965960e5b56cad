"""What can be seen of a loss and of the loop around it: its graph, its sweeps, its source."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from math import hypot, inf, isfinite, sqrt
from statistics import fmean
from types import FrameType
from typing import Any, NamedTuple

from engine.core.graph import check_fresh, topological
from engine.core.modes import StaleValueError, numeric_mode, recording
from engine.core.operation import rows
from engine.core.origins import name_of, place_of
from engine.core.value import Value, apply, is_constant
from engine.explain.hunt import Finding, hunt
from engine.explain.paths import PathSums, path_sums
from engine.explain.report import Layer
from engine.source.origin import Place, origin_of
from engine.source.search import assigned, lines_of, loops_around, receiver, written
from engine.source.traces import CHANGES, SWEEPS
from engine.wording.addresses import Address, addresses, kinds_of, modules

RISE = 3.0  # times the first loss
FEW = 3  # sweeps that are no loop
SHUFFLES = ("shuffle", "sample", "permut", "choice", "DataLoader")
TARGETS = ("binary_cross_entropy", "binary_cross_entropy_with_logits", "sub")


class Sweep(NamedTuple):
    """What is kept of a call of `backward()`: see engine/source/traces.py.

    Attributes:
        code, at, epoch, data: of the loss. leaf: one below it; held: what had a gradient before.
        by, by_at: the code and the instruction that called it.
    """

    code: Any
    at: int
    epoch: int
    data: float
    leaf: Any
    held: Any
    by: Any
    by_at: int

    @property
    def place(self) -> Place:
        """The line that called `backward()`."""
        origin = origin_of(self.by, self.by_at >> 1, None)
        return Place(origin.file, origin.line)


class Facts:
    """What is seen of a loss.

    Attributes:
        loss: at the numbers that its leaves have now. model: as it was given, else None.
        given, parameters: as they were given, None or [] if not; names: their paths or names.
        found, nodes: its graph. own: the leaves that are learned.
        frame, place: of whoever called `diagnose`.
    """

    def __init__(self, loss: Value, model: Any, frame: FrameType) -> None:
        self.loss: Value = fresh(loss)
        self.asked: Value = loss
        self.model: Any = model if hasattr(model, "parameters") else None
        self.given: list[Value] | None = None if model is None else given(model)
        named = getattr(model, "named_parameters", None)
        self.parameters: list[Value] = self.given or []
        self.names: dict[Any, Any] = {p: path for path, p in named()} if named else {}
        self.frame: FrameType = frame
        self.place: Place = Place(frame.f_code.co_filename, frame.f_lineno)
        self.found: PathSums = path_sums(self.loss)
        order = topological(self.loss)
        self.nodes: list[Value] = [x for x in order if x is self.loss or not is_constant(x)]
        kinds = kinds_of([], self.nodes, None if self.given is None else {*self.given}, None)
        leaves = [node for node in self.nodes if not node.parents]
        self.own: list[Value] = [node for node in leaves if kinds[node] == "parameter"] or leaves
        self.homes: dict[Any, Address] = {p: _home(path) for p, path in self.names.items()}
        self.units: dict[Value, Address] = modules(self.nodes, self.homes)
        self.addresses: dict[Value, Address] = addresses(self.nodes, self.homes)

    def address(self, node: Value) -> tuple[str, str]:
        """The layer and the unit of a node."""
        path = self.addresses.get(node) or ("the output",)
        return (path[0], path[-1]) if node in self.units else (path[-1], path[-1])

    def name(self, node: Value) -> str:
        """How the user calls a parameter."""
        where = (self.given or self.own).index(node) if node in (self.given or self.own) else 0
        return self.names.get(node) or name_of(node) or f"parameter {where}"

    def line(self, node: Value) -> Place | None:
        """The user's line that made a node, or its module, or else what it went into."""
        while node is not self.loss:
            if (origin := place_of(node)) and origin.place:
                return origin.place
            if node in self.units and (at := self.module_at(self.units[node][0])):
                return at
            if not (above := self.found.above.get(node)):
                return None
            node = above[0].node
        return self.loss_at

    def module_at(self, path: str) -> Place | None:
        """The line that made the module with this path."""
        thing: Any = self.model
        place: Place | None = getattr(thing, "place", None)
        for part in path.split("."):
            thing = thing[int(part)] if part.isdigit() else getattr(thing, part, None)
            place = getattr(thing, "place", place)
        return place

    @cached_property
    def loss_at(self) -> Place | None:
        """The line of the loss."""
        if (origin := place_of(self.loss)) and origin.place:
            return origin.place
        back = self.sweeps[-1].place if self.sweeps else None
        return back and assigned(back, receiver(back, "backward"))

    # --- the loop ----------------------------------------------------------------------------
    @cached_property
    def sweeps(self) -> list[Sweep]:
        """Those of the loop: of losses that the same line made, from the same parameters."""
        every, own = [Sweep(*each) for each in SWEEPS], {*self.own}
        tied = [each for each in every if each.leaf() in own]
        first = (self.asked, *self.nodes[:9])
        if any(node in own for node in first):
            every = tied
        code, at = self.asked._code, self.asked._at
        same = [each for each in every if each.code is code and each.at == at]
        if not same and tied:
            same = [s for s in tied if s.code is tied[-1].code and s.at == tied[-1].at]
        return same

    @property
    def losses(self) -> list[float]:
        """Those of the loop."""
        return [sweep.data for sweep in self.sweeps]

    @cached_property
    def fell(self) -> float:
        """By which share of itself the loss fell in the loop; 1 where there was none.

        From the first fifth or the first few, whichever are lower, to the last fifth.
        """
        if not self.losses:
            return 1.0
        most = len(self.losses) // 5 or 1
        first = min(fmean(self.losses[:most]), fmean(self.losses[:FEW]))
        last = fmean(self.losses[-most:])
        return (first - last) / abs(first) if isfinite(first + last) and first else -inf

    @property
    def stuck(self) -> bool:
        """Whether there was a loop, and the loss did not fall in it."""
        return len(self.losses) > FEW and self.fell < 0.1

    @property
    def wild(self) -> bool:
        """Whether there was a loop, and the loss rose to several times the first on its way."""
        return len(self.losses) > FEW and not max(self.losses) < RISE * abs(self.losses[0])

    @cached_property
    def loops(self) -> list[Any]:
        """The loops around `backward()` in the source, the outermost first."""
        return loops_around(self.sweeps[-1].place) if self.sweeps else []

    def loop_at(self, i: int) -> Place | None:
        """The line of one of these loops."""
        return Place(self.sweeps[-1].place.file, self.loops[i].lineno) if self.loops else None

    @cached_property
    def drawn(self) -> bool:
        """Whether rows come in an order that is drawn, or all at once."""
        if len(self.loops) < 2:
            return True
        text = lines_of(self.sweeps[-1].place.file, self.loops[0])
        return any(word in text for word in SHUFFLES)

    @cached_property
    def epochs(self) -> int | None:
        """How often the outermost loop goes round, where the source says so."""
        call = getattr(self.loops[0], "iter", None) if self.loops else None
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "range":
            last = call.args[-1]
            if isinstance(last, ast.Constant) and isinstance(last.value, int):
                return last.value
        return None

    @cached_property
    def set_at(self) -> Place | None:
        """The first line of the loop's file that sets leaves between the model and the loop."""
        if self.sweeps:
            parts: Iterable[Any] = getattr(self.model, "modules", tuple)()
            file, begin = self.sweeps[0].place.file, self.sweeps[0].epoch
            # nobody knows how old leaves without a model are
            born = min([x.place.since for x in parts if hasattr(x, "place")], default=begin)
            for code, at, since in CHANGES:
                if code and code.co_filename == file and born < since <= begin:
                    return Place(file, origin_of(code, at >> 1, None).line)
        return None

    @cached_property
    def scaled(self) -> float:
        """The factor by which that line multiplies what it sets; 1 where it does not."""
        at = self.set_at
        for step in written(at.file, ast.AugAssign) if at else ():
            if at and step.lineno == at.line and isinstance(step.op, ast.Mult):
                factor = step.value
                if isinstance(factor, ast.Constant) and isinstance(factor.value, int | float):
                    return float(factor.value)
        return 1.0

    # --- the graph ---------------------------------------------------------------------------
    @cached_property
    def finding(self) -> Finding | None:
        """What made the first number that is not finite."""
        bad = any(layer.nonfinite for layer in self.layers) or not isfinite(self.loss.data)
        found = hunt(self.loss) if bad else None
        return found and replace(found, place=self.line(found.node))

    @cached_property
    def layers(self) -> list[Layer]:
        """The parameters by layer, from the one farthest from the loss to the nearest."""
        far = dict.fromkeys(self.found.order, 0)
        for node in self.found.order:
            for parent in node.parents:
                far[parent] = max(far[parent], far[node] + 1)
        members: dict[str, list[Value]] = {}
        for node in sorted(self.own, key=lambda leaf: -far[leaf]):
            members.setdefault(self.address(node)[0], []).append(node)
        return [self._layer(name, nodes) for name, nodes in members.items()]

    def _layer(self, name: str, nodes: list[Value]) -> Layer:
        grads = [self.found.gradient[node] for node in nodes]
        sizes = [abs(grad) for grad in grads if isfinite(grad)]
        rms = hypot(*sizes) / sqrt(len(sizes)) if sizes else inf
        largest, bad = max(sizes, default=inf), len(grads) - len(sizes)
        return Layer(name, tuple(nodes), rms, largest, grads.count(0.0), bad)

    @cached_property
    def terms(self) -> list[Value]:
        """The terms of the loss, and the sums that they go into: as often as they go in."""
        terms, seen = [self.loss], {self.loss}
        for node in self.found.order:
            if node in seen:
                factor = node.op in (rows.mul, rows.div) and any(map(is_constant, node.parents))
                sums = rows.add, rows.sub, rows.neg, rows.sum, rows.where, rows.mean
                if factor or node.op in sums:
                    into = [p for p in node.parents if not is_constant(p)]
                    terms += into
                    seen.update(into)
        return terms

    @property
    def targets(self) -> list[tuple[Value, float]]:
        """The outputs and their targets, as far as the last operations tell them."""
        return [(x, y if isinstance(y, float) else y.data) for x, y in self.pairs]

    @cached_property
    def pairs(self) -> list[tuple[Value, Any]]:
        """The outputs, and what holds their targets; or, of classes by number, these numbers."""
        pairs: list[tuple[Value, Any]] = []
        for node in self.nodes:
            if node in self.units or not node.parents:
                continue
            x, *rest = node.parents
            if str(node.op).endswith("log_softmax") and x in self.units:
                unit = re.search(r"\d+$", self.units[x][-1])
                pairs += [(x, float(unit[0]))] if unit else []
            elif str(node.op) in TARGETS and not is_constant(x) and _number(rest[0]):
                pairs.append((x, rest[0]))
        return pairs

    @cached_property
    def uses(self) -> int:
        """How many rows the loss is of: how often its parameters are used, as most of them are."""
        counts = sorted([len(self.found.above.get(p, ())) for p in self.own])
        return counts[len(counts) // 2] if counts else 0


def _number(node: Value) -> bool:
    return is_constant(node) or not node.parents


def _home(path: str) -> Address:
    """The layer and the unit of a parameter: `layers.0`, `layers.0.neurons.1`."""
    layer, neurons, rest = path.rpartition("neurons.")
    if neurons:
        return layer.rstrip(".") or "the model", f"{layer}{neurons}{rest.partition('.')[0]}"
    base = re.sub(r"(\.\d+)+$", "", path)
    return (base.rpartition(".")[0] or base,)


def fresh(loss: Value) -> Value:
    """A loss at the numbers that its leaves have now, in a graph of its own if any was changed.

    >>> x = Value(2.0)
    >>> y = x * 3
    >>> x.data = 5.0
    >>> fresh(y).data, y.data
    (15.0, 6.0)
    """
    order, now = topological(loss), dict[Value, Value]()
    try:
        check_fresh(order)
    except StaleValueError:
        with numeric_mode("ieee"), recording:
            _compute_again(order, now)
        return now[loss]
    return loss


def _compute_again(order: Sequence[Value], now: dict[Value, Value]) -> None:
    for node in order:
        now[node] = node
        if node.op is not None and node.parents:
            now[node] = made = apply(node.op, [now[p] for p in node.parents])
            made._code, made._at, made._label = node._code, node._at, node._label


def given(model: Any) -> list[Value]:
    """The parameters, or those of a model, as a list."""
    found = [*(model.parameters() if hasattr(model, "parameters") else model)]
    if wrong := [type(each).__name__ for each in found if not isinstance(each, Value)]:
        raise TypeError(f"parameters are Values, or a model that has them, got {wrong[0]}")
    return found


def lines(codes: Iterable[Value], pattern: str) -> Iterator[tuple[Value, Place]]:
    """The nodes whose expression in the user's source has a pattern, and their lines."""
    for node in codes:
        origin = place_of(node)
        if origin and origin.place and re.search(pattern, origin.code):
            yield node, origin.place
