"""files: how many files of the project a native fit runs through, its compiling included."""

import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import engine
import nn
from tests.benchmarks.harness import Effort
from tests.benchmarks.report import Row, bound

__all__ = ["files_run", "measure_files", "native_fit"]

MOST = 40


def measure_files(effort: Effort) -> list[Row]:
    native_fit(3)()  # imports are not counted
    files, functions = files_run(native_fit(5))
    ours = sum(file.parts[0] == "nn" for file in files)
    return [
        Row(
            "a native fit runs through",
            f"{len(files)} files",
            f"{ours} of nn, {functions} functions",
            "",
            bound(len(files), MOST),
        )
    ]


def native_fit(width: int) -> Callable[[], object]:
    """The training of a small network; one of a new width has to be compiled."""
    gauss = random.Random(1).gauss
    xs = [[gauss(0, 1), gauss(0, 1)] for _ in range(100)]
    model, ys = nn.MLP(2, [16, width, 1], rng=1), [1.0 if a * b > 0 else -1.0 for a, b in xs]
    return partial(nn.fit, model, xs, ys, loss="mse", epochs=3, progress=False, backend="native")


def files_run(action: Callable[[], object]) -> tuple[set[Path], int]:
    """The files of `engine` and `nn` of which a function is called, and how many functions are."""
    root, called = Path(engine.__file__).parents[1], set()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and not frame.f_code.co_name.startswith("<"):
            called.add(frame.f_code)

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    folders = [root / "engine", root / "nn"]
    codes = [code for code in called if {*folders} & {*Path(code.co_filename).parents}]
    return {Path(code.co_filename).relative_to(root) for code in codes}, len(codes)
