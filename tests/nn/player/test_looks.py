"""How the page of a training looks: that it agrees with itself, its legends and its labels."""

import re

import pytest

from tests.drawing.browser import show
from tests.nn.player.test_playback import epoch, example, trained

TOLD = """(all) => all.map((each) => each.getAttribute("aria-valuetext")
    ?? each.getAttribute("aria-label") ?? each.textContent)"""


def test_every_place_tells_the_same_epoch(page):
    show(page, example(), "html")
    for key in ("Home", *["ArrowRight"] * 12):
        page.keyboard.press(key)
        at = epoch(page)
        told = page.locator(".spoken, canvas, .seek input, [data-show=position]").evaluate_all(TOLD)
        assert len(told) == 4
        assert {int(n) for text in told for n in re.findall(r"(?:[Ee]poch |^)(\d+)", text)} == {at}
        marks = page.locator(".now").evaluate_all(
            "(all) => all.map((each) => each.getAttribute('x1'))"
        )
        assert len({*marks}) == 1


RATIO = """() => {
    const parts = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = (colour) => parts(colour).map((c) => c / 255).map((c) =>
        c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const paper = light(getComputedStyle(document.body).backgroundColor);
    return [...document.querySelectorAll("svg text")].map((text) => {
        const look = getComputedStyle(text);
        const [a, b] = [light(look.fill), paper].sort((a, b) => b - a);
        return [parseFloat(look.fontSize) * text.getScreenCTM().a, (a + 0.05) / (b + 0.05)];
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_labels_can_be_read(page, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    show(page, example(), "html")
    found = page.evaluate(RATIO)
    assert len(found) >= 20
    assert min(size for size, _ in found) >= 11.5
    assert min(ratio for _, ratio in found) >= 4.5


def test_labels_of_the_network_do_not_overlap(page):
    page.set_viewport_size({"width": 390, "height": 800})
    show(page, example(), "html")
    boxes = [each.bounding_box() for each in page.locator(".network .wide text").all()]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert (
                a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
                or a["y"] + a["height"] <= b["y"] + 3 or b["y"] + b["height"] <= a["y"] + 3
            )  # fmt: skip


def test_the_legends_have_the_colours_and_shapes_of_what_they_explain(page):
    show(page, example(), "html")
    looks = """(all) => [...new Set(all.map((each) => {
        const look = getComputedStyle(each);
        return `${look.stroke} ${look.strokeDasharray === "none" ? "" : "dashed"}`;
    }))].sort()"""
    lines = page.locator(".wide .weight").evaluate_all(looks)
    assert page.locator("[data-show=lines] .weight").evaluate_all(looks) == lines
    assert len(lines) == 2
    signs = page.locator("[data-show=classes] path")
    fills = signs.evaluate_all("(all) => all.map((each) => getComputedStyle(each).fill)")
    assert len({*fills}) == 2
    painted = page.evaluate(
        """() => {
            const { data } = document.querySelector("canvas").getContext("2d")
                .getImageData(0, 0, 640, 640);
            const found = new Set();
            for (let i = 0; i < data.length; i += 4) {
                found.add(`rgb(${data.slice(i, i + 3).join(", ")})`);
            }
            return [...found];
        }"""
    )
    assert {*fills} <= {*painted}
    assert page.text_content("[data-show=classes]").split()[:2] == ["no", "yes"]
    validated = trained(5, validation=0.5)[1]
    show(page, validated.to_html(), "html")
    (first, *_) = page.locator(".plots svg").all()
    assert first.locator("path.curve").count() == 4  # two curves, and a piece of each as a sign
    assert [
        t
        for t in first.locator("text").all_text_contents()
        if t.endswith("ing") or t == "validation"
    ] == ["training", "validation"]
