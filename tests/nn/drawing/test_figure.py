"""What all pictures share: names and messages, files that stay the same, and one style."""

import importlib
import math
import re
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")

import matplotlib
import matplotlib.image
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from nn import MLP, Neuron
from nn.drawing import Figure, draw_network, draw_neuron, plot_features
from nn.drawing.diagram import breadth, brief, fitted, heights, page, sign
from nn.drawing.figure import STYLE, names, words
from tests.nn.drawing.album import PLOTS

DARK: Any = {
    **{name: "#123456" for name in STYLE if "color" in name},
    **{name: "red" for name in STYLE if "facecolor" in name},
    **{name: not value for name, value in STYLE.items() if isinstance(value, bool)},
    "axes.titlelocation": "right",
    "axes.titlesize": 20,
    "font.size": 17,
    "savefig.dpi": 31,
    "svg.fonttype": "path",
    "svg.hashsalt": "other",
    "text.usetex": False,  # which not every machine has
}


def plain() -> Figure:
    return draw_network(MLP(2, [3, 1], "tanh", rng=7), [1.0, 2.0])


def size_of(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


# --- names


@given(st.text(max_size=60))
def test_a_name_is_cut_where_it_is_too_long(text: str) -> None:
    line = "".join(c if c.isprintable() else "�" for c in " ".join(text.split()))
    assert words(text) == (line if len(line) < 25 else line[:23] + "…")


@pytest.mark.parametrize("many", range(9))
def test_there_is_a_name_for_each(many: int) -> None:
    given: list[Any] = [*"abcdefgh"][:many]
    assert names("f", "features", given, many) == given
    assert names("f", "features", tuple(given), many) == given
    for wanted in {0, 1, 5, 9} - {many}:
        with pytest.raises(ValueError, match="name each one once") as caught:
            names("f", "classes", given, wanted)
        shown = ", ".join(given[:6])
        said = f"f takes {wanted} classes, got {many}: {shown}; name each one once"
        assert str(caught.value) == said


@pytest.mark.parametrize("given", ["ab", "a" * 80, "", 7, 0, 0.5])
def test_names_are_a_list(given: Any) -> None:
    with pytest.raises(TypeError) as caught:
        names("f", "features", given, 2)
    said = f"f takes features as a list of 2 names, got {repr(given)[:60]}"
    assert str(caught.value) == said
    assert names("f", "features", None, 2) is None


def test_names_are_made_short_and_need_be_no_texts() -> None:
    assert names("f", "classes", [0, None, "a" * 25], 3) == ["0", "None", "a" * 23 + "…"]
    assert names("f", "features", range(300), 300) == [str(i) for i in range(300)]


MODEL: Any = MLP(2, [4, 3], rng=1)
REMEDY = "a layer has some in .neurons, and draw_network draws a whole model"


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: draw_neuron(MODEL), f"draw_neuron takes a Neuron, got MLP; {REMEDY}"),
        (
            lambda: draw_neuron(Neuron(2, rng=1), limit=2),
            "draw_neuron takes a limit from 3 up (a first, a gap, a last), got 2",
        ),
        (
            lambda: draw_neuron(Neuron(2, rng=1), features="ab"),
            "draw_neuron takes features as a list of 2 names, got 'ab'",
        ),
        (
            lambda: draw_network(MODEL, features=["a"]),
            "draw_network takes 2 features, got 1: a; name each one once",
        ),
        (
            lambda: draw_network(MODEL, classes=["a"]),
            "draw_network takes 3 classes, got 1: a; name each one once",
        ),
    ],
)
def test_a_message_names_the_function_and_the_remedy(draw: Callable[[], Any], said: str) -> None:
    with pytest.raises((TypeError, ValueError), match="^" + re.escape(said) + "$"):
        draw()


# --- columns, numbers and signs


