"""Causes by units that pass nothing on: dead ReLUs, and what is saturated."""

from collections import Counter
from collections.abc import Iterator

from engine.core.operation import Operation
from engine.core.value import Value
from engine.explain.facts import Facts
from engine.explain.reasons import FLAT, shape
from engine.explain.report import Cause, cause, names
from engine.wording.names import safe

FITS = 1e-2  # a term of the loss below this is at its goal
SHARE = 0.5  # of a layer's units
ROWS = 4  # that tell something
STRAIGHT = ("add", "sub", "mul", "div", "neg")  # no activations, whatever the numbers

Unit = tuple[str, Operation, str]


def _uses(facts: Facts) -> dict[Unit, list[tuple[Value, str]]]:
    """Of each unit, its activation at each use, and how that was flat: "" where it was not."""
    at_goal, units = {*facts.terms}, dict[Unit, list[tuple[Value, str]]]()
    for node, _, local in facts.found.links:
        bend = shape(node) if len(node.parents) < 4 and str(node.op) not in STRAIGHT else None
        if node.op and bend and not (node in at_goal and abs(node.data) < FITS):
            layer, unit = facts.address(node)
            flat = abs(local) < FLAT * bend.top
            how = "" if not flat else "dead" if bend.half and local == 0.0 else "saturated"
            units.setdefault((layer, node.op, unit), []).append((node, how))
    return units


def flat_units(facts: Facts, off: bool) -> Iterator[Cause]:
    """Units that pass next to nothing on: those of relu and its kin that are off, or the others."""
    units, flat = _uses(facts), dict[tuple[str, Operation], dict[str, list[Value]]]()
    outputs = {node for node, _ in facts.targets}
    for (layer, op, unit), uses in units.items():
        hows = {how for _, how in uses}
        ends = facts.fell > 0 if facts.sweeps else False
        done = ends and any(node in outputs for node, _ in uses)
        if "" not in hows and (hows == {"dead"}) == off and not done:
            flat.setdefault((layer, op), {})[unit] = [node for node, _ in uses]
    totals = Counter((layer, op) for layer, op, _ in units)
    for (layer, op), members in flat.items():
        nodes, total = [node for uses in members.values() for node in uses], totals[layer, op]
        each, share = len(nodes) // len(members), len(members) / total
        if share < 1.0 and (share < SHARE or each < ROWS):
            continue
        rest = f": {names([*members])}" if [*members] != [layer] else ""
        what = "pass nothing on" if off else f"pass on less than 1/{1 / FLAT:.0f} of what they can"
        often = f"for any of {each:,} rows" if each > 1 else "for the one row in this graph"
        title = f"dead ReLUs in {safe(layer)}" if off else f"{safe(layer)} is saturated"
        seen = f"{len(members):,} of {total:,} units ({op}) {what} {often}{rest}"
        do = "smaller steps, other first weights, or leaky_relu"
        do = do if off else "scaled samples, smaller first weights, or relu"
        weight, place = (0.9 if off else 0.7) * share, facts.set_at or facts.line(nodes[0])
        yield cause(title, seen, do, weight, place, nodes)
