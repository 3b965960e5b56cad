"""Pages of large graphs: what is built of the picture, and that one always sees the step."""

import functools
import random
from typing import Any

from engine import Value
from engine.stepping.player import to_html
from engine.wording.names import number
from tests.drawing.browser import show, wait
from tests.stepping.playing import line, press, said

IN_VIEW = """(chosen) => {
    const view = document.querySelector(".canvas").getBoundingClientRect();
    return [...document.querySelectorAll(chosen)].filter((each) => {
        const box = each.getBoundingClientRect();
        return box.right > view.left && box.left < view.right
            && box.bottom > view.top && box.top < view.bottom;
    }).length;
}"""


def chain(length: int, shared: bool = False) -> Any:
    """A recurrence with a weight of its own at each step, or with one that all steps share."""
    ws = [Value(random.Random(i).gauss(0.0, 1.0), f"w{i}") for i in range(1 if shared else length)]
    x = Value(0.5, "x")
    for i in range(length):
        x = (x * ws[i % len(ws)] + 0.1).tanh()
    return x.trace_backward(), ws


NEXT_FRAME = "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


@functools.cache
def large() -> str:
    """The page of 1,201 nodes, of which few are in view."""
    return to_html(chain(300)[0], collapse=0)


def test_a_step_shows_the_copy_of_a_shared_leaf_that_it_is_about(page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    made, (w,) = chain(120, shared=True)
    show(page, to_html(made), "html")
    steps = [k for k, step in enumerate(made, start=1) if step.parent is w]
    for k in (steps[0], steps[60], steps[-1], steps[30]):
        page.locator("input[type=range]").fill(str(3 * 120 + k))
        assert said(page, "target") == ["w0.grad"]
        assert page.evaluate(IN_VIEW, "g.edge.lit") == 1
        assert page.evaluate(IN_VIEW, "g.node.taker") == 1
        assert page.locator("g.lit, g.taker, g.giver").count() == 3


def test_a_large_picture_is_built_where_one_looks(page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    made, ws = chain(300)
    show(page, large(), "html")
    press(page, "ArrowRight")  # who walks comes close
    assert 5 < page.locator("g.node").count() < 100
    assert page.evaluate(IN_VIEW, "g.node") > 5
    assert page.locator("g.node:not(.future)").count() < page.locator("g.node").count()
    press(page, "End")
    made.goto(-1)
    assert page.evaluate(IN_VIEW, "g.edge.lit") == 1
    assert page.locator(".watch option").count() == 1  # the list is long, and nobody wants it yet
    page.focus(".watch select")
    assert (
        page.locator(".watch option").count() == 1 + len(made.nodes) - 1
    )  # 0.1 is no node to watch
    for which in (0, 7, 150, 299):
        page.select_option(".watch select", label=f"w{which}")
        assert page.evaluate(IN_VIEW, "g.node.watched") == 1
        press(page, "Shift+ArrowLeft", "Shift+ArrowRight")
        assert said(page, "grad") == [number(ws[which].grad)]
        assert line(page, f"w{which}") == f"grad {number(ws[which].grad)}"
        assert page.evaluate(IN_VIEW, "g.node.watched") == 1


def test_what_scrolls_into_view_is_as_the_position_has_it(page: Any) -> None:
    show(page, large(), "html")
    press(page, "ArrowRight")
    for key, done in [("End", True), ("Home", False)]:
        press(page, key)
        for share in (0.0, 0.5, 1.0):
            page.evaluate(
                """(share) => {
                    const canvas = document.querySelector(".canvas");
                    canvas.scrollTo({
                        left: share * canvas.scrollWidth, top: share * canvas.scrollHeight,
                        behavior: "instant",
                    });
                }""",
                share,
            )
            wait(page, "document.querySelectorAll('g.edge').length > 5")
            page.evaluate(NEXT_FRAME)
            edges, lit = page.locator("g.edge").count(), page.locator("g.edge.done").count()
            numbers = page.locator("g.edge").evaluate_all(
                "(all) => all.filter((each) => each.id.endsWith('-1')).length"
            )
            assert lit == 0 if not done else edges - numbers <= lit <= edges
            assert (page.locator("g.future").count() == 0) == done


def test_from_afar_a_picture_has_no_text_and_up_close_it_has(page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    show(page, large(), "html")
    press(page, "End")
    page.click("[data-do=fit]")
    assert page.locator("g.node").count() > 100
    assert page.locator("g.node text, g.edge text").count() == 0
    assert page.evaluate(IN_VIEW, "g.edge.lit") == 1
    press(page, "Home", "ArrowRight", "ArrowRight")
    assert page.evaluate(IN_VIEW, "g.node.taker") == 1
    assert page.locator("g.node text, g.edge text").count() == 0  # who asked for all keeps it
    for _ in range(16):
        page.click("[data-do=larger]")
    assert page.locator("g.node.taker text").count() in (3, 4)
    assert page.evaluate(IN_VIEW, "g.node.taker") == 1


def test_the_whole_of_a_large_picture_is_printed(page: Any) -> None:
    show(page, large(), "html")
    press(page, "ArrowRight")
    few = page.locator("g.node").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("g.node").count() == large().count('class="node')
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("g.node").count() == few
