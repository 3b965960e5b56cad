"""What earlier code wrote is loaded, gone on with and used, to the same numbers."""

import json
import math
import pickle
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nn
from tests.nn.golden import (
    BROKEN,
    FOLDER,
    MODELS,
    SINCE,
    WHOLE,
    looked_at,
    things,
    train,
    trainings,
)

pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")
pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

LAYOUTS = sorted(FOLDER.iterdir())
NEWEST = FOLDER / "layers"
SINCE_THEN = {"frozen": None}  # settings that its files do not have, as they are read from them
EXPECTED = {
    folder: json.loads((folder / "expected.json").read_text(encoding="utf-8")) for folder in LAYOUTS
}
every_layout = pytest.mark.parametrize("folder", LAYOUTS, ids=lambda folder: folder.name)


def leaves(tree: Any) -> Iterator[Any]:
    """What is in lists and dicts, in order; names of a dict too."""
    if isinstance(tree, dict):
        tree = [x for pair in sorted(tree.items()) for x in pair]
    if isinstance(tree, list | tuple):
        for branch in tree:
            yield from leaves(branch)
    else:
        yield tree


def same(found: Any, wanted: Any, exactly: bool) -> bool:
    """Equal to the bit, or else but for rounding.

    What stands before a BatchNorm has a gradient that is 0 but for rounding, and Adam makes numbers
    of some 1e-9 out of that: where both are so small, there is nothing to compare.
    """
    if exactly and platform.libc_ver()[0] == "glibc":  # whose exp and pow these are
        return json.dumps(found) == json.dumps(wanted)
    pairs = zip(leaves(json.loads(json.dumps(found))), leaves(wanted), strict=True)
    return all(
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) or max(abs(a), abs(b)) < 1e-8
        if isinstance(a, float)
        else a == b
        for a, b in pairs
    )


@every_layout
def test_every_kind_is_there(folder: Path) -> None:
    kinds = {f"{name}-{backend}.safetensors" for name, backend in trainings()}
    kinds |= {f"{name}.safetensors" for name in MODELS} | {f"{name}.pickle" for name in things()}
    assert {path.name for path in folder.iterdir()} == EXPECTED[folder].keys() | {"expected.json"}
    assert EXPECTED[folder].keys() == (kinds if folder.name == "layers" else kinds - SINCE)


def kept(files: list[str]) -> Any:
    """Each folder with each of the files that it has."""
    pairs = [(folder, file) for folder in LAYOUTS for file in files if file in EXPECTED[folder]]
    return pytest.mark.parametrize(("folder", "file"), pairs, ids=lambda x: getattr(x, "name", x))


@kept([f"{name}-{backend}.safetensors" for name, backend in trainings()])
def test_a_training_goes_on(folder: Path, file: str, tmp_path: Path) -> None:
    """Native sums depend on the vectors of the machine that wrote the file."""
    name, _, backend = Path(file).stem.rpartition("-")
    path = Path(shutil.copy(folder / file, tmp_path))
    found = train(name, backend, WHOLE, path, seed=4)
    assert same(found, EXPECTED[folder][file], exactly=backend == "eager")


@kept([f"{name}.safetensors" for name in MODELS])
def test_a_model_loads(folder: Path, file: str) -> None:
    path, name = folder / file, Path(file).stem
    model = nn.load(path, into=MODELS[name](9))
    numbers, outputs = EXPECTED[folder][path.name]
    assert [p.data for p in model.parameters()] == numbers
    width = 3 if name == "neuron" else 2
    assert same(nn.predict(model, [[0.5] * width]), outputs, exactly=True)
    if name != "own":
        assert repr(nn.load(path)) == repr(model)


def names(tree: Any) -> Any:
    """What a file says, with a 0 for each number and for each list of them."""
    if isinstance(tree, dict):
        return {name: names(tree[name]) for name in sorted(tree)}
    if isinstance(tree, list):
        inner = [names(x) for x in tree]
        return 0 if inner and all(x == 0 for x in inner) else inner
    return 0 if isinstance(tree, int | float) else tree


def said(path: Path) -> Any:
    """The tensors of a file, and what the text beside them says, but for its two digests."""
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    text = json.loads(header.pop("__metadata__")["gradwalk"])
    assert len(bytes.fromhex(text.pop("checksum"))) == 16
    if "training" in text:
        settings = text["training"]["settings"] = SINCE_THEN | text["training"]["settings"]
        assert len(bytes.fromhex(settings.pop("rows"))) == 16
    return {name: entry["dtype"] for name, entry in header.items()}, names(text)


@pytest.mark.parametrize(
    "file", sorted(EXPECTED[NEWEST].keys() - {f"{n}.pickle" for n in things()})
)
def test_what_is_written_now_has_the_names_of_then(file: str, tmp_path: Path) -> None:
    """A name that writer and reader change together would be missed in files of earlier code."""
    name, _, backend = Path(file).stem.rpartition("-")
    if backend in ("eager", "native"):
        train(name, backend, BROKEN, tmp_path / file)
    else:
        nn.save(MODELS[backend](3), tmp_path / file)
    assert said(tmp_path / file) == said(NEWEST / file)


@every_layout
@pytest.mark.parametrize("name", things())
def test_a_pickle_loads(folder: Path, name: str) -> None:
    path = folder / f"{name}.pickle"
    found = looked_at(name, pickle.loads(path.read_bytes()))
    assert same(found, EXPECTED[folder][path.name], exactly=name != "program")


ALIASES = """
import importlib, sys
from engine.aliases import MOVED

for name in MOVED:
    importlib.import_module(name)
assert not {"engine.native", "nn.drawing", "nn.player"} & sys.modules.keys()
for name, homes in MOVED.items():
    old = sys.modules[name]
    assert not hasattr(old, "nothing")
    for home in map(importlib.import_module, homes.split()):
        for public, thing in vars(home).items():
            own = callable(thing) and getattr(thing, "__module__", "") == home.__name__
            if own and not public.startswith("_"):
                found = getattr(old, public)  # a module of a function's name hides it
                assert found is thing or found is sys.modules[f"{name}.{public}"]
"""


def test_old_paths_are_aliases_and_load_nothing_before_they_are_asked() -> None:
    subprocess.run([sys.executable, "-c", ALIASES], check=True, cwd=FOLDER.parents[2])
