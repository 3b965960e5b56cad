"""What is said where the packages of an extra are not installed, and where another package is in
the way of ours. These tests run without any extra, too.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import engine

PATH = str(Path(engine.__file__).parents[1])
FIT = 'fit(MLP(1, [1]), [[1.0]], [1.0], loss="mse", epochs=1, progress=False'
# An extra, one of its packages, and what needs it.
NEEDS = [
    ("fast", "llvmlite", "from engine import Program, Value; Program([], [Value(1.0) * 2.0])"),
    ("fast", "numpy", "from engine import compiled; compiled(lambda x: x * x)(1.0)"),
    ("fast", "llvmlite", f'from nn import MLP, fit; {FIT}, backend="native")'),
    ("checkpoints", "numpy", 'from nn import MLP, save; save(MLP(1, [1]), "m")'),
    ("checkpoints", "safetensors", 'from nn import load; open("m", "w").close(); load("m")'),
    ("checkpoints", "safetensors", f'from nn import MLP, fit; {FIT}, checkpoint="t")'),
    ("plot", "matplotlib", "import nn.drawing"),
    ("plot", "matplotlib", "from nn import drawing"),
    ("plot", "matplotlib", f"from nn import MLP, fit; {FIT}).plot()"),
    ("sklearn", "sklearn", "from nn import ScalarMLPClassifier"),
    ("sklearn", "numpy", "import nn; nn.ScalarMLPRegressor()"),
    ("interop", "torch", "from nn import MLP, to_torch; to_torch(MLP(1, [1]))"),
    ("interop", "torch", "from nn import from_torch; from_torch(None)"),
    ("interop", "onnx", 'from nn import MLP, to_onnx; to_onnx(MLP(1, [1]), "m")'),
]


def said(folder: Path, *arguments: str, path: str = PATH) -> str:
    """The last line of an error of Python in that folder."""
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1, ran.stdout
    return ran.stderr.splitlines()[-1]


@pytest.mark.parametrize(("extra", "package", "code"), NEEDS)
def test_a_missing_extra_is_an_error_with_the_command_that_brings_it(
    tmp_path: Path, extra: str, package: str, code: str
) -> None:
    """The package is as if it were not there, where it is."""
    text = f"raise ModuleNotFoundError(\"No module named '{package}'\", name='{package}')"
    (tmp_path / f"{package}.py").write_text(text)
    assert f': pip install "gradwalk[{extra}]"' in said(tmp_path, "-c", code)


@pytest.mark.parametrize("file", ["engine.py", "engine/__init__.py"])
@pytest.mark.parametrize("script", ["import nn", "from engine import Value\nimport nn"])
def test_an_engine_of_the_users_in_the_way_is_named(tmp_path: Path, file: str, script: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("Value = float\n")
    (tmp_path / "script.py").write_text(script)
    place = tmp_path / file.removesuffix("/__init__.py")
    assert said(tmp_path, "script.py") == (
        f"ImportError: nn needs the `engine` of gradwalk, but finds {place}; "
        "rename it, so that gradwalk's is found"
    )


def test_a_script_that_is_called_engine_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "engine.py").write_text("from nn import MLP")
    assert f"finds {tmp_path / 'engine.py'}; rename it" in said(tmp_path, "engine.py")


def install_other(site: Path) -> None:
    """What pip leaves there of a distribution `motor` with a package that is called engine, too."""
    for name, text in {
        "engine/__init__.py": "",
        "motor-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: motor\nVersion: 1.0\n",
        "motor-1.0.dist-info/RECORD": "engine/__init__.py,,\n",
        "motor-1.0.dist-info/top_level.txt": "engine\n",
    }.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text)


@pytest.mark.parametrize("over", [True, False])
def test_another_distribution_in_the_way_is_named(tmp_path: Path, over: bool) -> None:
    """Its files lie where Python looks first, or were written over ours."""
    site = tmp_path / "site-packages"
    if over:
        shutil.copytree(Path(PATH) / "nn", site / "nn")
        shutil.copytree(Path(PATH) / "engine", site / "engine")
    else:
        site.mkdir()
    install_other(site)
    assert said(tmp_path, "-c", "import nn", path=os.pathsep.join([str(site), PATH])) == (
        f"ImportError: nn needs the `engine` of gradwalk, but finds {site / 'engine'} of motor: "
        "pip uninstall motor, then install gradwalk again"
    )


@pytest.mark.parametrize("name", ["MLP", "fit"])
def test_a_users_nn_is_named_by_python(tmp_path: Path, name: str) -> None:
    """Nothing of ours runs then; the page of the documentation says what to do."""
    (tmp_path / "nn.py").touch()
    error = said(tmp_path, "-c", f"from engine import Value; from nn import {name}")
    assert error == f"ImportError: cannot import name '{name}' from 'nn' ({tmp_path / 'nn.py'})"


def test_an_engine_of_ours_that_fails_says_so_itself(tmp_path: Path) -> None:
    broken = "import sys; sys.modules['engine.lazy'] = None; import nn"
    assert "engine.lazy" in said(tmp_path, "-c", broken)
