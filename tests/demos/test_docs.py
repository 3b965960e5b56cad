"""The documentation: it is built by its command, has every public name, and can be read by all."""

import importlib
import inspect
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("furo", reason="pip install gradwalk[docs]")
pytest.importorskip("myst_parser", reason="pip install gradwalk[docs]")
pytest.importorskip("sklearn", reason="pip install gradwalk[all]")
pytest.importorskip("llvmlite", reason="pip install gradwalk[all]")

from tests.drawing.browser import axe, browser, quiet

__all__ = ["browser"]

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "demos" / "docs"
PAGES = [path.relative_to(SOURCES).with_suffix("").as_posix() for path in SOURCES.rglob("*.md")]
PACKAGES = ["engine", "engine.drawing", "engine.stepping", "engine.native", "nn", "nn.drawing"]
LAZY = {"nn": ["diagnose", "ScalarMLPClassifier", "ScalarMLPRegressor"], "engine": ["round", "sum"]}
# Pictures have tests of their own. What axe would load beforehand, a file is not given.
AXE = """(more) => axe.run({exclude: [".picture"]}, {preload: false, ...more})
    .then((found) => found.violations)"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages, as `python -m demos docs` leaves them."""
    folder = tmp_path_factory.mktemp("docs")
    done = subprocess.run(
        [sys.executable, "-m", "demos", "docs"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == 0, done.stderr  # warnings are errors
    assert done.stdout.rstrip().endswith(f"open {Path('out', 'docs', 'index.html')}")
    return folder / "out" / "docs"


@pytest.fixture
def page(browser: Any, site: Path) -> Iterator[Any]:
    with quiet(browser, site) as opened:
        yield opened


def go(page: Any, site: Path, name: str) -> None:
    page.goto((site / f"{name}.html").as_uri())


def test_the_reference_has_every_public_name(site: Path) -> None:
    *_, names = (site / "objects.inv").read_bytes().split(b"\n", 4)
    told = {line.split(" ", 1)[0] for line in zlib.decompress(names).decode().splitlines()}
    missed = []
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in {*module.__all__, *LAZY.get(package, [])}:
            if inspect.ismodule(getattr(module, name)):
                continue  # which has a page
            home = "engine" if package == "engine.native" and name != "Stats" else package
            missed += [] if f"{home}.{name}" in told else [f"{package}.{name}"]
    assert missed == []


def test_each_operation_has_its_picture(site: Path, page: Any) -> None:
    import engine

    go(page, site, "reference/operations")
    drawn = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("dl.function")].map((each) => [
            each.querySelector("dt").id.split(".").pop(),
            each.querySelectorAll(".picture > svg text").length]))"""
    )
    operations = {
        name
        for name in [*engine.__all__, *LAZY["engine"]]
        if (thing := getattr(engine, name)).__module__.startswith("engine.operations.")
        and inspect.isfunction(thing)
    } - {"operation", "check_operation", "check_gradient", "inputs"}
    assert len(operations) > 60
    assert {name for name in operations if drawn.get(name, 0) < 3} == set()


def test_links_lead_somewhere(site: Path, page: Any) -> None:
    ids: dict[str, set[str]] = {}
    links: dict[str, list[str]] = {}
    for name in PAGES:
        go(page, site, name)
        here = page.url
        ids[here] = {*page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")}
        links[here] = page.evaluate("[...document.links].map((link) => link.href)")
    broken = []
    for here, hrefs in links.items():
        for href in hrefs:
            where, _, anchor = href.partition("#")
            if not where.startswith("file:"):
                continue
            found = Path(where.removeprefix("file://")).exists()
            if not found or (anchor and where in ids and anchor not in ids[where]):
                broken.append(f"{here}: {href}")
    assert broken == []
    assert sum(map(len, links.values())) > 500


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_read_by_all(site: Path, page: Any, name: str) -> None:
    """Contrast, names and order, in light and dark; and on a phone nothing is wider than it."""
    for scheme, more in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        go(page, site, name)
        page.evaluate(axe())
        found = page.evaluate(AXE, more)
        assert [(each["id"], [n["html"] for n in each["nodes"]][:5]) for each in found] == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_keyboard_is_enough(site: Path, page: Any) -> None:
    go(page, site, "index")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to content"
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                """() => {
                    const at = document.activeElement;
                    const seen = getComputedStyle(at);
                    const ring = seen.outlineStyle !== "none" || seen.boxShadow !== "none";
                    return [at.getAttribute("href") ?? at.className, ring].join(" ");
                }"""
            )
        )
    for wanted in ("tour.html", "how-to/nan.html", "reference/index.html", "sidebar-search"):
        assert any(wanted in one and one.endswith("true") for one in reached), (wanted, reached)


def test_the_search_finds_an_operation_without_a_network(site: Path, page: Any) -> None:
    go(page, site, "index")
    page.locator("input[name=q]").first.fill("logsumexp")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results a[href*='reference/operations.html']")
