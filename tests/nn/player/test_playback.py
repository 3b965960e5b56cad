"""The page of a training: what is recorded, and what a real browser shows of it."""

import base64
import functools
import json
import math
import re
from array import array

import pytest

from engine import Value
from nn import MLP, History, Module, Neuron, fit, predict
from nn.player.training_page import evenly, regions
from tests.drawing.browser import quiet, show, wait
from tests.drawing.test_picture import HOSTILE

XS, YS = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
HOW = {"loss": "binary_cross_entropy", "batch_size": 2, "seed": 1, "progress": False}


def trained(epochs=12, record=True, **how):
    model = MLP(2, [3, 1], activation="tanh", output="sigmoid", rng=1)
    return model, fit(model, XS, YS, epochs=epochs, record=record, **{**HOW, **how})


@functools.cache
def example():
    return trained()[1].to_html(features=["left", "up"], classes=["no", "yes"])


def data(text):
    return json.loads(re.search(r'id="run">(.*?)</script>', text, re.DOTALL)[1])


def singles(text):
    return array("f", base64.b64decode(text)).tolist()


# --- what is recorded


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_a_snapshot_is_what_a_shorter_training_ends_with(epochs):
    _, history = trained(8)
    shorter, at = trained(epochs, record=False)
    assert at.best_epoch == epochs - 1  # so it kept its last parameters
    assert list(history.snapshots[epochs]) == [p.data for p in shorter.parameters()]
    assert len(history.snapshots) == 8 + 1


def test_the_first_snapshot_is_from_before_the_training():
    fresh = MLP(2, [3, 1], activation="tanh", output="sigmoid", rng=1)
    assert list(trained(2)[1].snapshots[0]) == [p.data for p in fresh.parameters()]


def test_recording_changes_nothing_of_the_training():
    (one, recorded), (other, plain) = trained(validation=0.5), trained(record=False, validation=0.5)
    assert recorded == plain
    assert [p.data for p in one.parameters()] == [p.data for p in other.parameters()]
    assert plain.snapshots == []


@pytest.mark.parametrize("history", [History(), trained(1, record=False)[1]])
def test_without_a_recording_the_remedy_is_named(history):
    with pytest.raises(ValueError, match="record=True"):
        history.to_html()


def test_a_text_is_no_list_of_names():
    with pytest.raises(TypeError, match="list of names"):
        trained(1)[1].to_html(classes="ab")


# --- what the page holds


