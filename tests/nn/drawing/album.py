"""The album of plots: what `nn.drawing` draws, with where it stands and how it looks.

`python -m tests.nn.drawing.album` writes tests/data/plots.txt; look at plots whose lines change.
What matplotlib adds itself, ticks and frames, is left out. Each version measures letters anew, so
the file begins with the one that it was written with.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from engine import Value
from nn import MLP, Neuron
from nn.drawing import (
    draw_network,
    draw_neuron,
    plot_activations,
    plot_decision,
    plot_features,
    plot_history,
)
from nn.training.history import History

FILE = Path(__file__).parents[2] / "data" / "plots.txt"


def network(*widths: int, output: Any = "linear") -> MLP[Any]:
    model: MLP[Any] = MLP(widths[0], [*widths[1:]], "tanh", output=output, rng=1)
    for i, parameter in enumerate(model.parameters()):
        parameter.data = (i * 5 % 17 - 8) / 8
    return model


def neuron(inputs: int, activation: Any) -> Neuron:
    made = Neuron(inputs, activation, rng=1)
    for i, parameter in enumerate(made.parameters()):
        parameter.data = (i * 3 % 7 - 3) / 2
    return made


def history(*names: str) -> History:
    """A training of seven epochs with these numbers."""
    found = History(best_epoch=4)
    found.log = [{name: 1 / (i + k + 1) for k, name in enumerate(names)} for i in range(7)]
    return found


def grid(sides: int) -> list[list[float]]:
    return [[i / 2 - 1, j / 2 - 1] for i in range(sides) for j in range(sides)]


PLOTS: dict[str, Callable[[], Any]] = {
    "network": lambda: draw_network(network(2, 4, 1)),
    "network with numbers": lambda: draw_network(network(2, 3, 2), [0.5, -1.0]),
    "network of many": lambda: draw_network(network(40, 30, 20, 3), limit=9),
    "network with names": lambda: draw_network(
        network(3, 4, 3, output="softmax"), [1, 2, 3], features=[*"abc"], classes=["x", "yy", "zzz"]
    ),
    "network of one layer": lambda: draw_network(network(2, 3)),
    "network of five layers": lambda: draw_network(network(1, 2, 3, 4, 5, 2)),
    "neuron": lambda: draw_neuron(neuron(3, "tanh")),
    "neuron with numbers": lambda: draw_neuron(neuron(2, "relu"), [Value(1.5, "a"), Value(-0.5)]),
    "neuron of many": lambda: draw_neuron(neuron(30, "sigmoid"), [i / 9 for i in range(30)]),
    "linear neuron": lambda: draw_neuron(neuron(1, "linear"), [2.0], features=["size"]),
    "activations": plot_activations,
    "three activations": lambda: plot_activations("relu", "gelu", "softmax"),
    "decision": lambda: plot_decision(
        network(2, 3, 1), grid(4), [i % 2 for i in range(16)], features=["length", "width"]
    ),
    "decision of three": lambda: plot_decision(
        network(2, 4, 3), grid(3), [i % 3 for i in range(9)], classes=["p", "q", "r"]
    ),
    "features": lambda: plot_features(network(4, 5, 2)),
    "features as pixels": lambda: plot_features(network(6, 9, 2), shape=(2, 3)),
    "features of a deeper layer": lambda: plot_features(network(4, 6, 5, 2), 1, seed=3),
    "many features": lambda: plot_features(network(3, 40, 1), features=[*"abc"]),
    "history": lambda: plot_history(history("loss")),
    "history with more": lambda: plot_history(
        history("loss", "accuracy", "r2", "val_loss", "val_accuracy", "val_r2")
    ),
}


def lines_of(name: str) -> Iterator[str]:
    """What was added to a figure, in the order in which it was."""
    figure = PLOTS[name]()
    yield f"{name}: {_brief(figure.get_size_inches())}"
    pending = [*figure.axes]
    for text in figure.texts:
        yield _text(text)
    while pending:
        axes = pending.pop(0)
        pending += axes.child_axes
        place = axes.get_position().bounds
        yield f"  axes {_brief(place)} {_brief([*axes.get_xlim(), *axes.get_ylim()])}"
        labels = axes.get_title(), axes.get_xlabel(), axes.get_ylabel()
        yield f"    {labels} {axes.get_xscale()} {axes.get_yscale()} {axes.axison}"
        for line in axes.lines:
            ends = np.transpose(line.get_data())
            about = line.get_linewidth(), line.get_linestyle(), line.get_marker(), line.get_label()
            stroke = _colour(line.get_color())
            yield f"    line {len(ends)} {_brief(ends[::9])} {stroke} {about} {_order(line)}"
        for patch in axes.patches:
            box = patch.get_path().transformed(patch.get_patch_transform()).get_extents()
            ink = _colour(patch.get_facecolor()), _colour(patch.get_edgecolor())
            width = f"{patch.get_linewidth():g}"
            yield f"    patch {_brief(box.bounds)} {ink} {width} {_order(patch)}"
        for many in axes.collections:
            at = [path.get_extents().bounds for path in many.get_paths()]
            inks = _brief(np.ravel(many.get_facecolor())), _brief(np.ravel(many.get_edgecolor()))
            points = _brief(np.ma.filled(many.get_offsets(), np.nan))
            widths = _brief(many.get_linewidths())
            yield f"    several {_brief(at)} {points} {inks} {widths} {_order(many)}"
        for image in axes.images:
            shown = np.asarray(image.get_array(), "float64")
            where, some = _brief(image.get_extent()), _brief(shown.ravel()[::37])
            yield f"    image {shown.shape} {where} {some}"
        yield from map(_text, axes.texts)
        if legend := axes.get_legend():
            yield f"    legend {[text.get_text() for text in legend.get_texts()]} {legend._ncols}"


def _text(text: Any) -> str:
    how = text.get_ha(), text.get_va(), text.get_rotation(), f"{text.get_fontsize():.2g}"
    where, ink = _brief(text.get_position()), _colour(text.get_color())
    return f"    {text.get_text()!r} {where} {ink} {how} {_order(text)}"


def _order(artist: Any) -> str:
    """What it is drawn over, and whether it is cut at the frame."""
    return f"{artist.get_zorder():g}{' cut' * artist.get_clip_on()}"


def _brief(numbers: Any) -> str:
    """Numbers in a few digits, since the last ones differ between machines."""
    listed = np.asarray(numbers, "float64").ravel().tolist()
    return " ".join(f"{0.0 if abs(x) < 1e-9 else x:.4g}" for x in listed)


def _colour(colour: Any) -> str:
    return colour if isinstance(colour, str) else _brief(colour)


def main() -> None:
    """Write the file anew."""
    lines = [f"matplotlib=={matplotlib.__version__}"]
    lines += [line for name in PLOTS for line in lines_of(name)]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
