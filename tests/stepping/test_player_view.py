"""What one sees of a run: all of it at first, then always the step, and nothing before its time."""

import functools
import linecache
import random
import re
from typing import Any

import pytest

import nn
from engine import Value
from engine.source.origin import spelled
from engine.stepping.player import to_html
from engine.stepping.player.run_page import NEAR, _place
from tests.drawing.browser import show
from tests.stepping.played import neuron
from tests.stepping.playing import at, press

SIZES = [(1280, 768), (390, 844)]
WHOLE = """() => {
    const [all, window] = ["svg", ".canvas"].map((each) =>
        document.querySelector(each).getBoundingClientRect());
    return all.left >= window.left && all.right <= window.right
        && all.top >= window.top && all.bottom <= window.bottom && all.width > 100;
}"""
# of what is lit, how much lies outside of the picture's window
OUTSIDE = """() => {
    const window = document.querySelector(".canvas").getBoundingClientRect();
    return [...document.querySelectorAll(".taker")].map((each) => {
        const box = each.getBoundingClientRect();
        return Math.max(window.left - box.left, box.right - window.right,
            window.top - box.top, box.bottom - window.bottom, 0);
    });
}"""
LOCALS = """() => [...document.querySelectorAll("g.edge:not(.bundle) > text")]
    .filter((text) => getComputedStyle(text).visibility === "visible").length"""


def readme() -> Value:
    x, w, b = Value(2.0), Value(-3.0), Value(6.5)
    n = x * w
    loss = ((n + b).tanh() - 1.0) ** 2 + 0.1 * w**2
    return loss  # noqa: RET504  (it is called after the variable)


def network() -> Value:
    model = nn.MLP(3, [4, 4, 1], rng=random.Random(1))
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0]]
    loss = sum((model(x) - y) ** 2 for x, y in zip(xs, [1.0, -1.0, -1.0], strict=True))
    assert isinstance(loss, Value)
    return loss


@functools.cache
def page_of(which: str, **how: Any) -> str:
    return (readme if which == "readme" else network)().to_html(**how)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("which", ["readme", "network"])
