"""The fixtures of this room: a real browser, which the room of pictures has."""

from tests.drawing.browser import browser, page

__all__ = ["browser", "page"]
