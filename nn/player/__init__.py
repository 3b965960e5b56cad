"""A training to scrub through: one page in which weights, regions and loss move by the epoch.

`fit(..., record=True).to_html("training.html")` writes it.
"""

from nn.player.training_page import to_html

__all__ = ["to_html"]