@pytest.mark.parametrize("size", range(1, 24))
@pytest.mark.parametrize("limit", [3, 4, 5, 8, 9, 16])
def test_a_column_has_the_first_and_the_last_units(size: int, limit: int) -> None:
    found = heights("f", size, limit, 0.5)
    gap = size > limit
    shown = [unit for unit in found if unit is not None]
    assert len(found) == min(size, limit)
    first = [unit for unit in shown if unit < size // 2] if gap else shown
    last = shown[len(first) :]
    assert shown == [*range(len(first)), *range(size - len(last), size)]
    assert len(first) - len(last) in ((1, 0) if gap else (size,))
    assert [*found] == [*first, *[None] * gap, *last]
    ys = [*found.values()]
    assert [a - b for a, b in pairwise(ys)] == [0.5] * (len(ys) - 1)
    assert ys[0] == -ys[-1]


@given(st.floats(-1e308, 1e308))
def test_a_number_in_a_circle_has_two_digits_unless_all_of_them_fit(x: float) -> None:
    text = brief(x)
    rounded = f"{x:#.2g}".removesuffix(".")
    assert text == rounded or len(text) <= max(5, len(rounded))
    assert float(text) == pytest.approx(x, rel=0.0501, abs=0.0)
    if float(text) != x:
        assert len(text.lstrip("-")) <= 8


def test_numbers_in_circles() -> None:
    shown = ["0", "1.5", "-1234.5", "12345", "123456", "100000", "0.001", "-1e-05", "1.5e-07"]
    assert [brief(float(text)) for text in shown] == shown  # all of their digits fit
    rounded = {0.00123: "0.0012", 1 / 3: "0.33", 1234567.0: "1.2e+06", -0.12345: "-0.12"}
    rounded |= {10.123: "10", 123.45678: "123.5", 0.9999: "1.0", 1e6 / 3: "3.3e+05"}
    assert {x: brief(x) for x in rounded} == rounded
    assert [brief(x) for x in (math.inf, -math.inf, math.nan)] == ["inf", "-inf", "nan"]


def test_zero_counts_as_positive() -> None:
    signs = [sign(x) for x in (0.0, -0.0, 5e-324, -5e-324, math.inf, -math.inf, math.nan)]
    up, down, odd = "positive weight", "negative weight", "not a finite weight"
    assert signs == [up, up, up, down, odd, odd, odd]


@pytest.mark.parametrize("text", ["", "i", "word", "W" * 90])
def test_a_text_is_made_smaller_until_it_fits(text: str) -> None:
    _, axes = page()
    whole = breadth(fitted(axes, 0, 0, text, 1e9))
    for share in (0.4, 0.99, 1.01, 2.0):
        width = max(share * whole, 0.01)
        label = fitted(axes, 0, 0, text, width)
        assert breadth(label) <= 1.2 * width  # letters are whole pixels
        assert label.get_fontsize() == pytest.approx(9 * min(1.0, width / max(whole, 1e-9)))
        assert fitted(axes, 0, 0, text, 1e9, size=14).get_fontsize() == 14


def test_a_text_on_no_page_is_as_wide_as_nothing() -> None:
    assert breadth(Text(0, 0, "word")) == 0.0


# --- files


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_a_figure_has_one_text_in_each_kind_of_file(kind: str, tmp_path: Path) -> None:
    lower, upper, buffer = tmp_path / f"a.{kind}", tmp_path / f"B.{kind.upper()}", BytesIO()
    figure = plain().kept(lower)
    figure.savefig(upper)
    figure.savefig(buffer, format=kind)
    assert lower.read_bytes() == upper.read_bytes() == buffer.getvalue()
    assert b"CreationDate" not in buffer.getvalue()
    assert b"dc:date" not in buffer.getvalue()
    buffer = BytesIO()
    figure.savefig(buffer, format=kind.upper())
    assert buffer.getvalue() == lower.read_bytes()
    assert figure.kept(None) is figure


def test_a_file_is_named_first_or_by_name_and_transparent_by_name(tmp_path: Path) -> None:
    figure: Any = plain()
    figure.savefig(fname=tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes() == figure.svg()
    with pytest.raises(TypeError, match="positional"):
        figure.savefig(tmp_path / "b.svg", True)


def test_metadata_of_ones_own_are_kept() -> None:
    buffer = BytesIO()
    plain().savefig(buffer, format="svg", metadata={"Title": "mine"})
    assert b"mine" in buffer.getvalue()


def test_svg_is_what_is_saved_as_svg(tmp_path: Path) -> None:
    figure = plain().kept(tmp_path / "a.svg")
    assert figure.svg() == (tmp_path / "a.svg").read_bytes()
    assert b">hidden</text>" in figure.svg()


def test_pictures_have_160_dots_to_an_inch_and_in_a_notebook_192() -> None:
    figure, buffer = plain(), BytesIO()
    inches = figure.get_size_inches()
    figure.savefig(buffer, format="png")
    assert size_of(buffer.getvalue()) == pytest.approx(160 * inches, abs=1)
    png, size = figure._repr_png_()
    assert size_of(png) == pytest.approx(192 * inches, abs=1)
    assert size == {"width": round(96 * inches[0]), "height": round(96 * inches[1])}


@pytest.mark.parametrize("transparent", [True, False, None])
def test_the_ground_is_white_unless_none_is_asked_for(transparent: bool | None) -> None:
    buffer = BytesIO()
    figure = plain()
    with matplotlib.rc_context({"savefig.transparent": True, "savefig.facecolor": "red"}):
        figure.savefig(buffer, format="png", transparent=transparent)
    buffer.seek(0)
    corner = matplotlib.image.imread(buffer)[0, 0].tolist()
    assert corner == ([1, 1, 1, 0] if transparent else [1, 1, 1, 1])


# --- style


SOME = [
    *("network with names", "neuron with numbers", "decision of three", "features as pixels"),
    *("history with more",),
]


@pytest.fixture
def dark() -> Iterator[None]:
    with matplotlib.rc_context(DARK):
        yield


@pytest.mark.parametrize("name", SOME)
def test_a_picture_looks_as_ever_whatever_the_session_has_set(name: str, dark: None) -> None:
    saved = PLOTS[name]().svg()
    matplotlib.rcdefaults()
    assert saved == PLOTS[name]().svg()


def test_a_drawing_leaves_the_settings_alone(dark: None) -> None:
    before = dict(matplotlib.rcParams)
    plain().svg()
    plot_features(Neuron(2, rng=1))
    assert dict(matplotlib.rcParams) == before


def test_options_are_spelled_as_they_are() -> None:
    options: dict[str, Any] = {"limits": 3}
    with pytest.raises(TypeError, match="Did you mean 'limit'"):
        draw_network(MLP(2, [3, 1], rng=7), **options)


def test_without_matplotlib_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "nn.drawing")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "gradwalk\[plot\]"') as caught:
        importlib.import_module("nn.drawing")
    assert str(caught.value).startswith("pictures of networks need matplotlib")
    assert type(caught.value.__cause__) is ModuleNotFoundError
