"""The player in a real browser: what it shows, and what it is told."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import Value
from engine.drawing import LayoutError
from engine.page.shell import as_json
from engine.stepping.player import to_html
from engine.wording.names import number
from tests.drawing.browser import show, texts, wait
from tests.drawing.test_picture import HOSTILE
from tests.stepping.played import FORWARD, TOTAL, W, neuron, run
from tests.stepping.playing import at, line, press, said


# --- the text of the page ------------------------------------------------------------------------
def test_it_leaves_the_run_and_the_graph_alone(tmp_path: Path) -> None:
    made = run()
    made.goto(3)
    before = [node.grad for node in made.nodes]
    path = tmp_path / "page.html"
    assert to_html(made, path) == str(path)
    assert path.read_text(encoding="utf-8") == to_html(made)
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
    assert re.fullmatch(r"played\.py:\d+", said(page, "place")[0])


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
    page.evaluate("location.hash = '#step=999999999'")
    wait(page, f"document.querySelector('.seek input').value === '{TOTAL}'")
    for strange in ("#step=-1", "#step=x<b>"):
        page.evaluate("strange => { location.hash = strange }", strange)
        page.wait_for_timeout(20)
        assert at(page) == TOTAL


def test_it_opens_where_the_run_stands(page: Any) -> None:
    made = run()
    made.goto(5)
    show(page, to_html(made), "html")
    assert at(page) == FORWARD + 5
