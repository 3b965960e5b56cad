"""The player: one page of HTML, without a network, that plays a forward and a backward pass.

`page` writes it and `record` gives the pass as the page reads it. player.html and player.css are
its looks, run.js what it knows of the pass, player.js what it does.
"""

from engine.stepping.player.page import to_html

__all__ = ["to_html"]
