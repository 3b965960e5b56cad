"""Pictures of a graph: as a `graphviz.Digraph`, as DOT text, as SVG and as PNG."""

from collections.abc import Iterable
from typing import Literal, TypeAlias, TypedDict, Unpack, get_args, overload

from engine.choices import pick, spelled
from engine.drawing.canvas import Picture
from engine.drawing.drawn import Drawing, Look
from engine.drawing.groups import Grouping, counts, group
from engine.drawing.text_tree import tree
from engine.drawing.view import Outputs, View, view
from engine.outfile import File, Target, write
from engine.wording.terminal import printable

__all__ = ["draw", "to_dot", "to_png", "to_svg"]

Direction: TypeAlias = Literal["LR", "TB", "RL", "BT"]


class Options(TypedDict, total=False):
    """What `draw`, `to_dot`, `to_svg` and `to_png` take besides the value."""

    direction: Direction
    depth: int | None
    only: Outputs | None
    expand: bool
    collapse: int | None
    open: str | Iterable[str]
    strength: bool
    parameters: Outputs | None
    inputs: Outputs | None
    limit: int
    width: int | None
    legend: bool
    grad: bool | None


@spelled
def draw(
    value: Outputs,
    *,
    direction: Direction = "LR",
    depth: int | None = None,
    only: Outputs | None = None,
    expand: bool = False,
    collapse: int | None = None,
    open: str | Iterable[str] = (),
    strength: bool = False,
    parameters: Outputs | None = None,
    inputs: Outputs | None = None,
    limit: int = 60,
    width: int | None = 1600,
    legend: bool = True,
    grad: bool | None = None,
) -> Picture:
    """Draw the graph below a Value, as a `graphviz.Digraph` that shows itself in a notebook.

    A node shows its name (its label, or the variable that it was first stored in), its operation,
    its data and, after `backward()`, its gradient. An arrow shows the local derivative. The SVG
    shows details where the mouse rests.

    A picture that would be too wide goes on in a row below; what is used there is drawn again,
    pale, with what this use adds to its gradient.

    Arguments:
        value: the output of a computation, or several of them in lists, tuples or dictionaries,
            whose keys name them. What they share is drawn once.
        direction: where arrows point: LR (left to right), TB (downwards), RL or BT.
        depth: how many steps from the outputs are drawn; None for all.
        only: draw just the paths from this Value (or these) to the outputs.
        expand: open `dot`, `softmax` and the like into elementary operations.
        collapse: 1 draws each layer as one box (or, where nothing has a layer, each function of the
            source), 2 each neuron (or line), 0 nothing; None what can be read.
        open: names of boxes to draw opened, such as "L0", "L0.N3" or "inputs".
        strength: fill nodes the darker, the larger their gradient, over four powers of ten.
        parameters, inputs: which leaves are parameters, and which are inputs. Unless said, the
            leaves made in the constructor of an object are parameters, and the others inputs.
        limit: how many values are drawn one by one, and how many shapes there are otherwise.
        width: how wide the picture may be, in pixels; None for any width.
        legend: whether to say below the picture what its shapes mean.
        grad: whether to show gradients; None shows them as soon as there are any.

    >>> from engine import Value
    >>> picture = draw(Value(2.0, label="x") * 3.0, legend=False)
    >>> picture.body[1].strip(), "data 6" in picture.source
    ('n0 -> n1 [label=3 class="edge" id="n1-0"]', True)
    """
    pick(dict.fromkeys(get_args(Direction)), direction, "direction")
    if width is not None and (type(width) is not int or width < 1):
        raise ValueError(f"width is a number of pixels from 1 on, or None, got {width!r:.60}")
    kinds = {"parameters": parameters, "inputs": inputs}
    seen = view(value, depth=depth, only=only, expand=expand, grad=grad, **kinds)
    look = Look(direction, width, strength)
    tried: list[Drawing] = []

    def readable(grouping: Grouping) -> bool:
        tried.append(Drawing(seen, grouping, look))
        return tried[-1].readable

    grouping = group(seen, collapse, open, limit, readable)
    if not tried or tried[-1].grouping is not grouping:
        tried.append(Drawing(seen, grouping, look))
    picture = tried[-1].picture(legend)
    picture.remedy, picture.text = lambda: _remedy(seen), lambda: _text(seen)
    return picture


def _remedy(seen: View) -> str:
    """What to do where a layout takes too long, with what each way would leave."""
    ways = [f"collapse={level} leaves {left:,} boxes" for level, left in counts(seen)]
    return f"of {len(seen.nodes):,} values {' and '.join(ways)}; depth=... and only=... draw a part"


def _text(seen: View) -> str:
    """What a terminal shows in place of a picture."""
    shown = tree({name: node for node, name in seen.outputs.items()}, lines=40)
    return printable(f"{shown}\na notebook shows the picture, .render(outfile='y.svg') writes it")


def to_dot(value: Outputs, **how: Unpack[Options]) -> str:
    """Return the picture of a value's graph as DOT text, which needs no layout program.

    >>> from engine import Value
    >>> to_dot(Value(2.0)).startswith("digraph {")
    True
    """
    return str(draw(value, **how).source)


def to_svg(
    value: Outputs, path: Target = None, *, timeout: float = 30.0, **how: Unpack[Options]
) -> str:
    """Return the picture of a value's graph as SVG; or write it to `path`, and return that.

    Arguments: `timeout` in seconds; all others are those of `draw`. Raises LayoutError when no
    layout program is found or it takes longer.

    >>> from engine import Value
    >>> "data 2" in to_svg(Value(2.0))
    True
    """
    return write("to_svg", "svg", path, draw(value, **how).laid_out("svg", timeout).decode())


@overload
def to_png(
    value: Outputs, path: None = None, *, timeout: float = 30.0, **how: Unpack[Options]
) -> bytes: ...
@overload
def to_png(value: Outputs, path: File, *, timeout: float = 30.0, **how: Unpack[Options]) -> str: ...
def to_png(
    value: Outputs, path: Target = None, *, timeout: float = 30.0, **how: Unpack[Options]
) -> bytes | str:
    r"""Return the picture of a value's graph as PNG; or write it to `path`, and return that.

    >>> from engine import Value
    >>> to_png(Value(2.0)).startswith(b"\x89PNG")
    True
    """
    return write("to_png", "png", path, draw(value, **how).laid_out("png", timeout))
