"""Causes in loops of one's own that modules and optimisers tell; see engine/explain/causes.py."""

import ast
from collections.abc import Iterator
from functools import partial
from math import hypot, inf, isfinite
from typing import NamedTuple

from engine.core.value import Value
from engine.explain.causes import Row, entry
from engine.explain.facts import Facts
from engine.explain.report import Cause, cause, names
from engine.source.origin import Place
from engine.source.search import called_at, written
from engine.wording.names import number
from nn.doctor.step_causes import decayed
from nn.doctor.symptoms import argument
from nn.optim.optimizers import LIVE, RATES, SGD, Optimizer

CAUSES: dict[str, Row] = {}
row = partial(entry, CAUSES)
OVER, FAR = 30.0, 100.0  # times the usual rate
SHORT = 0.05  # of the length of a gradient that is left by clipping
STRONG = 0.1  # a weight decay


def optimizers(facts: Facts) -> list[Optimizer]:
    """Those that hold parameters of the model."""
    own = {*facts.parameters}
    return [each for each in LIVE.values() if not own.isdisjoint(each.params)]


def file_of(facts: Facts) -> str:
    """The file of the loop, or else of the model."""
    if facts.sweeps:
        return facts.sweeps[-1].place.file
    places = [getattr(part, "place", None) for part in facts.model.modules()]
    return next((place.file for place in places if place), facts.place.file)


# --- optimisers ----------------------------------------------------------------------------------
@row("other_parameters")
def _others(facts: Facts) -> Iterator[Cause]:
    since = facts.sweeps[0].epoch if facts.sweeps else inf
    others = [each for each in LIVE.values() if each.steps and each.params[0].grad == 0.0]
    moved = [each for each in others if max(p._epoch for p in each.params) > since]
    if moved and max(p._epoch for p in facts.own) <= since and not optimizers(facts):
        title, other = "the optimiser has parameters of another model", moved[-1]
        none = f"none of its {len(other.params):,} parameters is one of the {len(facts.own):,}"
        seen = f"{none} that this loss depends on, and these never changed"
        do = "make the optimiser from model.parameters(), after the model"
        yield cause(title, seen, do, 1.0, other.place)


@row("frozen_layer")
def _frozen(facts: Facts) -> Iterator[Cause]:
    held = {p for each in optimizers(facts) for p in each.params}
    since = facts.sweeps[0].epoch if facts.sweeps else inf
    still = [p for p in facts.parameters if p in facts.found.gradient and p._epoch <= since]
    if held and (left := [p for p in still if p not in held]):
        layers = [*dict.fromkeys(facts.homes[p][0] for p in left if p in facts.homes)]
        closed = {*facts.model.trainable_parameters()}.isdisjoint(left)
        place = called_at(file_of(facts), "requires_grad_") if closed else None
        title = f"{names(layers)} {'is frozen' if closed else 'is not given to the optimiser'}"
        seen = f"{len(left):,} of {len(facts.parameters):,} parameters never change"
        do = "requires_grad_(True) before the optimiser is made" if closed else "model.parameters()"
        yield cause(title, seen, do, 0.6, place or optimizers(facts)[0].place, left)


class Rate(NamedTuple):
    """A learning rate of the loop, the usual one, its line, and how it is written."""

    lr: float
    usual: float
    place: Place
    text: str


def _rates(facts: Facts) -> Iterator[Rate]:
    for each in optimizers(facts):
        kind = type(each).__name__
        if usual := RATES.get(type(each), 0.0):
            yield Rate(each.lr, usual, argument(each.place, "lr"), f"{kind}(..., lr={{:g}})")
    by_hand = facts.sweeps and not optimizers(facts)
    place = facts.sweeps[-1].place if by_hand else facts.place
    for step in written(place.file, ast.AugAssign) if by_hand else ():
        rates = [x.value for x in ast.walk(step.value) if isinstance(x, ast.Constant)]
        if getattr(step.target, "attr", "") == "data" and rates and ".grad" in ast.unparse(step):
            usual, text = RATES[SGD], ast.unparse(step).replace(repr(rates[0]), "{:g}", 1)
            yield Rate(float(str(rates[0])), usual, Place(place.file, step.lineno), text)


@row("lr_too_high")
def _high(facts: Facts) -> Iterator[Cause]:
    for rate in _rates(facts):
        over = rate.lr >= OVER * rate.usual
        wild = facts.stuck and (facts.fell < -0.5 or not isfinite(facts.losses[-1]))
        if over or (wild and rate.lr > rate.usual / 2):
            seen = f"usual is lr={rate.usual:g}"
            if facts.sweeps:
                first, last = number(facts.losses[0]), number(facts.losses[-1])
                seen = f"the loss went from {first} to {last}"
            do = rate.text.format(rate.usual if over else rate.lr / 10.0)
            title = f"the learning rate is too high: lr={rate.lr:g}"
            yield cause(title, seen, do, 0.95 if over else 0.6, rate.place)


@row("lr_too_low")
def _low(facts: Facts) -> Iterator[Cause]:
    for rate in _rates(facts):
        if facts.sweeps and 0.0 < rate.lr <= rate.usual / FAR and facts.fell < 0.5:
            title = f"the learning rate is too low: lr={rate.lr:g}"
            seen = f"in {len(facts.losses):,} steps the loss fell by {max(facts.fell, 0.0):.1%}"
            yield cause(title, seen, rate.text.format(rate.usual), 0.9, rate.place)


@row("too_few_epochs")
def _few(facts: Facts) -> Iterator[Cause]:
    if facts.epochs is not None and facts.epochs <= 2:
        title, do = f"too few epochs: {facts.epochs}", f"range({20 * facts.epochs})"
        seen = f"{len(facts.losses):,} steps, and the loss was {number(facts.losses[-1])}"
        yield cause(title, seen, do, 0.7, facts.loop_at(0))


@row("penalty_too_strong")
def _decay(facts: Facts) -> Iterator[Cause]:
    for each in optimizers(facts):
        decay = getattr(each, "weight_decay", 0.0)
        if decay >= STRONG:
            do, at = "weight_decay=1e-4, or none", argument(each.place, "weight_decay")
            yield cause(*decayed(decay), do, 0.9, at)
    rows = {node for node in facts.nodes if not node.parents and node not in facts.names}
    below = set[Value]()  # that samples or targets go into
    for node in facts.nodes:
        if node in rows or any(p in below for p in node.parents):
            below.add(node)
    data = {node for node in facts.terms if node in below}
    for term in [t for t in facts.terms if t not in below and t.parents and data]:
        strength = facts.found.gradient[term]
        share = strength * term.data / abs(facts.loss.data) if facts.loss.data else 0.0
        if share > 0.5 or (str(term.op) == "dot" and strength >= STRONG):
            title, do = "the penalty on the parameters is too strong", "a strength of 1e-4, or none"
            seen = f"{share:.0%} of the loss of {number(facts.loss.data)} is a penalty"
            place = facts.line(facts.found.above[term][0].node)
            yield cause(title, seen, do, 0.9, place, [term])
            return


@row("clip_too_strong")
def _clipped(facts: Facts) -> Iterator[Cause]:
    place = called_at(file_of(facts), "clip_grad_norm", "clip_grad_value")
    left = hypot(*[p.grad for p in facts.own])
    whole = hypot(*[facts.found.gradient[p] for p in facts.own])
    if place and left and left < SHORT * whole:
        title = f"gradients are clipped too short: to {number(left)}"
        do = "clip_grad_norm(parameters, 1.0), or none"
        yield cause(title, f"their length is {number(whole)}", do, 0.8, place)
