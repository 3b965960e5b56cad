"""The fixtures of this room: a script to debug, and a real browser from the room of pictures."""

from tests.drawing.browser import browser, page
from tests.stepping.debugged import script

__all__ = ["browser", "page", "script"]
