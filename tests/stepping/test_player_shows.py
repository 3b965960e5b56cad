"""What the player shows in a real browser: nodes that are watched, numbers and boxes."""

import random
import re
from typing import Any

import engine
from engine import Value
from engine.stepping.player import to_html
from engine.wording.names import number
from tests.drawing.browser import show, texts, wait
from tests.stepping.played import FORWARD, W, neuron, run
from tests.stepping.playing import at, line, press, said


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
    unknown = "∂n/∂w is not computed yet"
    for key, told in [("Home", unknown), ("PageDown", slope), ("End", f"{slope}\n{given}")]:
        press(page, key)
        arrow.locator("path").dispatch_event("pointerover")
        assert arrow.locator("title").text_content() == told


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
    shown = {lines[-2] for lines in texts(page).values() if re.fullmatch(r"x(#\d+)?", lines[0])}
    assert shown == {f"data {number(x)}" for x in some}


def test_formulas_are_written_as_in_the_picture(page: Any) -> None:
    a, b = Value(-3.0, "a"), Value(-1.0, "b")
    y = engine.maximum(a - b, a**2, b, a * b, a + 1)
    show(page, to_html(y.trace_backward()), "html")
    shown = []
    for _ in y.forward_steps():
        press(page, "ArrowRight")
        shown += said(page, "numbers")
    numbers = "-3 + 1 = -2", "-3 × (-1) = 3", "(-3) ** 2 = 9", "-3 - (-1) = -2"
    assert shown == [*numbers, "maximum(-2, 9, …, -2) = 9"]


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
        wait(page, f"({outline} === '1px') !== {str(alarm).lower()}")
        assert (line(page, "x") == "grad 1e+09 !") == alarm
        assert page.locator(".exploding.early").count() == (0 if alarm else 1)


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