def test_the_page_leaves_the_model_alone(tmp_path):
    model, history = trained()
    before = [p.data for p in model.parameters()]
    path = tmp_path / "page.html"
    assert history.to_html(path) == str(path)
    assert path.read_text(encoding="utf-8") == history.to_html()
    with pytest.raises(ValueError, match=r"to_html writes \.html files.*history\.plot\(path\)$"):
        history.to_html(tmp_path / "page.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert [p.data for p in model.parameters()] == before


def test_weights_are_those_of_the_snapshots():
    model, history = trained()
    net = data(history.to_html())["network"]
    weights, size = singles(net["weights"]), len(net["lines"])
    labels = [p.label for p in model.parameters()]
    for epoch, snapshot in enumerate(history.snapshots):
        by_name = dict(zip(labels, snapshot, strict=True))
        wanted = [by_name[name] for name in net["names"]]
        assert weights[epoch * size :][:size] == pytest.approx(wanted, rel=1e-6)
    assert sorted(net["names"]) == sorted(labels)


def test_cells_have_the_class_that_the_model_answers():
    model, history = trained()
    plane = data(history.to_html())["regions"]
    grid = base64.b64decode(plane["grid"])
    (left, bottom), (right, top) = plane["window"]
    side = plane["cells"]
    for which, snapshot in enumerate(history.snapshots):
        for parameter, x in zip(model.parameters(), snapshot, strict=True):
            parameter.data = x
        for row, column in [(0, 0), (5, 20), (side - 1, 3)]:
            x = left + (right - left) * (column + 0.5) / side
            y = top - (top - bottom) * (row + 0.5) / side
            (share,) = predict(model, [(x, y)])
            at = 2 * (which * side * side + row * side + column)
            assert grid[at] == (share > 0.5)
            assert grid[at + 1] == pytest.approx(255 * abs(2 * share - 1), abs=0.51)


def test_a_long_training_is_thinned_out(monkeypatch):
    monkeypatch.setattr("nn.player.training_page.FRAMES", 5)
    history = trained(30, patience=None)[1]
    found = data(history.to_html())
    assert found["epochs"] == [0, 7, 15, 22, 30]
    assert len(found["log"]["loss"]) == 31
    assert len(base64.b64decode(found["regions"]["grid"])) == 5 * 2 * 32 * 32
    monkeypatch.setattr("nn.player.training_page.TIMES", 3)
    monkeypatch.setattr("nn.player.training_page.available", lambda: False)  # that takes longer
    assert data(history.to_html())["epochs"] == [0, 15, 30]


def test_a_page_shows_400_epochs_at_most():
    how = {"loss": "mse", "epochs": 420, "record": True, "patience": None, "progress": False}
    history = fit(Neuron(1, "linear", rng=1), [[0.0], [1.0]], [0.5, 1.5], **how)
    shown = data(history.to_html())["epochs"]
    assert len(shown) == 400
    assert (shown[0], shown[-1]) == (0, 420)


def test_the_kept_epoch_is_never_left_out():
    assert all(also in evenly(100, 7, also) for also in range(100))


@pytest.mark.parametrize(
    ("n_in", "targets"), [(1, [0.5, 1.5]), (3, [0, 1]), (2, [1.5, 2.5]), (2, [math.pi, 0])]
)
def test_only_a_plane_has_regions(n_in, targets):
    model, xs = Neuron(n_in, "linear", rng=1), [[0.0] * n_in, [1.0] * n_in]
    history = fit(model, xs, targets, loss="mse", epochs=2, seed=1, progress=False, record=True)
    assert (data(history.to_html())["regions"] is not None) == (n_in == 2)


class Total(Module):
    """Takes sequences of pairs, of any length."""

    def __init__(self):
        self.w = Value(0.5)

    def __call__(self, pairs):
        return sum(a * b for a, b in pairs) * self.w


def test_samples_that_are_no_rows_of_numbers_have_a_page_without_regions():
    xs = [[(1.0, 2.0), (0.5, 1.0)], [(1.0, 1.0)], [(0.0, 1.0), (1.0, 2.0)]]
    history = fit(Total(), xs, [1, 0, 1], loss="mse", epochs=2, progress=False, record=True)
    assert data(history.to_html())["regions"] is None


class Curve(Module):
    def __init__(self):
        self.a, self.b = Value(0.1), Value(0.2)

    def __call__(self, x):
        return self.a * x * x + self.b


# --- in a browser


def seen(page):
    """What moves: lines, markers, pixels and the epoch."""
    return page.evaluate(
        """() => [
            [...document.querySelectorAll(".weight")].map((e) => e.outerHTML).join(),
            document.querySelector(".dot").getAttribute("cx"),
            document.querySelector("canvas").toDataURL(),
        ]"""
    )


def epoch(page):
    return int(page.text_content("[data-show=epoch]").split()[0])


def test_seeking_moves_weights_curves_and_regions(page):
    show(page, example(), "html")
    assert epoch(page) == 12  # the kept one
    last = seen(page)
    page.locator(".seek input").fill("0")
    assert epoch(page) == 0
    assert all(a != b for a, b in zip(last, seen(page), strict=True))
    page.locator(".seek input").fill("12")
    assert seen(page) == last


def test_keys_and_buttons_walk(page):
    show(page, example(), "html")
    walked = []
    for key in ("Home", "ArrowRight", "PageDown", "ArrowLeft", "End"):
        page.keyboard.press(key)
        walked.append(epoch(page))
    page.click("[data-do=back]")
    assert [*walked, epoch(page)] == [0, 1, 11, 10, 12, 11]
    page.keyboard.press("Home")
    page.focus("body")
    assert "before training" in page.text_content(".spoken")


def test_playing_ends_at_the_last_epoch(page):
    show(page, example(), "html")
    page.select_option(".speed select", "100")
    page.click("[data-do=play]")
    wait(page, "document.querySelector('[data-do=play]').textContent === 'Play'")
    assert epoch(page) == 12


def test_a_link_opens_at_its_epoch(page, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(example(), encoding="utf-8")
    page.goto(f"{path.as_uri()}#epoch=7")
    assert epoch(page) == 7
    page.evaluate("() => { location.hash = '#epoch=3'; }")
    wait(page, "document.querySelector('[data-show=epoch]').textContent.startsWith('3')")


def test_a_click_into_a_curve_goes_there(page):
    show(page, example(), "html")
    box = page.locator(".plots svg").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 50 / 420, box["y"] + box["height"] / 2)
    assert epoch(page) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, scheme):
    playwright = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install gradwalk[test]"
    )
    with quiet(browser) as page:
        page.emulate_media(color_scheme=scheme)
        # the page's policy lets no other script in, and the checker is one
        text = re.sub(r"<meta http-equiv=[^>]*>", "", example())
        show(page, text, "html")
        found = playwright.Axe().run(page)
        assert found.response["violations"] == []


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_is_wider_than_the_page(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    show(page, example(), "html")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.is_visible("[data-do=play]")


def test_names_are_text_whatever_they_hold(page):
    model = MLP(2, [2, 2], rng=1)
    for parameter, label in zip(model.parameters(), HOSTILE, strict=False):
        parameter.label = label
    how = {"loss": "cross_entropy", "epochs": 2, "seed": 1, "progress": False, "record": True}
    history = fit(model, XS, YS, **how)
    for names in (
        [HOSTILE[0], "</script><script>alert(1)</script>"],
        HOSTILE[1:3],
        ["$data", "$$"],
    ):
        show(page, history.to_html(features=names, classes=names), "html")
        shown = page.locator(".network").text_content()
        assert all(name[:20] in shown for name in names)
        assert page.locator("main b, main td").count() == 0


@pytest.mark.parametrize(("model", "loss"), [(Curve(), "mse"), (Neuron(1, "linear", rng=1), "mse")])
def test_other_models_have_curves_at_least(page, model, loss):
    xs = [-1.0, 0.0, 2.0]
    fitted = fit(model, xs, xs, loss=loss, epochs=3, seed=1, progress=False, record=True)
    show(page, fitted.to_html(), "html")
    assert page.locator(".plots svg").count() == 1
    assert page.is_hidden(".regions")
    assert page.is_visible(".network") == isinstance(model, Neuron)


def test_numbers_that_are_not_finite_do_no_harm(page):
    _, history = trained(3)
    history.log[1]["loss"] = math.nan
    history.log[2]["loss"] = math.inf
    history.snapshots[2][0] = math.nan
    history.snapshots[3][1] = -math.inf
    show(page, history.to_html(), "html")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert "NaN" in page.text_content(".network")
    assert "NaN" not in page.locator(".plots").inner_html()


def test_shares_are_rounded_as_the_history_rounds_them(page):
    _, history = trained(8)
    for row, right in zip(history.log, (73, 71, 1, 3, 5, 7, 40, 79), strict=True):
        row["accuracy"] = right / 80
    show(page, history.to_html(), "html")
    page.keyboard.press("Home")
    for row in history.log:
        page.keyboard.press("ArrowRight")
        assert page.text_content(".figures dd:last-child") == f"{row['accuracy']:.1%}"


def test_regions_are_the_same_by_a_program_and_by_values(monkeypatch):
    _, history = trained(3)
    grid = regions(history.recording, [0, 1, 2, 3], [], [])["grid"]
    monkeypatch.setattr("nn.evaluation.programs.available", lambda: False)
    assert regions(history.recording, [0, 1, 2, 3], [], [])["grid"] == grid
