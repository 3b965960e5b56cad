"""What the player must never do, and that everybody can use it."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import Value
from engine.stepping.player import to_html
from engine.wording.names import safe
from tests.drawing.browser import axe, show, wait
from tests.drawing.test_picture import HOSTILE
from tests.stepping.played import neuron
from tests.stepping.playing import press, said


# --- what it must never do -----------------------------------------------------------------------
def test_labels_inject_nothing(page: Any) -> None:
    labels = [
        *HOSTILE,
        "$svg",
        "</script><script>alert(1)</script>",
        "</noscript><img src=x onerror=alert(1)>",
        "<img src=x onerror=alert(1)>",
    ]
    loss = engine.sum([Value(1.0, label) for label in labels])
    loss.label = f"{labels[2]}!"
    show(page, to_html(loss.trace_backward()), "html")
    assert page.locator("script").count() == 2
    assert page.locator("h1").text_content() == f"{loss.label}, step by step"
    for label in labels:
        press(page, "ArrowRight", *(["ArrowRight"] if label is labels[0] else []))
        assert said(page, "target") == [f"{safe(label)}.grad"]
    options = page.locator(".watch select option").all_text_contents()
    assert {*map(safe, labels)} <= {*options}
    assert (
        page.locator("svg script, aside b, aside table, aside img, svg img, h1 script").count() == 0
    )


def test_no_script_but_its_own_can_run(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(neuron(), encoding="utf-8")
    context = browser.new_context(offline=True)  # a page that complains, as it should
    opened = context.new_page()
    opened.goto((tmp_path / "page.html").as_uri())
    opened.evaluate(
        """() => {
            document.addEventListener("securitypolicyviolation", (event) => {
                window.refused = [...(window.refused ?? []), event.effectiveDirective];
            });
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            document.body.setAttribute("onclick", "window.ran = true");
            document.body.click();
            document.querySelector("h1").setAttribute("style", "color: red");
            new Image().src = "http://127.0.0.1:9/x.png";
            fetch("http://127.0.0.1:9/").catch(() => {});
        }"""
    )
    wait(opened, "window.refused?.length >= 5")
    kinds = {*opened.evaluate("window.refused")}
    assert kinds == {
        "script-src-elem",
        "script-src-attr",
        "style-src-attr",
        "img-src",
        "connect-src",
    }
    assert opened.evaluate("window.ran ?? null") is None
    context.close()


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A folder on a server of one's own, and what is asked of it."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *args: Any) -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_it_is_one_request(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(neuron(), encoding="utf-8")
    with served(tmp_path) as (address, asked):
        context = browser.new_context()
        opened = context.new_page()
        requests: list[str] = []
        opened.on("request", lambda request: requests.append(request.url))
        opened.goto(f"{address}/page.html", wait_until="networkidle")
        opened.keyboard.press("End")
        opened.wait_for_timeout(300)
        context.close()
    assert [url for url in requests if not url.startswith("data:")] == [f"{address}/page.html"]
    assert asked == ["/page.html"]


def test_without_scripts_it_is_a_picture_that_says_so(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(neuron(), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False, offline=True)
    opened = context.new_page()
    opened.goto((tmp_path / "page.html").as_uri())
    assert opened.is_visible("svg")
    assert "allow this page to run JavaScript" in opened.text_content(".note")
    assert not opened.is_visible(".player")
    context.close()


# --- for everybody -------------------------------------------------------------------------------
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_it_is_accessible(page: Any, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    show(page, neuron(), "html")
    page.evaluate(axe())
    for keys in ([], ["ArrowRight"], ["End"]):
        press(page, *keys)
        page.select_option(".watch select", label="w")
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        wait(page, "document.getAnimations().length === 0")  # colours of buttons fade in
        found = page.evaluate("axe.run().then((found) => found.violations)")
        assert [(each["id"], [n["html"] for n in each["nodes"]]) for each in found] == []


@pytest.mark.parametrize("width", [320, 390, 768, 1200])
def test_nothing_is_wider_than_the_page(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    show(page, neuron(), "html")
    press(page, "End")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.is_visible(".play")


def test_steps_are_told_to_screen_readers_but_not_while_it_plays(page: Any) -> None:
    show(page, neuron(), "html")
    spoken = page.locator("[aria-live=polite]")
    assert spoken.text_content() == ""
    press(page, "End")
    told = spoken.text_content()
    assert told.startswith("Backward 7 of 7. ")
    assert "grad from 0 to" in told
    page.select_option(".speed select", "0.5")
    press(page, "Home")
    page.locator("h1").click()
    press(page, " ")
    wait(page, "document.querySelector('.seek input').value === '1'")
    assert spoken.text_content().startswith("At the beginning")


def test_reduced_motion_is_respected(page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    show(page, neuron(), "html")
    press(page, "End")
    still = "getComputedStyle(document.querySelector('.lit > path')).transitionDuration"
    assert page.evaluate(still) == "0s"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(still) != "0s"


def test_what_is_lit_is_in_view(page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    x = Value(0.1)
    for _ in range(40):
        x = (x * 1.1).tanh()
    show(page, to_html(x.trace_backward()), "html")
    for key in ["End", "Home", "ArrowRight", "End"]:
        press(page, key)
        inside = page.evaluate(
            """() => {
                const [one, all] = [".taker", ".canvas"].map((each) =>
                    document.querySelector(each)?.getBoundingClientRect());
                return !one || (one.left >= all.left && one.right <= all.right
                    && one.top >= all.top && one.bottom <= all.bottom);
            }"""
        )
        assert inside, key
