"""The player in a real browser: what it shows, what it is told, and that it asks nobody."""

import functools
import json
import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import Value
from engine.drawing import LayoutError
from engine.page.shell import as_json
from engine.stepping.player import to_html
from engine.wording.names import number
from tests.drawing.browser import missing, show, texts
from tests.drawing.test_picture import HOSTILE
from tests.stepping.playing import at, line, press, said, wait


def run() -> Any:
    """Four values are made, x * w, + b, tanh and y * y; and seven edges take gradient."""
    x, w, b = Value(0.501), Value(3.0), Value(-1.25)
    n = x * w
    y = (n + b).tanh()
    loss = y * y
    return loss.trace_backward()


FORWARD, TOTAL = 4, 11


@functools.cache
def neuron() -> str:
    """The page of that run."""
    return to_html(run())


# --- the text of the page ------------------------------------------------------------------------
def test_it_leaves_the_run_and_the_graph_alone(tmp_path: Path) -> None:
    made = run()
    made.goto(3)
    before = [node.grad for node in made.nodes]
    page = to_html(made, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page == to_html(made)
    assert made.position == 3
    assert [node.grad for node in made.nodes] == before


def test_an_error_in_the_layout_leaves_the_gradients_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made = run()
    made.goto(3)
    before = [node.grad for node in made.nodes]
    monkeypatch.setenv("GRADWALK_DOT", "/nowhere/dot")
    with pytest.raises(LayoutError, match="/nowhere/dot"):
        to_html(made)
    assert [node.grad for node in made.nodes] == before


def test_other_nodes_than_those_of_the_run_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="leave it out"):
        to_html(run(), expand=True)


@pytest.mark.parametrize("label", [*HOSTILE, "<!-- <script>", "]]>", "$svg ${data} $"])
def test_data_never_ends_its_element(label: str) -> None:
    text = as_json({"name": [label]})
    assert "<" not in text
    assert json.loads(text) == {"name": [label]}


def test_a_graph_that_takes_long_to_lay_out_is_collapsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.stepping.player.run_page.PATIENCE", 0.0)
    values = [Value(float(i), f"L{i % 3}.w{i}") for i in range(600)]
    text = to_html(engine.sum(values).trace_backward())
    assert text.count('class="node group') == 3
    monkeypatch.setattr("engine.stepping.player.run_page.ALLOWED", 0.0)
    with pytest.raises(LayoutError, match="more than 0 s"):
        to_html(engine.sum(values).trace_backward(), collapse=1)


