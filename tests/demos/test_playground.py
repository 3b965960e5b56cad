"""The playground in Chromium, offline: what a newcomer does there, and that it asks nobody else."""

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from demos._console import Console
from demos.playground import build, examples
from tests.drawing.browser import axe, browser, missing, quiet

__all__ = ["browser"]

ROOT = Path(__file__).parents[2]
NPM = ("@hpcc-js/wasm-graphviz", "pyodide")
SLOW = 90_000  # milliseconds, in which anything has to happen on a busy machine
# With these a server lets a page share memory with its threads.
ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, built by the command."""
    if shutil.which("npm") is None:
        missing("no npm on PATH: apt-get install npm")
    place = tmp_path_factory.mktemp("playground")
    done = subprocess.run(
        [sys.executable, "-m", "demos", "playground", "--out", place],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"-m http.server --directory {place / 'playground'}" in done.stdout
    return place / "playground"


@contextmanager
def served(folder: Path, headers: dict[str, str]) -> Iterator[str]:
    """The address of a plain server of a folder."""

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            for name, value in headers.items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def opened(folder: Path, browser: Any, headers: dict[str, str], **how: Any) -> Iterator[Any]:
    """The page, when Python is ready."""
    with served(folder, headers) as home, quiet(browser, home, **how) as page:
        page.set_default_timeout(SLOW)
        page.goto(home)
        page.wait_for_selector("#run:enabled")
        yield page


@pytest.fixture(scope="module")
def shared(folder: Path, browser: Any) -> Iterator[Any]:
    """One page for all tests that a run of the others cannot disturb: to load it takes seconds."""
    with opened(folder, browser, ISOLATED) as page:
        yield page


@pytest.fixture
def page(shared: Any) -> Any:
    shared.wait_for_selector("#run:enabled", timeout=10_000)  # else an earlier test has failed
    shared.click("#clear")
    return shared


def run(page: Any, program: str) -> None:
    page.fill("#code", program)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#run:enabled")


def said(page: Any, *kinds: str) -> str:
    """The text of these kinds in the console."""
    texts = page.locator(", ".join(f"#log .{kind}" for kind in kinds)).all_text_contents()
    return re.sub(r"<run \d+>", "<run 1>", "".join(texts))


def choose(page: Any, title: str) -> None:
    """Run an example, as it was at first."""
    page.get_by_role("button", name=title, exact=True).dblclick()
    page.click("#run")
    page.wait_for_selector("#run:enabled")


def test_the_first_program_of_the_readme_prints_what_it_says(page: Any) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.findall(r"^```(?:pycon|python)\n(.*?)^```", readme, re.M | re.S)[0]
    wanted = "".join(step.want for step in doctest.DocTestParser().get_examples(first))
    wanted = wanted or "\n".join(re.findall(r"^# > (.*)", first, re.M))  # where it has no prompts
    assert wanted
    choose(page, "First steps")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    got = said(page, "out", "error")
    assert doctest.OutputChecker().check_output(wanted, got, flags), got


def at_home(
    title: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, str], int]:
    """What an example says where Python is installed, by its kind, and how much it shows."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("linecache.cache", {})
    found: list[tuple[str, str, str]] = []
    Console(lambda *message: found.append(message), Path()).run(examples()[title])
    told = dict.fromkeys(("echo", "out", "err", "error"), "")
    for kind, text, _ in found:
        if kind in told:
            told[kind] += text
    return told, sum(kind not in told for kind, *_ in found)


