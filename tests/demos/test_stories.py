"""Each story runs from the command line, says how well it did and leaves its pictures."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")
pytest.importorskip("matplotlib", reason="pip install gradwalk[demos]")

from demos import STORIES
from engine import lazy

ROOT = Path(__file__).parents[2]
SHOWN = re.compile(r"test accuracy.*: ([\d.]+)% \(\d+ of \d+\)")


def run(
    *arguments: str, cwd: Path, code: str | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    command = ["-m", "demos"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *command, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def pictures(output: str, cwd: Path) -> dict[str, Path]:
    """The files that a run printed, by what they show."""
    paths = [cwd / line.strip() for line in output.partition("pictures:\n")[2].splitlines()]
    return {path.name.partition("-")[2]: path for path in paths}


def check(done: subprocess.CompletedProcess[str], cwd: Path, *more: str) -> list[float]:
    """Hold the run to what every story promises; return the accuracies that it printed."""
    assert done.returncode == 0, done.stderr
    shown = pictures(done.stdout, cwd)
    assert set(shown) == {"graph.svg", "loss.png", "regions.png", *more}
    texts = [text.text for text in ET.parse(shown["graph.svg"]).iter() if text.tag.endswith("text")]
    assert "loss" in texts
    assert "grad 1" in texts
    for name in ("loss.png", "regions.png"):
        assert shown[name].read_bytes().startswith(b"\x89PNG")
        assert shown[name].stat().st_size > 10_000
    return [float(found) for found in SHOWN.findall(done.stdout)]


def test_the_first_run_learns_iris_and_shows_its_progress(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    (accuracy,) = check(done, tmp_path)
    assert accuracy >= 93
    assert "epoch" in done.stderr
    graph = (tmp_path / "out" / "iris-graph.svg").read_text(encoding="utf-8")
    assert all(name in graph for name in ("inputs", "L0.N4", "1 tanh", "log_softmax"))


def test_breast_cancer_compares_two_models(tmp_path: Path) -> None:
    assert len(check(run("breast_cancer", "--epochs", "1", cwd=tmp_path), tmp_path)) == 2


@pytest.mark.parametrize(("story", "least"), [("moons", 10), ("spiral", 40)])
def test_a_hidden_layer_beats_the_linear_model_beside_it(
    tmp_path: Path, story: str, least: float
) -> None:
    done = run(story, "--epochs", "40", cwd=tmp_path)
    linear, hidden = check(done, tmp_path, "learning.html")
    assert hidden - linear >= least
    assert hidden > 88
    page = pictures(done.stdout, tmp_path)["learning.html"].read_text(encoding="utf-8")
    assert all(text in page for text in ("40 epochs", "Weights", "What it answers", '"regions"'))


def test_xor_needs_a_hidden_layer_and_is_the_same_to_the_bit_in_every_process(
    tmp_path: Path,
) -> None:
    seen = []
    for hashing in ("0", "1"):
        done = run("xor", "--epochs", "25", "--seed", "3", cwd=tmp_path, PYTHONHASHSEED=hashing)
        alone, hidden = check(done, tmp_path, "learning.html")
        assert alone < 80
        assert hidden == 100
        shown = pictures(done.stdout, tmp_path)
        seen.append((done.stdout, [path.read_bytes() for path in shown.values()]))
    assert seen[0] == seen[1]


def test_without_a_layout_program_or_a_window_system_a_story_still_ends(tmp_path: Path) -> None:
    code = (
        "import sys, demos.__main__ as m; sys.modules['pygraphviz'] = None; "
        "m.main(['xor', '--epochs', '1']); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    done = run(cwd=tmp_path, code=code, PATH=str(tmp_path), GRADWALK_DOT="", MPLBACKEND="TkAgg")
    assert done.returncode == 0, done.stderr
    assert "pip install pygraphviz" in done.stderr
    shown = pictures(done.stdout, tmp_path)
    assert set(shown) == {"graph.dot", "loss.png", "regions.png", "learning.html"}
    assert shown["graph.dot"].read_text(encoding="utf-8").startswith("digraph {")


def test_the_list_names_every_story_and_needs_no_extra(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('sklearn', 'matplotlib', 'numpy'))); "
        "import demos.__main__ as m; m.main(['--list'])"
    )
    done = run(cwd=tmp_path, code=code)
    assert done.returncode == 0, done.stderr
    names = [line.split()[0] for line in done.stdout.splitlines()]
    alone = {"pictures", "nan_hunt", "step_by_step"}  # which are run by themselves
    stories = {path.stem for path in (ROOT / "demos").glob("[a-z]*.py")} - alone
    stories |= {path.parent.name for path in (ROOT / "demos").glob("*/__init__.py")}
    assert set(names) == stories
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("story", "missing", "extra"),
    [
        ("iris", "sklearn", "demos"),
        ("xor", "matplotlib", "demos"),
        ("distributed", "distributed", "distributed"),
        ("docs", "sphinx", "docs"),
    ],
)
def test_a_missing_library_is_an_error_that_names_the_extra(
    tmp_path: Path, story: str, missing: str, extra: str
) -> None:
    code = f"import sys; sys.modules['{missing}'] = None; import demos.__main__; "
    code += f"demos.__main__.main(['{story}'])"
    done = run(cwd=tmp_path, code=code)
    assert done.returncode == 1
    assert done.stderr == lazy.missing(f"the demos need {missing}", extra) + "\n"


def test_without_native_programs_a_story_that_needs_them_names_the_extra(tmp_path: Path) -> None:
    code = "import sys; sys.modules['llvmlite'] = None; import demos.__main__; "
    done = run(cwd=tmp_path, code=code + "demos.__main__.main(['names'])")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert 'pip install "gradwalk[fast]"' in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["mons"],
            f"did you mean moons? there are {', '.join(STORIES)}",
        ),
        (["--epochs", "0"], "--epochs takes a number from 1 on, got 0"),
        (["xor", "--eager"], "--eager compares two ways to train gpt, got xor; leave it out"),
        (["--seed", "x"], "argument --seed: invalid int value: 'x'"),
        (["--out", "file"], "--out file cannot be made a directory: File exists"),
    ],
)
def test_errors_of_use_say_what_to_do(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "file").touch()
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.rstrip().endswith(message)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
