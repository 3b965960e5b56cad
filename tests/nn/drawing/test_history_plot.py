"""Curves of a training: which there are, what they hold, and on which scale."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")

from nn import History
from nn.drawing import plot_history
from tests.nn.drawing.album import curves


def drawn(axes: Any) -> dict[str, list[float]]:
    """The numbers of each curve, and the kept epoch, by what the legend says."""
    found = {}
    for line in axes.lines:
        label, xs = line.get_label(), np.asarray(line.get_xdata()).tolist()
        found[label] = xs[:1] if ":" in label else np.asarray(line.get_ydata()).tolist()
        assert ":" in label or xs == [*range(1, len(xs) + 1)]
    assert [*found] == [text.get_text() for text in axes.get_legend().get_texts()]
    return found


@pytest.mark.parametrize("epochs", [1, 2, 3, 10])
@pytest.mark.parametrize("best", [None, 0, -1])
def test_a_panel_has_both_curves_and_the_kept_epoch(epochs: int, best: int | None) -> None:
    kept = best if best is None else best % epochs
    logs = {
        name: [(i + k + 1) / 16 for i in range(epochs)]
        for k, name in enumerate(["loss", "accuracy", "r2", "val_r2", "val_loss"])
    }
    loss, accuracy, r2 = curves(logs, kept).axes
    line = {} if kept is None else {f"kept: epoch {kept + 1}": [kept + 1]}
    assert drawn(loss) == {"training": logs["loss"], "validation": logs["val_loss"], **line}
    assert drawn(accuracy) == {"training": [100 * x for x in logs["accuracy"]], **line}
    assert drawn(r2) == {"training": logs["r2"], "validation": logs["val_r2"], **line}
    titles = [axes.get_title("left") for axes in (loss, accuracy, r2)]
    assert titles == ["loss", "accuracy (%)", "r2"]
    marks = {line.get_marker() for line in loss.lines[:2]}
    assert marks == ({"o"} if epochs == 1 else {""})


@pytest.mark.parametrize(
    ("losses", "others", "scale"),
    [
        ([10.0, 1.0], None, "linear"),
        ([10.01, 1.0], None, "log"),
        ([1.0, 10.01], None, "log"),
        ([5.0, 1.0], [2.0, 11.0], "log"),
        ([5.0, 4.0], [2.0, 0.1], "log"),
        ([5.0, 0.0], None, "linear"),
        ([5.0, -1.0], None, "linear"),
        ([-5.0, -100.0], None, "linear"),
        ([3.0], None, "linear"),
    ],
)
def test_losses_of_several_sizes_have_a_scale_of_powers(
    losses: list[float], others: list[float] | None, scale: str
) -> None:
    logs = {"loss": losses, "r2": [1000.0 * (i + 0.001) for i in range(len(losses))]}
    loss, r2 = curves(logs if others is None else {**logs, "val_loss": others}).axes
    assert (loss.get_yscale(), r2.get_yscale()) == (scale, "linear")


@pytest.mark.parametrize("low", [0.001, 1.0, 20.0])
@pytest.mark.parametrize(("ratio", "few"), [(11.0, True), (999.0, True), (1001.0, False)])
def test_steps_between_powers_have_numbers_if_they_are_few(
    low: float, ratio: float, few: bool
) -> None:
    (axes,) = curves({"loss": [ratio * low, 3 * low, low]}).axes
    axis = axes.yaxis
    assert [axis.get_major_formatter()(x) for x in (0.01, 100.0)] == ["0.01", "100"]
    assert [axis.get_minor_formatter()(x) for x in (0.02, 50.0)] == (
        ["0.02", "50"] if few else ["", ""]
    )
    steps = [x for x in axis.get_minor_locator().tick_values(1.0, 9.0) if 1 < x < 9]
    assert steps == pytest.approx([2.0, 5.0])


def test_only_what_the_last_epoch_has_is_plotted() -> None:
    (axes,) = plot_history(History([{"loss": 2.0, "r2": 0.5}, {"loss": 1.0}])).axes
    assert drawn(axes) == {"training": [2.0, 1.0]}
    assert axes.get_title("left") == "loss"


def test_nothing_to_plot_is_said_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="no epoch was finished") as caught:
        plot_history(History())
    said = "no epoch was finished, so there is nothing to plot; fit for longer"
    assert str(caught.value) == said
