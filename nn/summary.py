"""A model as a table: its layers, their shapes and how many parameters they have."""

from collections.abc import Sequence
from typing import Any

from engine import Value
from engine.wording import markup
from engine.wording.terminal import columns, printable
from nn.models.layers import Layer, Neuron
from nn.models.module import Buffers, Module, walk
from nn.models.regularization import BatchNorm

HEAD = ["layer", "kind", "shape", "activation", "parameters"]


def text(model: Module) -> str:
    """The table as lines of text.

    >>> from nn import MLP
    >>> print(text(MLP(2, [16, 1], rng=7)))
    layer     kind   shape    activation  parameters
    layers.0  Layer  2 -> 16  relu                48
    layers.1  Layer  16 -> 1  linear              17
    total                                         65
    """
    return printable("\n".join(columns(_rows(model), right=len(HEAD) - 1)))


def html(model: Module) -> str:
    """The table, and above it the network where that can be drawn."""
    return _picture(model) + markup.table(_rows(model), right=len(HEAD) - 1)


def _rows(model: Module) -> list[list[str]]:
    """The head, a row for each module that has parameters or no module inside, and the total."""
    units, counts, inside = dict[str, Module](), dict[str, int](), set[str]()
    for path, thing in walk(model, buffers=False):
        above = path
        while above and (above := above.rpartition(".")[0]) not in units:
            pass
        if isinstance(thing, Value):
            counts[above] += 1
        elif isinstance(thing, Module) and not isinstance(units.get(above), Layer):
            inside |= {above} if units else set()
            units[path], counts[path] = thing, 0
    rows = [HEAD]
    for path, unit in units.items():
        if counts[path] or not (path in inside or isinstance(unit, Buffers)):
            activation, frozen = getattr(unit, "activation", ""), not unit.requires_grad
            count = f"{counts[path]:,}" + ", frozen" * (frozen and counts[path] > 0)
            name = path or type(unit).__name__
            rows.append([name, type(unit).__name__, _shape(unit), str(activation), count])
    total = ["total", "", "", "", f"{len(model.parameters()):,}"]
    return [*rows, total] if len(rows) > 2 else rows


def _shape(unit: Any) -> str:
    """What a module takes and gives, or what its own tensors are."""
    if isinstance(unit, Layer):
        return f"{unit.n_in} -> {len(unit.neurons)}"
    if isinstance(unit, Neuron):
        return f"{len(unit.w)} -> 1"
    if isinstance(unit, BatchNorm):
        return f"{unit.n} -> {unit.n}"
    sizes = {name: _size(held) for name, held in vars(unit).items()}
    return ", ".join(f"{name} {' x '.join(map(str, s))}" for name, s in sizes.items() if s)


def _size(held: Any) -> tuple[int, ...]:
    """The shape of lists of Values in lists; () of anything else."""
    if not isinstance(held, Sequence) or isinstance(held, str) or not held:
        return (1,) if isinstance(held, Value) else ()
    inner = {_size(each) for each in held}
    (first,) = inner if len(inner) == 1 else [()]
    return (len(held), *(first if not isinstance(held[0], Value) else ())) if first else ()


def _picture(model: Module) -> str:
    """The network as an image, where matplotlib is here and the model is layers in a row."""
    try:
        from nn.drawing import draw_network  # which needs matplotlib

        svg = draw_network(model).svg().decode()
    except (ImportError, TypeError, ValueError):
        return ""
    return markup.picture(svg, f"the network {model!r}", inline=False)
