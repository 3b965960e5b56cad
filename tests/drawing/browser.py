"""A real browser for tests of what is drawn: Chromium, driven by Playwright, without a network.

The fixtures are `browser` and `page`. A test that opens a page need not look out for errors: what
the page wrote to the console, or asked the network for, fails the test when the page is put away.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
VARIABLE = "GRADWALK_CHROMIUM"
CHECK = Path(__file__).with_name("check_svg.js").read_text(encoding="utf-8")
BACKGROUNDS = ("#ffffff", "#111111")  # pages in light and in dark


def missing(what: str) -> NoReturn:
    """Skip at a desk; where everything is installed to be checked, fail."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def program() -> str:
    """The browser that is asked for, or the first on PATH."""
    wanted = os.environ.get(VARIABLE)
    found = [shutil.which(name) for name in ([wanted] if wanted else NAMES)]
    path = next((path for path in found if path), None)
    if path is None:
        missing(
            f"{VARIABLE} is {wanted!r}, which is no program"
            if wanted
            else "no Chromium on PATH: apt-get install chromium, or set " + VARIABLE
        )
    return path


# Not for the session: while Playwright runs, no other test of this thread could run asyncio.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for all tests of a module."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        missing('no Playwright: pip install playwright (it is in the extra "test")')
    with sync_playwright() as playwright, started(playwright.chromium) as chromium:
        yield chromium


@contextmanager
def started(kind: Any, **environment: str) -> Iterator[Any]:
    """A browser of that kind, with these variables in its environment."""
    browser = kind.launch(
        executable_path=program(),
        args=["--no-sandbox", "--disable-gpu"],
        env={**os.environ, **environment},
    )
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """An empty page, which must stay quiet."""
    with quiet(browser) as opened:
        yield opened


@contextmanager
def quiet(browser: Any, site: Path | str | None = None, **how: Any) -> Iterator[Any]:
    """A page that is offline, and that at the end must have said and asked nothing.

    Opening files, and what a page holds itself (data:, blob:), is not asked of anybody. The pages
    of a site, a folder or the address of a server of the test, may ask for what is in it.
    """
    home = site.as_uri() if isinstance(site, Path) else site
    window = {"viewport": {"width": 1200, "height": 800}, **how}
    context = browser.new_context(offline=not isinstance(site, str), **window)
    opened = context.new_page()
    heard: list[str] = []
    opened.on("console", lambda said: heard.append(f"console {said.type}: {said.text}"))
    opened.on("pageerror", lambda error: heard.append(f"error: {error}"))
    opened.on(
        "dialog", lambda dialog: (heard.append(f"dialog: {dialog.message}"), dialog.dismiss())
    )
    context.on("request", lambda request: heard.extend(_asked(request, home)))
    try:
        yield opened
    finally:
        context.close()
    if heard:
        pytest.fail("the page was not quiet\n" + "\n".join(heard), pytrace=False)


def _asked(request: Any, home: str | None) -> list[str]:
    if home and request.url.startswith(home):
        return []
    scheme = request.url.partition(":")[0]
    own = scheme in ("data", "blob", "about") or (
        scheme == "file" and request.is_navigation_request()
    )
    return [] if own else [f"request: {request.url}"]


def show(page: Any, text: str, kind: str = "svg") -> None:
    """Open a text in the page, as a file of that kind."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"picture.{kind}")
        path.write_text(text, encoding="utf-8")
        page.goto(path.as_uri())


def wait(page: Any, condition: str) -> None:
    """Until it holds. Playwright's own way evaluates text in the page, which the page forbids."""
    for _ in range(500):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"never came true: {condition}", pytrace=False)


def check_svg(page: Any, svg: str) -> list[str]:
    """Open a picture and tell all that is wrong with how it looks; an empty list if nothing is.

    Text stays inside of its node, and labels of edges off all nodes; nodes do not overlap; nothing
    leaves the picture; text, lines and shapes stand out, on a light page and on a dark one.
    """
    show(page, svg)
    problems: list[str] = page.evaluate(CHECK, list(BACKGROUNDS))
    return problems


def axe() -> str:
    """The source of axe-core, the checker of accessibility."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ModuleNotFoundError:
        missing('no axe-core: pip install axe-playwright-python (it is in the extra "test")')
    source: str = Axe().axe_script
    return source


def texts(page: Any) -> dict[str, list[str]]:
    """The lines of text of each node that the page shows, by the node's id."""
    found: dict[str, list[str]] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("g.node")].map((node) =>
            [node.id, [...node.querySelectorAll("text")].map((text) => text.textContent)]))"""
    )
    return found
