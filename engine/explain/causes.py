"""The table of causes that a graph and its loop tell: of each, its name and what is seen of it.

A row is a function of the facts that yields causes, or none. To add a cause is to add a row. Those
that only `nn` can tell, of modules and optimisers, are rows in nn/doctor/loops.py.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import factorial, isfinite, prod
from typing import Any, TypeVar

from engine.core.modes import numeric_mode
from engine.core.operation import rows
from engine.core.value import Value, is_constant
from engine.explain.facts import FEW, Facts, lines
from engine.explain.flat import flat_units
from engine.explain.report import Cause, Layer, cause, names
from engine.explain.undefined import not_finite
from engine.operations.check import wrong_partial
from engine.source.origin import Place
from engine.source.search import called_at
from engine.wording.names import number, safe

RATIO = 1e3  # between the gradients of two layers: no learning rate suits both
POINTS = 8  # at which an operation of one's own is checked
WHOLE = 48  # rows in a batch, which may be all
MANY = 8  # terms of a sum, whose size then hangs on how many rows there are
ENDS = r"\.detach\(|\.data\b|\bfloat\(|\.item\("  # what ends a graph

Row = Callable[[Facts], Iterator[Cause]]
F = TypeVar("F")
CAUSES: dict[str, Row] = {}


def entry(table: dict[str, F], name: str) -> Callable[[F], F]:
    """A decorator: put a function into a table under a name."""

    def put(function: F) -> F:
        table[name] = function
        return function

    return put


row = partial(entry, CAUSES)


def told(table: Mapping[str, Row], facts: Facts) -> Iterator[Cause]:
    """What the rows of a table find, each under the name of its row where it has none."""
    for name, function in table.items():
        yield from (replace(each, name=each.name or name) for each in function(facts))


# --- the loop ------------------------------------------------------------------------------------
@row("no_zero_grad")
def _not_zeroed(facts: Facts) -> Iterator[Cause]:
    sweeps = facts.sweeps
    own = {p for p in facts.own if p._epoch > sweeps[0].epoch} if sweeps else {}
    later = [b for a, b in pairwise(sweeps) if b.epoch > a.epoch]
    held = [s for s in later if s.held and s.held() in own]
    if held and len(held) >= 0.9 * len(later):
        title = "gradients are never set to 0, and add up from step to step"
        many = f"{len(held):,} of {len(later):,} steps"
        seen = f"at {many} there were gradients from the step before"
        do = "zero_grad() of the model or the optimiser, once a step, before backward()"
        yield cause(title, seen, do, 0.9, sweeps[-1].place)


@row("no_step")
def _no_step(facts: Facts) -> Iterator[Cause]:
    sweeps = facts.sweeps
    if len(sweeps) < 2 or max(p._epoch for p in facts.own) > sweeps[0].epoch:
        return
    zeroed = not any(s.held for s in sweeps)
    if zeroed or len(sweeps) > MANY:
        title, do = "the parameters are never changed", "optimizer.step() after backward()"
        seen = f"{len(sweeps):,} times gradients were computed, and no parameter was set since"
        yield cause(title, seen, do, 0.95, sweeps[-1].place)


@row("not_shuffled")
def _sorted(facts: Facts) -> Iterator[Cause]:
    targets = [target for _, target in facts.targets]
    if len(facts.loops) < 2 or len(targets) < 2 or facts.uses < 2:
        return
    ordered = sorted(targets)
    if targets in (ordered, ordered[::-1]) and not facts.drawn:
        same = prod(map(factorial, Counter(targets).values()))
        chance = 2.0 * same / factorial(len(targets)) if len({*targets}) > 1 else 0.0
        if chance < 0.5:
            what = f"in order, from {targets[0]:g} to {targets[-1]:g}"
            what = f"all {targets[0]:g}" if ordered[0] == ordered[-1] else what
            seen = f"the targets of the last batch are {what}, and the loop never draws an order"
            do = "random.shuffle(order) at the start of each epoch"
            weight, place = 0.9 if len(targets) > FEW else 0.6, facts.loop_at(-1)
            yield cause("the rows are not shuffled", seen, do, weight, place)


@row("batch_too_small")
def _one_row(facts: Facts) -> Iterator[Cause]:
    steps = len({sweep.epoch for sweep in facts.sweeps})
    if len(facts.loops) < 2 or steps < FEW or facts.fell > 0.9:
        return
    place = facts.loop_at(-1)
    if facts.uses == 1:
        seen = f"the loss of the last of {steps:,} steps is of one row"
        do = "batches of 16 or 32 rows: the mean of their losses, then one step"
        yield cause("a step follows a single row", seen, do, 0.5, place)
    elif facts.uses > WHOLE and steps == facts.epochs:
        seen = f"{facts.uses:,} rows in one batch, and {steps:,} steps in all"
        name = "batch_too_large"
        yield cause("there is one step an epoch", seen, "batches of 32", 0.55, place, name=name)


# --- what is not reached -------------------------------------------------------------------------
@row("unreached")
def _unreached(facts: Facts) -> Iterator[Cause]:
    missing = [p for p in facts.parameters if p not in facts.found.gradient]
    if not missing:
        return
    paths = [*dict.fromkeys(facts.homes.get(p, (facts.name(p),))[0] for p in missing)]
    many = f"{len(missing):,} of {len(facts.parameters):,} parameters"
    seen = f"{many} get no gradient: {names(paths)}"
    if cut := next(_cuts(facts), None):
        title = f"the graph is cut, and nothing reaches {names(paths)}"
        do = "hand the Value on itself, without .detach(), .data or float()"
        yield cause(title, seen, do, 1.0, cut, missing, "detached")
        return
    every = len(missing) == len(facts.parameters)
    place = facts.module_at(paths[0]) if paths[0] in {h[0] for h in facts.homes.values()} else None
    if place:
        place = called_at(place.file, paths[0].rpartition(".")[2]) or place
    title = f"the loss does not depend on {'any parameter' if every else names(paths)}"
    do = "compute the loss from what this model gives" if every else "use what they give"
    yield cause(title, seen, do, 0.9, place or facts.loss_at, missing)


def _cuts(facts: Facts) -> Iterator[Place]:
    """Lines of the user's that end a graph."""
    leaves = [node for node in facts.nodes if not node.parents and node not in facts.names]
    fed = [n for n in facts.nodes if any(map(is_constant, n.parents))]
    yield from (place for _, place in lines(leaves + fed, ENDS))
    code = getattr(vars(type(facts.model)).get("__call__"), "__code__", None)
    if code is not None:
        for name in ("detach", "float"):
            place = called_at(code.co_filename, name)
            if place and code.co_firstlineno <= place.line < code.co_firstlineno + 30:
                yield place


