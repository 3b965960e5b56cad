"""What tests of pictures of networks share: models, and what is in a figure."""

import random
from typing import Any

from matplotlib.patches import Circle

XOR = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]


def texts(figure: Any) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def circles(figure: Any) -> list[Any]:
    return [patch for patch in figure.axes[0].patches if isinstance(patch, Circle)]


def randomise(model: Any, seed: int = 1, size: float = 1.0) -> Any:
    rng = random.Random(seed)
    for parameter in model.parameters():
        parameter.data = rng.gauss(0, size)
    return model


def check_circles(figure: Any) -> int:
    """Every text whose middle is in a circle is inside that circle."""
    figure.canvas.draw()
    seen = 0
    for circle in circles(figure):
        round_ = circle.get_window_extent()
        for text in figure.axes[0].texts:
            box = text.get_window_extent()
            middle = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
            if round_.contains(*middle):
                seen += 1
                assert round_.x0 <= box.x0 <= box.x1 <= round_.x1, text
                assert round_.y0 <= box.y0 <= box.y1 <= round_.y1, text
    return seen


def check_page(figure: Any) -> None:
    """No text reaches over the edge of the page."""
    figure.canvas.draw()
    page = figure.bbox
    for axes in figure.axes:
        for text in [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]:
            if text.get_text() and axes.axison | (text in axes.texts):
                box = text.get_window_extent()
                assert page.x0 <= box.x0 <= box.x1 <= page.x1, text
                assert page.y0 <= box.y0 <= box.y1 <= page.y1, text
