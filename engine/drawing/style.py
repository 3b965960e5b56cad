"""How pictures look: shapes and colours of nodes, and which numbers they show.

Each kind of node has a shape besides its colour, so that pictures can be read in greyscale and by
every eye. The background is transparent. Text in boxes is dark on pale, and what lies on the
background is a middling grey, so that it can be read on a light and on a dark page.
"""

from collections.abc import Mapping, Sequence
from math import isfinite, log10

from engine.core.value import Value
from engine.drawing.view import View
from engine.wording.numbers import number

__all__ = [
    "EDGE",
    "FRAME",
    "GRAPH",
    "KINDS",
    "NODE",
    "box_style",
    "flags",
    "group_lines",
    "node_style",
    "number_lines",
    "roomy",
]

FONT = "Helvetica,Arial,sans-serif"
GREY = "#767676"  # 4.5 to 1 on white and on black
# nslimit bounds the network simplex, the part of the layout that takes longest on shared leaves
GRAPH = {"bgcolor": "transparent", "nodesep": "0.15", "nslimit": "2", "nslimit1": "2"}
NODE = {"fontname": FONT, "fontsize": "11", "fontcolor": "#1a1a1a", "margin": "0.12,0.06"}
_QUIET = {"color": GREY, "fontname": FONT, "fontcolor": GREY}  # what lies on the background
EDGE = {**_QUIET, "fontsize": "9", "arrowsize": "0.6"}
FRAME = {**_QUIET, "fontsize": "10", "style": "rounded,dashed", "class": "frame"}
# borders in the colours of Okabe and Ito, which every eye tells apart, and pale versions inside
KINDS: Mapping[str, Mapping[str, str]] = {
    kind: {"shape": shape, "color": color, "fillcolor": fill, "style": "filled", **more}
    for kind, shape, color, fill, more in (
        ("leaf", "box", "#b36b00", "#fdecd2", {}),
        ("parameter", "cylinder", "#a2527d", "#f8e3ef", {}),
        ("input", "note", "#b36b00", "#fdecd2", {}),
        ("operation", "ellipse", "#0072b2", "#e3f0fa", {"margin": "0.02,0.02"}),
        ("output", "box", "#00694d", "#cdeee1", {"style": "rounded,filled", "peripheries": "2"}),
        ("group", "box3d", "#555555", "#ececec", {"margin": "0.18,0.12"}),
    )
}
ALARM = {"color": "#c00000", "penwidth": "3"}
# Inches on either side of a line for each of its letters. Graphviz measures letters in whole
# pixels, so it may take each for half a pixel too narrow; and a picture may be looked at on a
# machine whose letters are wider than those of the machine that drew it.
ROOM = 0.007
DEAD, PALE = "#ededed", "#fffaf2"
EXPLODING = 1e3  # times the gradient of the output
SCALE = 4.0  # powers of ten between the palest and the darkest fill
DARKEST = (0xF2, 0x9B, 0x5B)


def flags(node: Value, root: Value) -> list[str]:
    """What is remarkable about a node: nonfinite, exploding, zero (once there are gradients).

    >>> x = Value(-1.0)
    >>> y = x.relu()
    >>> y.backward()
    >>> flags(x, y), flags(y, y)
    (['zero'], [])
    """
    if not (isfinite(node.data) and isfinite(node.grad)):
        return ["nonfinite"]
    if abs(node.grad) > EXPLODING * max(abs(root.grad), 1.0):
        return ["exploding"]
    return ["zero"] if node.grad == 0.0 and root.grad else []


def roomy(style: Mapping[str, str], text: str) -> dict[str, str]:
    """The style, with a margin that keeps the text inside of the shape in any usual font."""
    across, along = style.get("margin", NODE["margin"]).split(",")
    letters = max(map(len, text.split("\n")))
    return {**style, "margin": f"{float(across) + ROOM * letters:.2f},{along}"}


def number_lines(node: Value, root: Value) -> list[str]:
    """The lines of a node that say its data and its gradient."""
    alarm = " !" if not isfinite(node.grad) or "exploding" in flags(node, root) else ""
    return [f"data {number(node.data)}", f"grad {number(node.grad)}{alarm}"]


def node_style(node: Value, seen: View, top: float, copy: bool = False) -> dict[str, str]:
    """The DOT attributes of a node. With a `top`, its fill shows its gradient relative to that."""
    kind = seen.kinds[node]
    style = dict(KINDS[kind])
    remarks = flags(node, seen.root)
    classes = [kind, *remarks]
    if top:
        style["fillcolor"] = _shade(abs(node.grad) / top)
    if "nonfinite" in remarks or "exploding" in remarks:
        style |= ALARM
    if "nonfinite" in remarks:
        style["fillcolor"] = "#ffd0d0"
    if "zero" in remarks or copy:
        style["style"] += ",dashed"
    if "zero" in remarks:
        style["fillcolor"] = DEAD
    if copy:
        classes.append("copy")
        style["fillcolor"] = PALE
    if seen.hidden(node):
        classes.append("cut")
        style["style"] += ",dotted"
    return {**style, "class": " ".join(classes)}


def _shade(share: float) -> str:
    """A fill for a share of the largest gradient: white for 0, darker with each power of ten."""
    if not share > 0.0:
        return "#ffffff"
    strength = min(max(1.0 + log10(share) / SCALE, 0.0), 1.0)
    return "#" + "".join(f"{round(255 + (end - 255) * strength):02x}" for end in DARKEST)


def group_lines(nodes: Sequence[Value], root: Value) -> list[str]:
    """The lines of a box that say how much is in it and how large its gradients are."""
    count = f"{len(nodes):,} values"
    grads = [abs(node.grad) for node in nodes]
    bad = sum("nonfinite" in flags(node, root) for node in nodes)
    if bad:
        return [count, f"{bad:,} not finite !"]
    return [count, f"|grad| ≤ {number(max(grads))}"]


def box_style(nodes: Sequence[Value], root: Value) -> dict[str, str]:
    """The DOT attributes of a box that stands for many nodes."""
    style, classes = dict(KINDS["group"]), ["group"]
    found = {flag for node in nodes for flag in flags(node, root)}
    for flag in ("nonfinite", "exploding"):
        if flag in found:
            style |= ALARM
            classes.append(flag)
    if all(node.grad == 0.0 for node in nodes) and root.grad:
        style |= {"style": "filled,dashed", "fillcolor": "#ffffff"}
        classes.append("zero")
    return {**style, "class": " ".join(classes)}
