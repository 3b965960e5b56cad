"""What tests ask of a page that plays a run, and how they tell it to go on."""

from typing import Any

from tests.drawing.browser import texts

__all__ = ["at", "line", "press", "said"]


def said(page: Any, *names: str) -> list[str]:
    """What the panel shows under these names."""
    return [page.text_content(f"[data-show={name}]") for name in names]


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def line(page: Any, name: str, which: int = -1) -> str:
    """A line of the node that has this name in the picture; its gradient is the last."""
    (found,) = [lines for lines in texts(page).values() if lines[0] == name]
    return found[which]


def at(page: Any) -> int:
    return int(said(page, "position")[0].split()[0])
