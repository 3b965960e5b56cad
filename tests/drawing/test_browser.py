"""What a browser shows: pictures opened in Chromium, measured and looked at by their colours."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import Value, numeric_mode
from engine.drawing import to_svg
from engine.wording.names import safe
from nn import MLP
from tests.drawing.browser import check_svg, missing, program, quiet, show, started, texts
from tests.drawing.fonts import fonts_of
from tests.drawing.test_picture import HOSTILE, neuron


def sample() -> Value:
    """The graph of one sample in a small network."""
    model = MLP(3, [4, 4, 1], rng=random.Random(1))
    out: Any = model([Value(x, name) for x, name in zip((2.0, 3.0, -1.0), "xyz", strict=True)])
    loss: Value = (out - 1.0) ** 2
    loss.backward()
    return loss


def labelled(*labels: str) -> Value:
    """A sum of leaves of these names, itself called by the first."""
    total = engine.sum([Value(0.1 * i, label) * 2 for i, label in enumerate(labels)])
    total.label = labels[0]
    total.backward()
    return total


def extreme() -> Value:
    """Numbers as long as they get, and no numbers at all."""
    numbers = (-1.2345678e-300, 5e-324, -9.87654e307, 123456.789, -0.0, 1e16 / 3, 1 / 3)
    with numeric_mode("ieee"):
        y = engine.sum([Value(x, f"x{i}") * (x - 1) for i, x in enumerate(numbers)])
        y = y * Value(float("inf")) + Value(float("nan"), "n") * Value(-float("inf"))
        y.backward()
    return y


def wide() -> Value:
    """All shapes there are, with operations that fold numbers in."""
    x, w = Value(0.5, "x"), Value(-1.0, "w")
    y = engine.dot([x, 2.0, w], [w, 1 / 3, 4.0], bias=1e-5) / engine.hypot(x, 4.0)
    z = engine.maximum(y, x, w, -3.5) + engine.relu(w) * 1e6 + engine.binary_cross_entropy(x, 0.25)
    z = z + engine.binary_cross_entropy_with_logits(w, 1.0) + engine.log_softmax([x, w, y], 1)
    z.backward()
    return z


SCRIPTS = [
    "αβγ σ′(x)·∂L/∂w ∇²",
    "日本語のラベル",
    "🎉🚀👩‍👩‍👧",
    "Ж Щ ё",
    "שלום",
    "e\u0301\u0302",
    "ﷺ",
    "𝒙₁²",
]
PICTURES: dict[str, Callable[[], str]] = {
    "a neuron": lambda: to_svg(neuron()),
    "a neuron, downwards": lambda: to_svg(neuron(), direction="TB"),
    "a neuron, to the left": lambda: to_svg(neuron(), direction="RL"),
    "a leaf": lambda: to_svg(Value(1.0)),
    "a network": lambda: to_svg(sample()),
    "a network, downwards": lambda: to_svg(sample(), direction="TB"),
    "a network, expanded": lambda: to_svg(sample(), expand=True),
    "a network, by gradient": lambda: to_svg(sample(), strength=True),
    "a network, by layer": lambda: to_svg(sample(), collapse=1),
    "a network, by neuron": lambda: to_svg(sample(), collapse=2),
    "a network, one neuron open": lambda: to_svg(sample(), collapse=1, open=["L0", "L0.N1"]),
    "a part": lambda: to_svg(sample(), depth=3),
    "hostile labels": lambda: to_svg(labelled(*HOSTILE)),
    "long labels": lambda: to_svg(labelled("W" * 200, "i" * 200, "a b " * 60, "long " * 9)),
    "all scripts": lambda: to_svg(labelled(*SCRIPTS)),
    "extreme numbers": lambda: to_svg(extreme()),
    "all shapes": lambda: to_svg(wide()),
    "all shapes, expanded": lambda: to_svg(wide(), expand=True),
}
PUBLISHED = sorted(  # those of graphs
    path
    for path in Path(__file__).parents[2].glob("demos/pictures/*.svg")
    if 'class="node' in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_can_be_read(page: Any, name: str) -> None:
    assert check_svg(page, PICTURES[name]()) == []


@pytest.fixture(scope="module")
def wide_letters(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The browser of a machine on which all letters are wide."""
    fonts = fonts_of("DejaVu Sans", tmp_path_factory.mktemp("wide"))
    with started(browser.browser_type, FONTCONFIG_FILE=fonts) as other:
        yield other


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_can_be_read_where_letters_are_wider_than_where_it_was_drawn(
    wide_letters: Any, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FONTCONFIG_FILE", fonts_of("Liberation Sans", tmp_path))
    with quiet(wide_letters) as page:
        assert check_svg(page, PICTURES[name]()) == []


# Graphviz then takes all letters for equally wide, so a name of nothing but W would be too long.
@pytest.mark.parametrize("name", ["a neuron", "a network, by neuron", "extreme numbers"])
def test_a_picture_can_be_read_that_was_drawn_where_there_are_no_fonts(
    wide_letters: Any, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FONTCONFIG_FILE", fonts_of("", tmp_path))
    with quiet(wide_letters) as page:
        assert check_svg(page, PICTURES[name]()) == []


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_the_published_pictures_can_be_read(page: Any, wide_letters: Any, path: Path) -> None:
    assert check_svg(page, path.read_text(encoding="utf-8")) == []
    with quiet(wide_letters) as elsewhere:
        assert check_svg(elsewhere, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("labels", [HOSTILE, SCRIPTS], ids=["hostile", "scripts"])
def test_labels_read_back_as_they_were(page: Any, labels: list[str]) -> None:
    total = labelled(*labels)
    show(page, to_svg(total, legend=False, collapse=0))
    shown = [lines[:-2] for lines in texts(page).values()]  # without data and gradient
    assert len(shown) == 2 * len(labels) + 1
    assert [label for label in labels if [safe(label)] not in shown] == []
    assert page.evaluate("document.querySelectorAll('script, a, foreignObject, image').length") == 0


# --- the checks themselves -----------------------------------------------------------------------
SOUND = """
<svg xmlns="http://www.w3.org/2000/svg" width="400" height="100" font-size="11">
<g id="n0" class="node"><ellipse cx="60" cy="50" rx="50" ry="25" fill="#ffffff" stroke="#0072b2"/>
<text text-anchor="middle" x="60" y="54" fill="#1a1a1a">inside</text></g>
<g id="n1" class="node"><polygon points="300,30 380,30 380,70 300,70" fill="#fff" stroke="#b36b00"/>
<text text-anchor="middle" x="340" y="54" fill="#1a1a1a">also</text></g>
<g id="e0" class="edge"><path d="M110,50 L300,50" stroke="#767676" fill="none"/>
<text text-anchor="middle" x="200" y="46" fill="#767676">label</text></g>
<g id="e1" class="edge"><path d="M110,60 L300,60" stroke="#767676" fill="none"/>
<text text-anchor="middle" x="200" y="74" fill="#767676">other</text></g>
</svg>
"""


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        ("", "", []),
        (">inside", ">far outside of its ellipse", ["n0 (far outside of its ellipse): is wider"]),
        ('y="54" fill="#1a1a1a">inside', 'y="30">within', ["n0 (within): is wider than its shape"]),
        ("300,30 380,30", "300,53 380,53", ["n1 (also): is wider than its shape"]),
        ('cx="60"', 'cx="280"', ["n0 (inside): is wider", "n1 (also): overlaps n0"]),
        ("#1a1a1a", "#888", ["n0 (inside): text has a contrast of 3.5", "n1 (also): text has"]),
        ("#1a1a1a", "rgb(0 0 0 / 0.4)", ["n0 (inside): text has a contrast of 2.", "n1 (also): "]),
        ('"#767676">label', '"#bbb">label', ["e0 (label): label on #ffffff has a contrast of 1.9"]),
        ('"#767676">label', '"#444">label', ["e0 (label): label on #111111 has a contrast of 1.9"]),
        ('60" stroke="#767676"', '60" stroke="#333"', ["e1 (other): line on #111111 has a"]),
        ('60" stroke', '60" opacity="0.4" stroke', ["e1 (other): line", "e1 (other): line on #11"]),
        ('x="200" y="46"', 'x="310" y="46"', ["e0 (label): lies on the node n1"]),
        ('y="74"', 'y="50"', ["e1 (other): overlaps the label label"]),
        ('x="200" y="74"', 'x="399" y="94"', ["e1 (other): leaves the picture"]),
        ('stroke="#0072b2"', 'stroke="#eee"', ["n0 (inside): shape has a contrast of 1.1"]),
        ('class="node"', 'class="knot"', ["there are no nodes"]),
    ],
)
def test_what_is_wrong_is_found(page: Any, old: str, new: str, problems: list[str]) -> None:
    assert old in SOUND
    found = check_svg(page, SOUND.replace(old, new) if old else SOUND)
    assert len(found) == len(problems), found
    assert all(one.startswith(said) for one, said in zip(found, problems, strict=True)), found


@pytest.mark.parametrize(
    ("body", "heard"),
    [
        ("<script>console.log('hello')</script>", "console log: hello"),
        ("<script>undefined.x</script>", "error: "),
        ("<script>alert(1)</script>", "dialog: 1"),
        ("<script>fetch('http://example.com/x')</script>", "request: http://example.com/x"),
        ("<img src='beside.png'>", "request: file:"),
        ("<link rel='stylesheet' href='https://example.com/x.css'>", "request: https://example"),
    ],
)
def test_a_page_that_is_not_quiet_fails(browser: Any, body: str, heard: str) -> None:
    def visit() -> None:
        with quiet(browser) as opened:
            show(opened, body, "html")
            opened.wait_for_timeout(50)

    with pytest.raises(pytest.fail.Exception, match=heard):
        visit()


def test_a_page_that_holds_all_it_needs_is_quiet(page: Any) -> None:
    show(
        page, "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='><script>let x</script>", "html"
    )


def test_where_a_browser_is_missing_tests_are_skipped_but_never_where_ci_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GRADWALK_CHROMIUM", "")
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        program()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        program()
    with pytest.raises(pytest.fail.Exception, match="why"):
        missing("why")
    monkeypatch.setenv("GRADWALK_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(pytest.fail.Exception, match="GRADWALK_CHROMIUM is '/nowhere/chromium'"):
        program()