# --- the loss ------------------------------------------------------------------------------------
@row("term_twice")
def _twice(facts: Facts) -> Iterator[Cause]:
    if facts.given is None:
        return
    own, alike, canon = {*facts.own}, dict[Any, Value](), dict[Value, Value]()
    of_own = {node for node in facts.nodes if not node.parents and node in own}
    for node in facts.nodes:
        key: Any = (node.op, *[id(canon.get(p, p)) for p in node.parents])
        canon[node] = alike.setdefault(key, node) if node.parents else node
        if node.parents and all(p in of_own or is_constant(p) for p in node.parents):
            of_own.add(node)
    penalties = [term for term in facts.terms if term in of_own and _is_penalty(term)]
    terms = Counter(canon.get(term, term) for term in penalties)  # rows may be alike, too
    twice = {t: n for t, n in terms.items() if n > 1 and t.parents}
    once = Counter(map(id, facts.terms))
    twice |= {t: once[id(t)] for t in facts.terms if once[id(t)] > 1 and t.parents}
    for node in facts.nodes:
        if str(node.op) in ("add", "sum") and node not in facts.units:
            held = Counter(p for p in node.parents if not is_constant(p))
            twice |= {p: n for p, n in held.items() if n > 1 and p.parents}
    if twice:
        node, times = next(iter(twice.items()))
        place = facts.line(facts.found.above[node][0].node)
        many = "twice" if times == 2 else f"{times:,} times"
        seen = f"{number(node.data)} ({node.op}) enters a sum {many}"
        yield cause(f"a term is added {many}", seen, "add it once", 0.9, place, [node])


def _is_penalty(term: Value) -> bool:
    """Whether a term adds up parameters themselves, their squares or sizes."""
    scaled = [p for p in term.parents if not is_constant(p)]
    inner = scaled[0] if len(scaled) == 1 and scaled[0].parents else term
    plain = all(not p.parents or str(p.op) in ("abs", "mul", "pow") for p in inner.parents)
    return str(inner.op) in ("dot", "sum", "add") and plain


