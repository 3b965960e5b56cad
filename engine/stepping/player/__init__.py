"""The player: one page of HTML that plays a forward and a backward pass, offline.

`run_page` writes the page and the data in it. player.html and player.css are its looks,
run.js holds the pass, picture.js draws, and player.js walks and tells the steps in words. Frame,
buttons and keys come from `engine.page`.
"""

from engine.stepping.player.run_page import to_html

__all__ = ["to_html"]
