"""Why a gradient is what it is: the chain rule along each path, in words and numbers."""

from functools import reduce
from itertools import islice
from math import fsum, inf, isfinite, isnan, log10, prod
from operator import mul

from engine.core.value import Value, is_constant
from engine.explain.paths import Path, PathSums, count, largest, path_sums
from engine.explain.reasons import Words, reasons
from engine.wording.names import counted, number
from engine.wording.notation import PLAIN
from engine.wording.terminal import Text, columns

STEPS = 12  # edges of a path that are written out; of a longer path these are its two ends
LEAVES = 20  # leaves that are listed


def explain(loss: Value, w: Value | None = None, *, paths: int = 5) -> Text:
    """Why d loss / d w is what it is: the chain rule along each path from the loss down to w.

    The largest paths are written out, each with its share of the gradient; the others are counted
    and summed. If the gradient is zero, tiny or not finite, the reasons follow. No gradient is
    changed, and `backward()` need not have been called.

    Arguments:
        w: the value to explain the gradient of; without it there is one line for each leaf.
        paths: how many paths to write out.

    Raises:
        StaleValueError: a leaf was changed since the loss was computed.

    >>> x, w = Value(2.0, "x"), Value(-0.5, "w")
    >>> loss = (x * w) ** 2 + w
    >>> explain(loss, w)
    d loss / d w = -3, along 2 paths
    <BLANKLINE>
    path 1: 1 × (-2) × 2 = -4, +133.3 % of it
      loss = ((x * w) ** 2) + w  d loss / d ((x * w) ** 2) = 1                    ((x * w) ** 2) = 1
      (x * w) ** 2               d ((x * w) ** 2) / d (x * w) = 2 × (x * w) = -2  (x * w) = -1
      x × w                      d (x * w) / d w = x = 2                          w = -0.5
    <BLANKLINE>
    path 2: 1, -33.33 % of it
      loss = ((x * w) ** 2) + w  d loss / d w = 1  w = -0.5
    >>> explain(x.detach() * 3, x)
    d (x.detach() * 3) / d x = 0, along 0 paths
    why: x did not go into (x.detach() * 3): it is none of the 3 values below it
    why: another leaf is called x there; a copy, such as .detach() makes, is a new leaf
    """
    for what, node in (("a loss", loss), ("the value to explain it by", w)):
        if not isinstance(node, Value) and not (node is None and what != "a loss"):
            raise TypeError(f"explain takes Values, got {type(node).__name__} for {what}")
    if not isinstance(paths, int) or paths < 1:
        raise ValueError(f"paths is how many paths to write out, from 1 on, got {paths!r:.60}")
    found = path_sums(loss)
    words = Words(found.order[::-1])
    return Text("\n".join(_leaves(found, words) if w is None else _one(found, w, paths, words)))


def _one(found: PathSums, w: Value, paths: int, words: Words) -> list[str]:
    loss, gradient = found.order[0], found.gradient.get(w, 0.0)
    head = f"d {words.call(loss)} / d {words.call(w)} = {number(gradient)}"
    if w is loss:
        return [f"{head}: it is the loss itself"]
    total, alive = count(found, w)
    best = [*islice(largest(found, w), paths)] if isfinite(gradient) else []
    lines = [f"{head}, along {_many(total)}"]
    for i, (product, path) in enumerate(best, start=1):
        share = _share(product, gradient) if total > 1 else ""
        lines += ["", *_path(f"path {i}" if total > 1 else "path", product, share, path, words)]
    rest = total - len(best)
    if rest and best:
        zeros = total - alive
        # what rounding leaves is none of theirs
        sum_of_rest = fsum([gradient, *(-product for product, _ in best)]) if rest > zeros else 0.0
        of_them = f" ({_digits(zeros)} of them with a factor of 0)" if zeros else ""
        share = _share(sum_of_rest, gradient)
        lines += ["", f"{_many(rest, 'more ')}{of_them}: {number(sum_of_rest)}{share}"]
    why = [*reasons(found, w, best[0][1] if best else (), alive, words)]
    return [*lines, *([""] if best and why else []), *(f"why: {reason}" for reason in why)]


def _many(paths: int, more: str = "") -> str:
    return f"{_digits(paths)} {more}path{'s' * (paths != 1)}"


def _digits(paths: int) -> str:
    """A count with all its digits, up to 30 of them."""
    return f"{paths:,}" if paths < 10**30 else f"about 10^{log10(paths):,.0f}"


def _share(part: float, whole: float) -> str:
    # + 0.0: of no part the share is 0, not -0
    return f", {part / whole * 100 + 0.0:+.4g} % of it" if whole and isfinite(part / whole) else ""


def _shown(path: Path) -> Path:
    return path if len(path) <= STEPS else path[: STEPS // 2] + path[-STEPS // 2 :]


def _path(title: str, product: float, share: str, path: Path, words: Words) -> list[str]:
    """A path as text: its product in factors, then a line for each factor."""
    rows = []
    for edge in _shown(path):
        at = f"{words.call(edge.parent)} = {number(edge.parent.data)}"
        rows.append((f"  {words.equation(edge.node)}", words.derivative(edge), at))
    lines = columns(rows, right=3)
    factors = [PLAIN.value(edge.local) for edge in _shown(path)]
    if len(path) > STEPS:
        hidden = path[STEPS // 2 : -STEPS // 2]
        part = number(prod(edge.local for edge in hidden))
        lines.insert(STEPS // 2, f"  … {counted(len(hidden), 'more factor')}, together {part}")
    formula = f"{reduce(mul, factors).text} = " if 1 < len(path) <= STEPS else ""
    return [f"{title}: {formula}{number(product)}{share}", *lines]


def _leaves(found: PathSums, words: Words) -> list[str]:
    """One line for each leaf, the leaves with the largest gradients first."""
    leaves = [node for node in reversed(found.order) if not (node.parents or is_constant(node))]
    grads = found.gradient
    leaves.sort(key=lambda leaf: -inf if isnan(grads[leaf]) else -abs(grads[leaf]))
    rows = [("", "on the largest path", "gradient", "largest path")]
    for leaf in leaves[:LEAVES]:
        product, path = next(largest(found, leaf), (0.0, ()))
        share = f"{number(product)}{_share(product, grads[leaf])}"
        way = [str(edge.node.op) for edge in path]
        if len(way) > 6:
            way[3:-3] = [f"… {len(way) - 6:,} more …"]
        rows.append((words.call(leaf), " · ".join(way), number(grads[leaf]), share))
    more = len(leaves) - LEAVES
    rest = [f"… and {counted(more, 'more leaf')}, with smaller gradients"] if more > 0 else []
    return [f"the gradient of {words.call(found.order[0])} by its leaves", *columns(rows, 2), *rest]