@pytest.mark.parametrize("title", sorted(examples().keys() - {"Moons"}))
def test_each_example_says_in_the_browser_what_it_says_here(
    title: str, page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(page, title)
    told, shown = at_home(title, tmp_path, monkeypatch)
    assert {kind: said(page, kind) for kind in told} == told
    assert told["error"] == ""
    assert page.locator("#log figure").count() == shown


def test_a_picture_is_drawn_and_says_more_where_the_mouse_rests(page: Any) -> None:
    choose(page, "A picture")
    picture = page.locator("#log .picture svg")
    assert picture.bounding_box()["width"] > 300
    nodes = picture.locator("g.node")
    assert {"loss", "y", "x", "w", "b"} <= {*nodes.locator("text").all_text_contents()}
    titles = nodes.locator("title").all_text_contents()
    assert any(re.search(r"^y = tanh.*\nmade in <run \d+>:10 by ", text, re.S) for text in titles)


def test_the_player_plays_in_its_frame(page: Any) -> None:
    choose(page, "The player")
    player = page.frame_locator("#log iframe")
    before = player.locator("output").text_content()
    player.get_by_role("button", name="One step on").click()
    assert player.locator("output").text_content() != before
    assert page.get_by_role("link", name="Open in a tab").get_attribute("target") == "_blank"


def test_a_network_learns_and_shows_how_far_it_is(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.get_by_role("button", name="Moons", exact=True).dblclick()
    page.click("#run")
    page.get_by_text("epoch 3/30: loss").wait_for()
    assert page.locator("#stop").is_enabled()  # it is told while the training goes on
    page.wait_for_selector("#run:enabled")
    right = re.search(r"(\d+)% of the points are right", said(page, "out"))
    assert right is not None
    assert int(right[1]) > 90
    page.frame_locator("#log iframe").get_by_text("30 of 30", exact=True).wait_for()
    told, _ = at_home("Moons", tmp_path, monkeypatch)
    assert {kind: said(page, kind) for kind in told} == told


def test_stop_interrupts_python_and_keeps_its_variables(page: Any) -> None:
    run(page, "kept = 7")
    page.fill("#code", "while True: kept += 1")
    page.click("#run")
    page.click("#stop")
    page.wait_for_selector("#run:enabled")
    assert said(page, "error") == "KeyboardInterrupt\n"
    run(page, "kept >= 7")
    assert said(page, "out") == "True\n"


def test_stop_ends_what_does_not_listen_when_it_is_pressed_again(page: Any) -> None:
    page.fill("#code", "sum(range(10**15))")
    page.click("#run")
    page.click("#stop")
    page.get_by_text("Stopping ...").wait_for()
    page.click("#stop")
    assert "its variables are gone" in said(page, "note")
    page.wait_for_selector("#run:enabled")
    run(page, "1 + 1")
    assert said(page, "out") == "2\n"


def test_a_chain_of_100_000_is_freed(page: Any) -> None:
    run(
        page,
        """
import weakref
from engine import Value
x = y = Value(1.0)
for _ in range(100_000):
    y = x - y
y.backward()
freed = weakref.ref(y.parents[1].parents[1])
del y
print(freed(), x.grad)
""",
    )
    assert said(page, "out", "error") == "None 1.0\n"


def test_it_has_the_versions_that_are_installed_here(page: Any) -> None:
    packages = ("gradwalk", "graphviz", "tqdm")
    run(page, f"from importlib.metadata import version\n[version(each) for each in {packages}]")
    assert said(page, "out") == f"{[version(each) for each in packages]}\n"


def test_lines_can_be_typed_at_the_prompt_and_called_back(page: Any) -> None:
    prompt = page.locator("#prompt")
    prompt.fill("a = 6")
    prompt.press("Enter")
    page.wait_for_selector("#run:enabled")
    prompt.fill("a * 7")
    prompt.press("Enter")
    page.wait_for_selector("#run:enabled")
    assert said(page, "echo", "out") == ">>> a = 6\n>>> a * 7\n42\n"
    prompt.press("ArrowUp")
    prompt.press("ArrowUp")
    assert prompt.input_value() == "a = 6"


def test_enter_keeps_the_indent_and_what_was_changed_is_there_again(page: Any) -> None:
    code = page.locator("#code")
    page.get_by_role("button", name="Explain", exact=True).click()
    code.fill("for i in range(3):")
    code.press("End")
    code.press("Enter")
    code.press_sequentially("i")
    code.press("Enter")
    assert code.input_value() == "for i in range(3):\n    i\n    "
    page.get_by_role("button", name="Moons", exact=True).click()
    assert "range(3)" not in code.input_value()
    page.get_by_role("button", name="Explain", exact=True).click()
    assert code.input_value().startswith("for i in range(3)")


def test_a_format_that_the_browser_cannot_draw_is_an_error_that_names_one(page: Any) -> None:
    run(page, "from engine import Value\nValue(1.0).to_png('x.png')")
    assert "in the browser made no png: " in said(page, "error")
    assert said(page, "error").endswith("it makes svg\n")
    assert page.locator("#log figure").count() == 0


def test_where_memory_is_not_shared_stop_starts_python_anew_and_says_so(
    folder: Path, browser: Any
) -> None:
    with opened(folder, browser, {}) as page:
        run(page, "kept = 7")
        page.fill("#code", "while True: pass")
        page.click("#run")
        page.click("#stop")
        page.wait_for_selector("#run:enabled")
        assert "Stopped. Python is started anew, and its variables are gone." in said(page, "note")
        run(page, "kept")
        assert said(page, "error").endswith("NameError: name 'kept' is not defined\n")


def test_what_is_fetched_is_exact_and_from_no_named_host() -> None:
    lock = json.loads((ROOT / "demos/playground/package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((ROOT / "demos/playground/package.json").read_text(encoding="utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")
    versions = {name: lock["packages"][f"node_modules/{name}"]["version"] for name in NPM}
    assert wanted["dependencies"] == versions


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(SystemExit, match="is there, and no playground; move it away, or"):
        build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_without_npm_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"npm, which is not on PATH: install Node\.js"):
        build(tmp_path / "playground")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_complete_says_which_file_is_missing(
    folder: Path, browser: Any, tmp_path: Path
) -> None:
    part = shutil.copytree(
        folder,
        tmp_path / "part",
        ignore=shutil.ignore_patterns("*.wasm"),
        copy_function=os.symlink,
    )
    context = browser.new_context()  # a page that complains, as it should
    with served(part, {}) as home:
        page = context.new_page()
        page.goto(home)
        alert = page.locator("#alert:visible").inner_text(timeout=SLOW)
        context.close()
    assert "pyodide/pyodide.asm.wasm: 404" in alert
    assert "Is the folder complete, as it was built?" in alert


def test_opened_as_a_file_it_says_how_to_start_a_server(folder: Path, browser: Any) -> None:
    with quiet(browser, folder) as page:
        page.goto((folder / "index.html").as_uri())
        alert = page.get_by_role("alert").inner_text()
        assert f'python3 -m http.server --directory "{folder}" 8000' in alert
        assert page.locator("#run").is_disabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_cut_off_and_everybody_can_read_and_reach_it(
    scheme: str, width: int, page: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    choose(page, "A picture")
    run(page, "import sys\n1 + 1\nprint(2, file=sys.stderr)\n")
    assert page.locator("#log figure").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(axe())
    found = page.evaluate("axe.run().then((found) => found.violations)")
    assert [(each["id"], [n["html"] for n in each["nodes"]]) for each in found] == []
