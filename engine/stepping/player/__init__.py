"""The player: one page of HTML, without a network, that plays a forward and a backward pass.

`run_page` writes it and `record` gives the pass as the page reads it. player.html and player.css
are its looks, run.js is what it knows of the pass, picture.js draws, and player.js tells the steps.
The frame, the buttons and the keys are those of `engine.page`.
"""

from engine.stepping.player.run_page import to_html

__all__ = ["to_html"]
