"""A page that plays a training epoch by epoch: its weights, its regions and its loss.

`fit(..., record=True).to_html("training.html")` writes it.
"""

from nn.player.training_page import to_html

__all__ = ["to_html"]
