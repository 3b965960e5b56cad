"""What somebody new meets, as numbers: the screens of the README, the types that are known."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.drawing.browser import quiet
from tests.project.sources import ROOT

SCREEN = 900  # pixels
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


def screens_of_readme(browser: Any) -> float:
    """How many screens the README has, as GitHub shows it in a window 1,280 pixels wide."""
    markdown = pytest.importorskip("markdown_it", reason="pip install gradwalk[docs]")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = markdown.MarkdownIt().enable("table").render(text)
    with quiet(browser, ROOT) as page:
        page.set_viewport_size({"width": 1280, "height": SCREEN})
        page.goto((ROOT / "README.md").as_uri())  # so that its pictures are found
        page.set_content(f"<style>{STYLE}</style>{shown}")
        page.wait_for_function("[...document.images].every(image => image.complete)")
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        height: float = page.evaluate("document.body.scrollHeight")
    return height / SCREEN


def ask(checker: str, *arguments: object) -> str:
    """What a type checker says, whether or not it finds errors."""
    pytest.importorskip(checker, reason="pip install gradwalk[lint]")
    command = [sys.executable, "-m", checker, *map(str, arguments)]
    # pyright asks the first Python on PATH where packages are
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    where = os.environ | {"PYTHONPATH": str(ROOT), "PATH": path}
    done = subprocess.run(command, cwd=ROOT, env=where, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def completeness(package: str) -> dict[str, Any]:
    """What pyright knows of the types of a package; its `completenessScore` is the share."""
    said = ask("pyright", "--verifytypes", package, "--ignoreexternal", "--outputjson")
    found: dict[str, Any] = json.loads(said)["typeCompleteness"]
    return found
