"""The README has four screens at most, as GitHub shows it in a window 1,280 pixels wide."""

from typing import Any

import pytest

from tests.drawing.browser import browser, quiet
from tests.project.sources import ROOT

__all__ = ["browser"]

SCREENS, SCREEN, LINES = 4, 900, 200  # how many, of how many pixels, and lines of source
STYLE = """
body { margin: 32px; width: 830px; /* beside GitHub's sidebar */ }
body { font: 16px/1.5 "Liberation Sans", sans-serif; }
h1, h2 { margin: 24px 0 16px; line-height: 1.25; padding-bottom: .3em; }
h1 { font-size: 2em; } h2 { font-size: 1.5em; }
h1, h2 { border-bottom: 1px solid #d1d9e0; }
p, ul, table, pre { margin: 0 0 16px; } ul { padding-left: 2em; } li + li { margin-top: .25em; }
img { max-width: 100%; }
code, pre { font-family: "Liberation Mono", monospace; font-size: 85%; }
code { padding: .2em .4em; } pre { padding: 16px; line-height: 1.45; overflow: auto; }
pre code { padding: 0; font-size: 100%; }
table { border-collapse: collapse; display: block; overflow: auto; }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px; }
"""


def test_the_readme_has_at_most_four_screens(browser: Any) -> None:
    markdown = pytest.importorskip("markdown_it", reason="pip install gradwalk[docs]")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("\n") <= LINES
    shown = markdown.MarkdownIt().enable("table").render(text)
    with quiet(browser, ROOT) as page:
        page.set_viewport_size({"width": 1280, "height": SCREEN})
        page.goto((ROOT / "README.md").as_uri())  # so that its pictures are found
        page.set_content(f"<style>{STYLE}</style>{shown}")
        page.wait_for_function("[...document.images].every(image => image.complete)")
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        height = page.evaluate("document.body.scrollHeight")
    assert height <= SCREENS * SCREEN, f"{height / SCREEN:.1f} screens"