def test_it_opens_with_the_whole_graph_in_view(
    page: Any, which: str, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    show(page, page_of(which, collapse=0), "html")
    assert page.evaluate(WHOLE)
    press(page, "ArrowRight", "+", "+", "+", "+")
    assert not page.evaluate(WHOLE)
    press(page, "0")
    assert page.evaluate(WHOLE)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("collapse", [0, 1, 2])
def test_the_step_is_in_view_at_every_step(page: Any, collapse: int, size: tuple[int, int]) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    show(page, page_of("network", collapse=collapse), "html")
    total = int(page.get_attribute(".seek input", "max"))
    for position in range(1, total + 1):
        press(page, "ArrowRight")
        assert at(page) == position
        outside = page.evaluate(OUTSIDE)
        assert len(outside) == 1  # the node, or the box that it is in
        assert outside[0] < 1, position
    assert position == 168


def test_a_local_derivative_is_there_when_its_node_is_computed(page: Any) -> None:
    loss = readme()
    show(page, to_html(loss.trace_backward()), "html")
    takes = [sum(p.op is None or bool(p.parents) for p in s.parents) for s in loss.forward_steps()]
    for position in range(len(takes) + 1):
        assert page.evaluate(LOCALS) == sum(takes[:position])
        press(page, "ArrowRight")
    for _ in range(3):
        press(page, "ArrowLeft")
    assert page.evaluate(LOCALS) == sum(takes[:-2])


@pytest.mark.parametrize("how", [{"collapse": 0}, {"collapse": 1}, {"collapse": 2}])
def test_counts_are_of_what_is_drawn(page: Any, how: dict[str, int]) -> None:
    show(page, page_of("network", **how), "html")
    boxes = page.locator("g.node.group").count()
    nodes = page.locator("g.node").count() - boxes
    arrows = page.locator("g.edge").count()
    found = {
        int(number): what for number, what in re.findall(r"(\d+) (box|node|arrow)", header(page))
    }
    assert found == {
        n: what for n, what in ((boxes, "box"), (nodes, "node"), (arrows, "arrow")) if n
    }
    assert header(page).endswith(" for 110 values") == bool(boxes)


def header(page: Any) -> str:
    text: str = page.text_content("header p")
    return text


LONG = """from engine import Value
x, w = Value(2.0, "x"), Value(3.0, "w")
y = x * w + (x * w) * {} + (
    x
    * w
).tanh() + 1.0; z = "later"
"""


def test_the_line_of_source_shows_the_marked_part(page: Any) -> None:
    names: dict[str, Any] = {}
    source = LONG.format(" * ".join(f"(w - {i}.0)" for i in range(30)))
    linecache.cache["<long>"] = len(source), None, source.splitlines(keepends=True), "<long>"
    exec(compile(source, "<long>", "exec"), names)
    page.set_viewport_size({"width": 390, "height": 844})
    run = names["y"].trace_backward()
    show(page, to_html(run, collapse=0), "html")
    made = [node for node in reversed(run.nodes) if node.parents]
    for node in made:
        press(page, "ArrowRight")
        ahead, code, behind = spelled(node._code, node._at)
        mark = page.text_content("mark")
        assert mark == code or (len(mark) == 400 and mark[:300] == code[:300])
        shown = page.text_content("[data-show=line]")
        assert shown.partition(mark)[0][-50:] == ahead[-50:] or shown.count(mark) > 1
        assert behind[:50] in shown
        assert page.evaluate(
            """() => {
                const [mark, line] = ["mark", ".line"].map((each) =>
                    document.querySelector(each).getBoundingClientRect());
                return mark.left >= line.left && mark.right <= line.right && mark.height > 0;
            }"""
        )
    del linecache.cache["<long>"]


KEYS = {"Home": "first", "←": "back", "Space": "play", "→": "step", "End": "last"}
KEYS |= {"−": "smaller", "0": "fit", "+": "larger", "Shift ←": "earlier", "Shift →": "later"}


def test_every_button_says_what_it_does_and_by_which_key(page: Any) -> None:
    show(page, neuron(), "html")
    press(page, "End")
    page.select_option(".watch select", label="w")
    buttons = page.locator("button")
    said = [(b.get_attribute("data-do"), b.get_attribute("title")) for b in buttons.all()]
    assert {name for name, _ in said} == {None, *KEYS.values()}  # None: leads to a contribution
    for key, name in KEYS.items():
        (title,) = (title for each, title in said if each == name)
        assert title.endswith(f" ({key})")
    assert all(title for _, title in said)
    assert all(
        b.get_attribute("aria-label") or b.text_content().strip(" |◀▶") for b in buttons.all()
    )


def test_keys_zoom(page: Any) -> None:
    show(page, neuron(), "html")
    wide = [page.evaluate("document.querySelector('svg').clientWidth")]
    for key in ("+", "-", "-", "0"):
        press(page, key)
        wide.append(page.evaluate("document.querySelector('svg').clientWidth"))
    assert wide[1] > wide[0] > wide[3]
    assert wide[4] == wide[0]


# the contrasts of what is written on arrows with the page
CONTRASTS = """() => {
    const light = (colour) => colour.match(/\\d+/g).slice(0, 3).map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0.05);
    const paper = light(getComputedStyle(document.body).backgroundColor);
    return [...document.querySelectorAll("g.edge > text")]
        .map((text) => light(getComputedStyle(text).fill) / paper)
        .map((ratio) => Math.max(ratio, 1 / ratio));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_derivatives_can_be_read_at_each_step(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    show(page, page_of("readme"), "html")
    for _ in range(8):
        assert min(page.evaluate(CONTRASTS)) >= 4.5
        press(page, "ArrowRight")


def test_of_a_long_line_the_page_has_what_is_near() -> None:
    x = Value(2.0, "x")
    short, long = x * 3.0, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, x * 4.0][-1]  # noqa: E501 # fmt: skip
    (_, ahead, code, behind), (_, far, same, _) = _place(short), _place(long)  # type: ignore[arg-type]
    assert (ahead, code) == ("short, long = ", "x * 3.0")
    assert len(behind) == NEAR
    assert (same, len(far), far[0]) == ("x * 4.0", NEAR, "…")
    assert far.endswith("16.0, 17.0, ")
