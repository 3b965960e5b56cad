"""How pictures look: the shapes and colours of nodes.

Each kind of node has a shape besides its colour, so that pictures can be read in greyscale and by
every eye. The background is transparent. Text in boxes is dark on pale, and what lies on the
background is a middling grey, so that it can be read on a light and on a dark page.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite, log10

from engine.core.value import Value
from engine.drawing.view import View

FONT = "Helvetica,Arial,sans-serif"
GREY = "#767676"  # 4.5 to 1 on white and on black
# nslimit bounds the network simplex, the part of the layout that takes longest on shared leaves
GRAPH = {"bgcolor": "transparent", "nodesep": "0.15", "nslimit": "2", "nslimit1": "2"}
NODE = {"fontname": FONT, "fontsize": "11", "fontcolor": "#1a1a1a", "margin": "0.12,0.06"}
_QUIET = {"color": GREY, "fontname": FONT, "fontcolor": GREY}  # what lies on the background
EDGE = {**_QUIET, "fontsize": "10", "arrowsize": "0.6"}
STALE = {**_QUIET, "fontsize": "11", "labeljust": "l"}
FRAME = {**_QUIET, "fontsize": "11", "style": "rounded", "class": "frame"}
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
# what is remarkable about a node: how it is drawn, and its outline
REMARKABLE: Mapping[str, Mapping[str, str]] = {
    "nonfinite": {**ALARM, "fillcolor": "#ffd0d0"},
    "exploding": ALARM,
    "zero": {"fillcolor": "#ededed"},
    "copy": {"fillcolor": "#ffffff", "color": GREY, "penwidth": "0.7", "peripheries": "1"},
    "cut": {},
}
OUTLINES = {"zero": "dashed", "cut": "dotted"}
# what the legend says of kinds and of what is remarkable; each shape and outline has one meaning
MEANINGS = {
    **{kind: kind for kind in KINDS},
    "group": "many values",
    "copy": "drawn again",
    "zero": "gradient 0",
    "cut": "made of more than is drawn",
    "exploding": "exploding gradient",
    "nonfinite": "not finite",
}
LEGEND = {**FRAME, "label": "", "id": "legend", "class": "legend"}
SMALL = {"fontsize": "10", "margin": "0.05,0.03", "width": "0", "height": "0"}  # of the legend
# Extra inches on either side of a line for each of its letters. Graphviz rounds the width of a
# letter to whole pixels, so a line may be wider than it believes. And the fonts of the machine that
# shows a picture may be wider than those of the machine that drew it.
ROOM = 0.007
LETTER, LINE = 6.1, 13.2  # points that one takes, about
EXPLODING = 1e3  # times the gradient of the output
SCALE = 4.0  # powers of ten between the palest and the darkest fill
DARKEST = (0xF2, 0x9B, 0x5B)


def flags(node: Value, seen: View) -> list[str]:
    """What is remarkable about a node: nonfinite, exploding, or zero once outputs have gradients.

    >>> from engine.drawing.view import view
    >>> x = Value(-1.0)
    >>> y = x.relu()
    >>> y.backward()
    >>> flags(x, view(y)), flags(y, view(y))
    (['zero'], [])
    """
    if not (isfinite(node.data) and isfinite(node.grad)):
        return ["nonfinite"]
    if abs(node.grad) > EXPLODING * max(seen.seed, 1.0):
        return ["exploding"]
    return ["zero"] if node.grad == 0.0 and seen.seed and node not in seen.outputs else []


def roomy(style: Mapping[str, str], text: str) -> dict[str, str]:
    """The style, with a margin that keeps the text inside of the shape in any usual font."""
    across, along = style.get("margin", NODE["margin"]).split(",")
    letters = max(map(len, text.split("\n")))
    return {**style, "margin": f"{float(across) + ROOM * letters:.2f},{along}"}


def legend(classes: Iterable[str], strength: bool) -> dict[str, dict[str, str]]:
    """What the legend says of the classes that occur in a picture, and how it shows each of them.

    >>> legend(["operation zero", "leaf"], strength=False).keys()
    dict_keys(['leaf', 'operation', 'gradient 0'])
    """
    found = {name for each in classes for name in each.split()}
    shown = {MEANINGS[kind]: _style(kind, {}) for kind in KINDS if kind in found}
    shown |= {MEANINGS[r]: _style("operation", {}, r) for r in REMARKABLE if r in found}
    if strength:
        shown["darker: larger gradient"] = _style("operation", {"fillcolor": _shade(1.0)})
    small = {**SMALL, "class": "legend"}
    return {text: roomy({**style, **small}, text) for text, style in shown.items()}


def extent(style: Mapping[str, str], lines: Sequence[str]) -> tuple[float, float]:
    """About how wide and high a shape around these lines is, in points."""
    margins = [float(each) for each in style.get("margin", NODE["margin"]).split(",")]
    wide = LETTER * max(map(len, lines)) + 144 * margins[0]
    high = LINE * len(lines) + 144 * margins[1]
    grown = 2**0.5 if style["shape"] == "ellipse" else 1.0
    return max(wide * grown, 54.0), max(high * grown, 36.0)


def again(style: Mapping[str, str]) -> dict[str, str]:
    """The style of a shape that is drawn again, pale."""
    return {**style, **REMARKABLE["copy"], "class": f"{style['class']} copy"}


def node_style(node: Value, seen: View, top: float) -> dict[str, str]:
    """The DOT attributes of a node. A `top` is the largest gradient, for a fill by gradient."""
    fill = {"fillcolor": _shade(abs(node.grad) / top)} if top else {}
    cut = seen.hidden(node) > 0
    return _style(seen.kinds[node], fill, *flags(node, seen), *["cut"] * cut)


def _style(kind: str, fill: Mapping[str, str], *remarks: str) -> dict[str, str]:
    """The DOT attributes of a kind of node, with those of all that is remarkable about it."""
    style = {**KINDS[kind], **fill}
    for remark in remarks:
        style |= REMARKABLE[remark]
    outline = dict.fromkeys(OUTLINES[remark] for remark in remarks if remark in OUTLINES)
    style["style"] = ",".join([style["style"], *outline])
    return {**style, "class": " ".join([kind, *remarks])}


def _shade(share: float) -> str:
    """A fill for a share of the largest gradient: white for 0, darker with each power of ten."""
    if not share > 0.0:
        return "#ffffff"
    strength = min(max(1.0 + log10(share) / SCALE, 0.0), 1.0)
    return "#" + "".join(f"{round(255 + (end - 255) * strength):02x}" for end in DARKEST)


def box_style(nodes: Sequence[Value], seen: View) -> dict[str, str]:
    """The DOT attributes of a box that stands for many nodes."""
    found = {flag for node in nodes for flag in flags(node, seen)}
    remarks = [flag for flag in ("nonfinite", "exploding") if flag in found]
    silent = seen.seed and not any(node.grad for node in nodes)
    colours = {key: KINDS["output"][key] for key in ("color", "fillcolor")}
    fill = colours if nodes[0] in seen.outputs else {}
    style = _style("group", fill, *remarks, *["zero"] * bool(silent))
    return {**style, "fillcolor": "#ffffff"} if silent else style