def test_a_graph_of_more_nodes_is_collapsed_by_module(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [Value(float(i), f"L{i % 3}.w{i}") for i in range(600)]
    made = engine.sum(values).trace_backward()
    assert to_html(made).count('class="node group') == 0
    monkeypatch.setattr("engine.stepping.player.run_page.LIMIT", 600)  # and there are 601
    assert to_html(made).count('class="node group') == 3


# --- walking -------------------------------------------------------------------------------------
def test_every_step_says_what_the_run_says(page: Any) -> None:
    made = run()
    show(page, to_html(made), "html")
    assert said(page, "target") == ["Only the leaves have numbers yet"]
    assert line(page, "n", -2) == "data ?"
    for position in range(1, TOTAL + 1):
        press(page, "ArrowRight")
        assert at(page) == position
        if position <= FORWARD:
            continue
        step = made.goto(position - FORWARD)
        assert said(page, "before", "after") == [number(step.before), number(step.after)]
        product = f"{number(step.upstream)} × {number(step.local)}"
        assert said(page, "numbers") == [f"+= {product} = {number(step.contribution)}"]
        shown = page.locator(".digits dd").all_text_contents()
        exact = [step.upstream, step.local, step.contribution, step.before, step.after]
        assert [float(each) for each in shown] == exact
        lit = page.locator("g.edge.lit")
        assert lit.count() == 1
        assert lit.get_attribute("id").endswith(f"-{step.position}")
        assert line(page, "w") == f"grad {number(made.nodes[made._number(W(made))].grad)}"


def test_what_hooks_change_is_changed_on_the_page_both_ways(page: Any) -> None:
    x, w = Value(2.0), Value(3.0)
    n = x * w
    loss = n * w + x
    for each in (loss, n, x):
        each.register_hook(lambda g: 0.5 * g)
    made = loss.trace_backward()
    show(page, to_html(made), "html")

    def shown() -> list[str]:
        return [line(page, name) for name in ("loss", "n", "x", "w")]

    press(page, *["ArrowRight"] * sum(bool(node.parents) for node in made.nodes))
    for key, walk in (("ArrowRight", made.step), ("ArrowLeft", made.back)):
        for _ in range(len(made)):
            walk()
            press(page, key)
            assert shown() == [f"grad {number(node.grad)}" for node in (loss, n, x, w)]
    assert made.gradient(x) == 0.5 * (0.5 + 0.75 * 3.0)


def test_forward_and_back_again_is_where_one_was(page: Any) -> None:
    show(page, neuron(), "html")
    seen = []
    for _ in range(TOTAL):
        seen.append((texts(page), page.locator(".lit, .done, .giver, .taker, .future").count()))
        press(page, "ArrowRight")
    for before in reversed(seen):
        press(page, "ArrowLeft")
        assert (texts(page), page.locator(".lit, .done, .giver, .taker, .future").count()) == before


def test_a_forward_step_shows_the_numbers_and_the_line(page: Any) -> None:
    show(page, neuron(), "html")
    press(page, "ArrowRight")
    assert said(page, "target", "after", "rule", "numbers") == [
        "n",
        "1.503",
        "x × w",
        "0.501 × 3 = 1.503",
    ]
    assert said(page, "line") == ["n = x * w"]
    assert page.text_content("mark") == "x * w"
    assert re.fullmatch(r"test_player\.py:\d+", said(page, "place")[0])


def test_keys_lead_everywhere(page: Any) -> None:
    show(page, neuron(), "html")
    for key, position in [
        ("End", TOTAL),
        ("ArrowRight", TOTAL),
        ("ArrowLeft", TOTAL - 1),
        ("PageUp", 0),
        ("ArrowLeft", 0),
        ("PageDown", 10),
        ("Home", 0),
        ("ArrowRight", 1),
    ]:
        press(page, key)
        assert at(page) == position, key


def test_buttons_lead_everywhere(page: Any) -> None:
    show(page, neuron(), "html")
    for name, position in [
        ("step", 1),
        ("step", 2),
        ("back", 1),
        ("last", TOTAL),
        ("step", TOTAL),
        ("back", TOTAL - 1),
        ("first", 0),
        ("back", 0),
    ]:
        page.click(f"[data-do={name}]", force=True)  # at an end too, where it does nothing
        assert at(page) == position, name
    assert page.get_attribute("[data-do=back]", "aria-disabled") == "true"
    assert page.get_attribute("[data-do=step]", "aria-disabled") == "false"


def test_the_keyboard_reaches_every_control_and_shows_where_it_is(page: Any) -> None:
    show(page, neuron(), "html")
    reached = []
    for _ in range(30):
        press(page, "Tab")
        reached.append(
            page.evaluate(
                """() => {
                    const on = document.activeElement;
                    return [on.dataset.do ?? on.tagName.toLowerCase(),
                        getComputedStyle(on).outlineStyle, getComputedStyle(on).outlineWidth];
                }"""
            )
        )
        if reached[-1][0] == "body":
            break
    names = [name for name, _, _ in reached]
    wanted = {"first", "back", "play", "step", "last", "input", "select", "fit", "div", "summary"}
    assert wanted <= {*names}
    assert all(
        style != "none" and width != "0px" for name, style, width in reached if name != "body"
    )


def test_seeking_by_the_bar(page: Any) -> None:
    made = run()
    show(page, to_html(made), "html")
    bar = page.locator("input[type=range]")
    assert (bar.get_attribute("min"), bar.get_attribute("max")) == ("0", str(TOTAL))
    bar.fill("9")
    assert at(page) == 9
    assert "9 of 11" in bar.get_attribute("aria-valuetext")
    bar.focus()
    press(page, "ArrowRight")
    assert at(page) == 10


def test_it_plays_to_the_end_and_from_the_start_again(page: Any) -> None:
    show(page, neuron(), "html")
    page.select_option(".speed select", "50")
    press(page, " ")
    assert page.text_content(".play") == "Pause"
    wait(page, "document.querySelector('.play').textContent === 'Play'")
    assert at(page) == TOTAL
    page.select_option(".speed select", "0.5")
    page.click(".play")
    wait(page, "document.querySelector('.play').textContent === 'Pause'")
    assert at(page) < TOTAL
    wait(page, "document.querySelector('.seek input').value === '1'")
    page.click(".play")
    assert at(page) == 1


# --- links ---------------------------------------------------------------------------------------
def test_a_link_to_a_step(page: Any, tmp_path: Path) -> None:
    address = (tmp_path / "page.html").as_uri()
    (tmp_path / "page.html").write_text(neuron(), encoding="utf-8")
    page.goto(f"{address}#step=7")
    assert at(page) == 7
    press(page, "ArrowRight")
    wait(page, "location.hash === '#step=8'")
    page.evaluate("location.hash = '#step=2'")
    wait(page, "document.querySelector('.seek input').value === '2'")
    for strange, there in [("#step=999999999", TOTAL), ("#step=-1", TOTAL), ("#step=x<b>", TOTAL)]:
        page.evaluate("strange => { location.hash = strange }", strange)
        page.wait_for_timeout(20)
        assert at(page) == there


def test_it_opens_where_the_run_stands(page: Any) -> None:
    made = run()
    made.goto(5)
    show(page, to_html(made), "html")
    assert at(page) == FORWARD + 5


# --- watching ------------------------------------------------------------------------------------
def test_watching_a_node(page: Any) -> None:
    show(page, neuron(), "html")
    (y,) = [key for key, lines in texts(page).items() if lines[0] == "y"]
    page.click(f"#{y} text >> nth=0")
    assert said(page, "grad", "of") == ["0", "0 of 2 contributions"]
    press(page, "Shift+ArrowRight")
    assert (at(page), said(page, "of")) == (FORWARD + 1, ["1 of 2 contributions"])
    press(page, "Shift+ArrowRight", "Shift+ArrowRight")
    assert at(page) == FORWARD + 2
    gifts = page.locator(".contributions button").all_text_contents()
    assert gifts == ["+= 1 × 0.2477 = 0.2477  from loss"] * 2
    press(page, "End")
    page.click("[data-do=earlier]")
    assert at(page) == FORWARD + 2
    page.locator(".contributions button").last.click()
    assert at(page) == FORWARD + 1
    page.select_option(".watch select", label="w")
    assert said(page, "of") == ["0 of 1 contribution"]
    page.select_option(".watch select", "")
    assert not page.is_visible("aside .watched")


def test_hovering_shows_all_digits(page: Any) -> None:
    made = run()
    show(page, to_html(made), "html")
    press(page, "End")
    made.goto(-1)
    (w,) = [key for key, lines in texts(page).items() if lines[0] == "w"]
    page.hover(f"#{w} text >> nth=0")
    assert f"grad {W(made).grad!r}" in page.text_content(f"#{w} title").split("\n")


def test_hovering_over_an_arrow_shows_what_it_hands_on(page: Any) -> None:
    made = run()
    show(page, to_html(made), "html")
    (step,) = [step for step in made if step.parent is W(made)]
    arrow = next(each for each in page.locator("g.edge").all() if "n by w" in each.text_content())
    slope = f"∂n/∂w = {step.local!r}"
    given = f"w.grad += {step.upstream!r} × {step.local!r} = {step.contribution!r}"
    for key, told in [("Home", slope), ("End", f"{slope}\n{given}")]:
        press(page, key)
        page.mouse.move(1, 1)
        arrow.locator("text").hover(force=True)
        assert arrow.locator("title").text_content() == told


def W(made: Any) -> Value:
    (found,) = [node for node in made.nodes if engine.core.origins.name_of(node) == "w"]
    return found


# --- numbers -------------------------------------------------------------------------------------
def test_numbers_are_written_as_in_the_picture(page: Any) -> None:
    rng = random.Random(5)
    some = [0.0, -0.0, 1e-6, 5e-324, 12345.25, -12345.75, 999.96, 9.9999e5, 0.1 + 0.2, 1e16, 1e22]
    some += [rng.uniform(-10, 10) * 10.0 ** rng.randint(-12, 12) for _ in range(300)]
    some += [float("inf"), float("-inf"), float("nan"), 1.7976931348623157e308, 2.5e-310]
    leaves = [Value(x, "x") for x in some]
    page_text = to_html(engine.where(1.0, engine.sum(leaves), 0.0).trace_backward(), collapse=0)
    show(page, page_text, "html")
    press(page, "End")
    shown = {lines[-2] for lines in texts(page).values() if lines[0] == "x"}
    assert shown == {f"data {number(x)}" for x in some}


def test_numbers_that_json_has_no_words_for(page: Any) -> None:
    with engine.numeric_mode("ieee"):
        x = Value(0.0, "x")
        run = (x.log() * x).trace_backward()
    show(page, to_html(run), "html")
    press(page, "End")
    assert line(page, "x") == "grad nan !"
    assert said(page, "after") == ["nan"]


def test_a_gradient_is_no_alarm_before_it_is_there(page: Any) -> None:
    x = Value(1.0, "x")
    y = x * 1e9
    show(page, to_html((y + 0.0).trace_backward()), "html")
    outline = "getComputedStyle(document.querySelector('.exploding > :not(title)')).strokeWidth"
    for key, alarm in [("Home", False), ("End", True), ("ArrowLeft", False)]:
        press(page, key)
        page.wait_for_timeout(200)
        assert (line(page, "x") == "grad 1e+09 !") == alarm
        assert page.locator(".exploding.early").count() == (0 if alarm else 1)
        assert (page.evaluate(outline) == "1px") != alarm


# --- groups --------------------------------------------------------------------------------------
def test_steps_light_the_boxes_of_a_collapsed_picture(page: Any) -> None:
    made = Value(1.0)
    for i in range(4):
        w = Value(0.5, f"L{i}.w")
        for _ in range(5):
            made = (made * w).tanh()
    text = to_html(made.trace_backward(), collapse=1)
    show(page, text, "html")
    boxes = page.locator("g.node.group")
    assert boxes.count() >= 1
    before = boxes.first.text_content()
    press(page, "End")
    assert boxes.first.text_content() != before
    assert page.locator("g.taker").count() == 1
    assert page.locator("g.future").count() == 0


def test_leaves_that_are_drawn_at_each_use_change_together(page: Any) -> None:
    w, x = Value(0.9, "w"), Value(0.5, "x")
    for _ in range(12):
        x = (x * w).tanh()
    show(page, to_html(x.trace_backward()), "html")
    press(page, "End")
    copies = [lines[-1] for lines in texts(page).values() if lines[0] == "w"]
    assert len(copies) == 12
    assert len({*copies}) == 1
    assert copies[0] != "grad 0"


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
    loss.label = labels[2]
    show(page, to_html(loss.trace_backward()), "html")
    assert page.locator("script").count() == 2
    assert page.locator("h1").text_content() == f"{loss.label}, step by step"
    for label in labels:
        press(page, "ArrowRight", *(["ArrowRight"] if label is labels[0] else []))
        assert said(page, "target") == [f"{label}.grad"]
    options = page.locator(".watch select option").all_text_contents()
    assert {*labels} <= {*options}
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
def axe() -> str:
    """The source of axe-core, the checker of accessibility."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ModuleNotFoundError:
        missing('no axe-core: pip install axe-playwright-python (it is in the extra "test")')
    source: str = Axe().axe_script
    return source


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
        page.wait_for_timeout(200)  # colours of buttons fade in
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