@row("sum_not_mean")
def _sum(facts: Facts) -> Iterator[Cause]:
    terms = [t for t in facts.terms if t.op not in (rows.add, rows.sum, rows.mul)]
    divided = any(t.op in (rows.div, rows.mean, rows.mul) for t in facts.terms[:3])
    if (facts.stuck or facts.wild) and not divided and len(terms) > MANY and facts.uses > MANY:
        worse = f"rose to {number(max(facts.losses))}" if facts.wild else "did not fall"
        title = f"the loss is a sum of {facts.uses:,} rows, and so are its gradients"
        seen = f"the loss {worse} in {len(facts.losses):,} steps, and no mean is taken"
        do = "the mean over the rows, or a learning rate that is as many times smaller"
        yield cause(title, seen, do, 0.96, facts.loss_at)


@row("wrong_partial")
def _wrong(facts: Facts) -> Iterator[Cause]:
    checked = Counter[Any]()
    for node in facts.nodes:
        if node.op is None or not node.op.own or checked[node.op] >= POINTS:
            continue
        checked[node.op] += 1
        with numeric_mode("ieee"):
            wrong = wrong_partial(node, 1e-6)
        if wrong:
            checked[node.op] = POINTS
            code = getattr(getattr(node.op.function, "__wrapped__", None), "__code__", None)
            place = Place(code.co_filename, code.co_firstlineno) if code else facts.line(node)
            seen = wrong.removeprefix("the operation at fault is ")
            do = "mend that partial; operation(..., check=True) checks it when it is made"
            yield cause(f"a derivative of {node.op} is wrong", seen, do, 1.0, place, [node])


# --- units, numbers and gradients ----------------------------------------------------------------
CAUSES |= {"dead_relu": partial(flat_units, off=True), "saturated": partial(flat_units, off=False)}
CAUSES["not_finite"] = not_finite


@row("vanishing")
def _vanishing(facts: Facts) -> Iterator[Cause]:
    for layer, above in _compared(facts):
        top = max(above, key=lambda other: other.rms)
        if layer.rms and layer.rms * RATIO < top.rms:
            yield _sized(facts, layer, "too small", f"1/{top.rms / layer.rms:,.0f} of those", top)


@row("exploding")
def _exploding(facts: Facts) -> Iterator[Cause]:
    for layer, above in _compared(facts):
        low = min(above, key=lambda other: other.rms)
        if low is not layer and layer.rms > RATIO * low.rms:
            yield _sized(facts, layer, "too large", f"{layer.rms / low.rms:,.0f} times those", low)
        elif layer.largest > RATIO:
            title = f"gradients of {safe(layer.name)} are too large"
            seen = f"gradients up to {number(layer.largest)}"
            do = "scale the samples and targets, or clip_grad_norm(parameters, 1.0)"
            values = layer.parameters
            yield cause(title, seen, do, 0.4, facts.line(values[0]), values)


def _compared(facts: Facts) -> Iterator[tuple[Layer, list[Layer]]]:
    """The layers with finite gradients, each with those nearer to the output."""
    for i, layer in enumerate(facts.layers):
        if not layer.nonfinite:
            above = [x for x in facts.layers[i + 1 :] if x.rms and not x.nonfinite]
            yield layer, above or [layer]


def _sized(facts: Facts, layer: Layer, what: str, times: str, other: Layer) -> Cause:
    title = f"gradients of {safe(layer.name)} are {what} for one learning rate"
    seen = f"gradients of {number(layer.rms)} in the mean, {times} of {safe(other.name)}"
    do = "fewer layers, relu rather than sigmoid, or weights as nn draws them"
    return cause(title, seen, do, 0.5, facts.line(layer.parameters[0]), layer.parameters)


@row("zero_gradients")
def _zero(facts: Facts) -> Iterator[Cause]:
    flat = [x for x in facts.layers if x.zeros == len(x.parameters) and not x.nonfinite]
    if flat and isfinite(facts.loss.data) and facts.given and facts.loss.parents:
        values = [p for layer in flat for p in layer.parameters]
        called, place = names([layer.name for layer in flat]), facts.line(values[0])
        seen = f"all {len(values):,} gradients of {called} are 0"
        do = "engine.drawing.explain(loss, parameter) says why"
        yield cause(f"nothing is learned by {called}", seen, do, 0.3, place, values)
