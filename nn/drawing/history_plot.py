"""The curves of a training run."""

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator

from engine.outfile import Target
from nn.drawing.figure import BLUE, DASHED, GREY, ORANGE, Figure, styled
from nn.training.history import History


@styled
def plot_history(history: History, path: Target = None) -> Figure:
    """The curves of loss, accuracy and other metrics: training solid, validation dashed.

    `history.plot(path)` is the same. Raises ValueError where there is nothing to plot.

    >>> history = History([{"loss": 3.0}, {"loss": 1.0}], best_epoch=1)
    >>> [axes.get_title("left") for axes in plot_history(history).axes]
    ['loss']
    """
    if not history.log:
        raise ValueError("no epoch was finished, so there is nothing to plot; fit for longer")
    panels = [name for name in history.log[-1] if not name.startswith("val_")]
    figure = Figure(figsize=(5.2 * len(panels), 3.6), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _draw(axes, history, panel)
    return figure.kept(path)


def _draw(axes: Axes, history: History, panel: str) -> None:
    scale = 100 if panel == "accuracy" else 1
    epochs, marker = range(1, history.epochs + 1), "o" if history.epochs == 1 else ""
    lines = (panel, "training", BLUE, "-"), (f"val_{panel}", "validation", ORANGE, DASHED)
    for column, name, colour, dash in lines:
        if ys := history.column(column):
            drawn = [y * scale for y in ys]
            axes.plot(epochs, drawn, color=colour, ls=dash, label=name, marker=marker)
    if history.best_epoch is not None:
        kept = history.best_epoch + 1
        axes.axvline(kept, color=GREY, lw=0.8, ls=":", label=f"kept: epoch {kept}")
    low, high = (end(history.loss + history.val_loss) for end in (min, max))
    if panel == "loss" and high > 10 * low > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))  # with numbers, if they are few
        axes.yaxis.set_minor_formatter("{x:g}" if high < 1000 * low else "")
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set_xlabel("epoch")
    axes.set_title("accuracy (%)" if panel == "accuracy" else panel)
    axes.legend()
