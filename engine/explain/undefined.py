"""Causes by numbers that are not finite: which operation made them, and what to write instead."""

from collections.abc import Iterator
from math import isfinite, isnan

from engine.explain.facts import Facts
from engine.explain.report import Cause, cause
from engine.wording.names import number

LOG = "log(where(p > 0, p, 1.0))"
ZERO_TIMES = ("zero_times_inf", "0 times an infinity", "choose before the operation, not after it")
UNDEFINED: dict[str, tuple[str, str, str]] = {
    "log": ("log_of_zero", "a logarithm of 0", f"{LOG}, or log_softmax of scores"),
    "exp": ("exp_overflow", "exp overflows", "log_softmax, softplus or logsumexp of the scores"),
    "sqrt": ("sqrt_at_zero", "the slope of sqrt at 0 is infinite", "sqrt(where(x > 0, x, 1.0))"),
    "div": ("zero_divisor", "a division by 0", "x / where(d > 0, d, 1.0)"),
}
KIN = {"log1p": "log", "log2": "log", "log10": "log", "expm1": "exp", "exp2": "exp"}
KIN |= {"binary_cross_entropy": "log", "rsqrt": "sqrt", "pow": "div", "self_ratio": "div"}
KIN |= {"sinh": "exp", "cosh": "exp"}
SPREADS = {"std", "var", "sqrt", "norm"}


def not_finite(facts: Facts) -> Iterator[Cause]:
    """The operation, or the leaf, that made the first number that is not finite."""
    finding = facts.finding
    if finding is None:
        return
    node, text = finding.node, str(finding).splitlines()[0]
    given = [n for n in facts.found.order if not n.parents and not isfinite(n.data)]
    if given:
        leaf = given[0]
        what = "a target" if any(leaf is y for _, y in facts.pairs) else "an input"
        kind = "nan" if isnan(leaf.data) else "inf"
        title = f"{'a parameter' if leaf in facts.names else what} is {number(leaf.data)}"
        name = f"{kind}_{what.split()[1]}s" if leaf not in facts.names else ""
        at = facts.line(leaf) or facts.loss_at
        yield cause(title, text, "leave such rows out", 1.0, at, [leaf], name)
        return
    op = KIN.get(str(node.op), str(node.op))
    name, title, do = UNDEFINED.get(op, ("not_finite", f"{node.op} is not finite", finding.remedy))
    if op == "div" and str(node.op) == "pow" and node.parents[1].data > 0:
        name, title, do = UNDEFINED["sqrt" if node.parents[1].data < 1 else "exp"]
    if op == "div" and any(str(p.op) in SPREADS for p in node.parents[1:]):
        name, title = "zero_deviation", "a division by a deviation of 0"
    if str(node.op) == "mul" or _zero_times(facts):
        name, title, do = ZERO_TIMES
    do = f"{do} ({finding.remedy})" if finding.remedy and finding.remedy != do else do
    yield cause(title, text, do, 1.0, facts.line(node), [node], name)


def _zero_times(facts: Facts) -> bool:
    """Whether 0 met an infinity that the graph made."""
    products = [node for node in facts.nodes if str(node.op) == "mul" and node.data != node.data]
    return any(0.0 in [parent.data for parent in node.parents] for node in products)
