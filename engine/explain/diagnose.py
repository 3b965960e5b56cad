"""A check-up of a training step: which units pass nothing on, which layers get no gradient.

All of it is read from the graph of one loss. The loss of a batch tells more than that of one
sample, since a ReLU that is off for one sample may be on for another.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import hypot, inf, isfinite, sqrt
from typing import Any, Literal, Protocol

from engine.core.graph import topological
from engine.core.operation import Operation, rows
from engine.core.origins import name_of
from engine.core.value import Value, is_constant
from engine.explain.hunt import Finding, hunt
from engine.explain.paths import PathSums, path_sums
from engine.explain.reasons import FLAT, shape
from engine.wording.addresses import addresses, kinds_of, modules
from engine.wording.names import number, safe
from engine.wording.terminal import columns, printable

__all__ = ["Layer", "Remark", "Report", "diagnose"]

RATIO = 1e3  # between the gradients of two layers: no learning rate suits both
FITS = 1e-2  # a term of the loss below this is at its goal
LISTED = 5  # names in a remark

Kind = Literal["nonfinite", "dead", "saturated", "zero", "vanishing", "exploding", "unreached"]
Home = Callable[[Value], tuple[str, str]]  # the layer and the unit of a node


class _Model(Protocol):
    def parameters(self) -> Iterable[Value]: ...


@dataclass(frozen=True, slots=True)
class Layer:
    """The gradients of a layer: root mean square, largest, and how many are 0 or not finite.

    Where parameters have names such as `L0.N3.w2`, L0 is a layer. Without such names, a layer is
    the parameters that one line of source made.
    """

    name: str
    parameters: tuple[Value, ...]
    rms: float
    largest: float
    zeros: int
    nonfinite: int


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is wrong: its kind, the layer, the values, and a line of text about it."""

    kind: Kind
    layer: str
    values: tuple[Value, ...]
    text: str

    def __str__(self) -> str:
        return printable(self.text)


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What `diagnose` found, as text to print. A report is true if anything is wrong.

    Attributes:
        remarks: what is wrong.
        layers: the gradients by layer, from the input to the output.
        finding: the first operation or edge that made a number that is not finite; see `hunt`.
        values: how many values were looked at.
    """

    remarks: tuple[Remark, ...]
    layers: tuple[Layer, ...]
    finding: Finding | None
    values: int

    def of(self, kind: Kind) -> list[Remark]:
        """The remarks of one kind.

        The kinds are nonfinite, dead, saturated, zero, vanishing, exploding and unreached.

        >>> x = Value(-2.0, "x")
        >>> diagnose(x.relu() * 3 + 1).of("zero")[0].values == (x,)
        True
        """
        return [remark for remark in self.remarks if remark.kind == kind]

    def __bool__(self) -> bool:
        return bool(self.remarks)

    def __str__(self) -> str:
        lines = [str(remark) for remark in self.remarks] or [
            f"nothing found: {self.values:,} values, all gradients finite and of like size"
        ]
        if self.finding is not None:
            lines += ["", str(self.finding)]
        if self.layers:
            rows = [("gradients", "parameters", "rms", "largest", "zeros")]
            for one in self.layers:
                count, zeros = f"{len(one.parameters):,}", f"{one.zeros:,}"
                rows.append((safe(one.name), count, number(one.rms), number(one.largest), zeros))
            lines += ["", *columns(rows, right=1)]
        return printable("\n".join(lines))

    __repr__ = __str__


def diagnose(loss: Value, parameters: Iterable[Value] | _Model | None = None) -> Report:
    """Look for what keeps a network from learning, in the graph of one loss.

    It finds:

    - Units that pass nothing on: dead ReLUs, saturated tanh, sigmoid and the like. A unit counts
      if it is flat for all inputs in the graph. A term of the loss that is at its goal, such as a
      hinge past its margin, does not count.
    - Layers whose gradients are zero, not finite, above 1000, or a thousand times smaller
      (vanishing) or larger (exploding) than those of a layer nearer to the output.
    - Parameters that the loss does not reach, if parameters are given.

    No gradient is changed, and `backward()` need not have been called.

    Arguments:
        parameters: the parameters, or a model that has them.

    Raises:
        StaleValueError: a leaf was changed since the loss was computed.

    >>> w, x = Value(30.0, "w"), Value(1.0, "x")
    >>> print(diagnose(((w * x).tanh() - 0.5) ** 2, [w, Value(0.0, "b")]).of("unreached")[0])
    unreached  1 of 2 parameters: b
    """
    if not isinstance(loss, Value):
        raise TypeError(f"diagnose takes the loss, a Value, got {type(loss).__name__}")
    given = None if parameters is None else _given(parameters)
    found = path_sums(loss)
    nodes = [node for node in topological(loss) if node is loss or not is_constant(node)]
    kinds = kinds_of([loss], nodes, None if given is None else {*given}, None)
    places, units = addresses(nodes), modules(nodes)

    def address(node: Value) -> tuple[str, str]:
        """The layer and the unit of a node."""
        path = places.get(node) or ("the output",)
        return (path[0], path[-1]) if node in units else (path[-1], path[-1])

    leaves = [node for node in nodes if not node.parents]
    own = [node for node in leaves if kinds[node] == "parameter"] or leaves
    layers = _layers(found, own, address)
    bad = any(layer.nonfinite for layer in layers) or not isfinite(loss.data)
    remarks = [*_flat(found, address), *_unreached(found, given or [])]
    for i, layer in enumerate(layers):
        remarks += _judge(layer, layers[i + 1 :])
    order = list(Kind.__args__)  # type: ignore[attr-defined]
    remarks.sort(key=lambda remark: order.index(remark.kind))
    return Report(tuple(remarks), tuple(layers), hunt(loss) if bad else None, len(found.order))


def _given(parameters: Any) -> list[Value]:
    given = [*(parameters.parameters() if hasattr(parameters, "parameters") else parameters)]
    if wrong := [type(each).__name__ for each in given if not isinstance(each, Value)]:
        raise TypeError(f"parameters are Values, or a model that has them, got {wrong[0]}")
    return given


def _remark(layer: str, values: Iterable[Value], kind: Kind, text: str) -> Remark:
    about = f"{safe(layer)}: {text}" if layer else text
    return Remark(kind, layer, tuple(values), f"{kind:<10} {about}")


# --- units ---------------------------------------------------------------------------------------
def _flat(found: PathSums, address: Home) -> Iterator[Remark]:
    """Remarks on units whose activation was flat at each use."""
    at_goal = _terms(found)
    units: dict[tuple[str, Operation, str], list[tuple[Value, Kind | None]]] = {}
    for node, _, local in found.links:
        bend = shape(node) if len(node.parents) < 4 else None
        if node.op and bend and not (node in at_goal and abs(node.data) < FITS):
            layer, unit = address(node)
            kind: Kind | None = None
            if abs(local) < FLAT * bend.top:
                kind = "dead" if bend.half and local == 0.0 else "saturated"
            units.setdefault((layer, node.op, unit), []).append((node, kind))
    flat: dict[tuple[Kind, str, Operation], dict[str, list[Value]]] = {}
    for (layer, op, unit), uses in units.items():
        kinds = {kind for _, kind in uses}
        if None not in kinds:
            worst: Kind = "dead" if kinds == {"dead"} else "saturated"
            flat.setdefault((worst, layer, op), {})[unit] = [node for node, _ in uses]
    totals = Counter((layer, op) for layer, op, _ in units)
    for (kind, layer, op), members in flat.items():
        nodes = [node for uses in members.values() for node in uses]
        names = [] if [*members] == [layer] else [*members]
        yield _remark(layer, nodes, kind, _about(kind, op, len(nodes), totals[layer, op], names))


def _about(kind: Kind, op: Operation, uses: int, total: int, names: list[str]) -> str:
    """A sentence on flat units of a layer; without names, the layer itself is the unit."""
    if not names:
        inputs = f"all {uses:,} times" if uses > 1 else "the one time"
        return f"{op} is flat {inputs} that it was computed"
    less = f"pass on less than 1/{1 / FLAT:.0f} of what they can"
    what = "pass nothing on" if kind == "dead" else less
    each = uses // len(names)
    often = f"for any of {each:,} inputs" if each > 1 else "for the one input in this graph"
    return f"{len(names):,} of {total:,} units ({op}) {what} {often}: {_list(names)}"


def _terms(found: PathSums) -> set[Value]:
    """The terms of the loss: values that go into it only through sums and constant factors."""
    terms = {found.order[0]}
    for node in found.order:
        if node in terms:
            factor = node.op in (rows.mul, rows.div) and any(map(is_constant, node.parents))
            if factor or node.op in (rows.add, rows.sub, rows.neg, rows.sum, rows.where):
                terms.update(node.parents)
    return terms


# --- gradients -----------------------------------------------------------------------------------
def _layers(found: PathSums, own: list[Value], address: Home) -> list[Layer]:
    """The parameters by layer, in the order in which the layers are first used."""
    members: dict[str, list[Value]] = {}
    last = {p: i for i, node in enumerate(found.order) for p in node.parents}
    for node in sorted(own, key=lambda leaf: -last.get(leaf, -1)):
        members.setdefault(address(node)[0], []).append(node)
    layers = []
    for name, nodes in members.items():
        grads = [found.gradient[node] for node in nodes]
        sizes = [abs(grad) for grad in grads if isfinite(grad)]
        rms = hypot(*sizes) / sqrt(len(sizes)) if sizes else inf
        largest, bad = max(sizes, default=inf), len(grads) - len(sizes)
        layers.append(Layer(name, tuple(nodes), rms, largest, grads.count(0.0), bad))
    return layers


def _judge(layer: Layer, above: list[Layer]) -> Iterator[Remark]:
    """Remarks on the gradients of a layer, compared with the layers nearer to the output."""
    count, remark = len(layer.parameters), partial(_remark, layer.name, layer.parameters)
    if layer.nonfinite:
        yield remark("nonfinite", f"{layer.nonfinite:,} of {count:,} gradients")
        return
    if layer.zeros:
        how_many = f"{layer.zeros:,} of" if layer.zeros < count else "all"
        many = f"{how_many} {count:,} gradients are 0"
        yield remark("zero", many if count > 1 else "the gradient is 0")
    others = [other for other in above if other.rms and not other.nonfinite] or [layer]
    top = max(others, key=lambda other: other.rms)
    low = min(others, key=lambda other: other.rms)
    size = f"gradients of {number(layer.rms)} in the mean"
    if layer.rms and layer.rms * RATIO < top.rms:
        part = f"1/{top.rms / layer.rms:,.0f} of those of {safe(top.name)}"
        yield remark("vanishing", f"{size}, {part}")
    if layer.rms > RATIO * low.rms:
        times = f"{layer.rms / low.rms:,.0f} times those of {safe(low.name)}"
        yield remark("exploding", f"{size}, {times}")
    elif layer.largest > RATIO:
        yield remark("exploding", f"gradients up to {number(layer.largest)}")


def _unreached(found: PathSums, given: list[Value]) -> Iterator[Remark]:
    if missing := [node for node in given if node not in found.gradient]:
        names = [name_of(node) or f"one of {number(node.data)}" for node in missing]
        text = f"{len(missing):,} of {len(given):,} parameters: {_list(names)}"
        yield _remark("", missing, "unreached", text)


def _list(names: Sequence[str]) -> str:
    more = [f"… {len(names) - LISTED:,} more"] if len(names) > LISTED else []
    return ", ".join([*map(safe, names[:LISTED]), *more])
