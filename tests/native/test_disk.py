"""Machine code on disk: what the next process takes from there."""

from pathlib import Path
from typing import Any

import pytest

from engine import Program, inputs
from engine.native import disk, library


def answer(k: int) -> list[list[float]]:
    """Of a program whose code is in no cache of this process."""
    library._kept.clear()
    library._shared.clear()
    x, y = inputs("x", "y")
    result: list[list[float]] = Program([x, y], [(x * k + y).tanh()])([[0.25, 1.0]]).tolist()
    return result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(disk.VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_code_is_taken_from_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, wrote = [], []

    def noted(calls: list[Any], function: Any) -> Any:
        def wrapped(*given: Any) -> Any:
            calls.append(function(*given))
            return calls[-1]

        return wrapped

    monkeypatch.setattr(disk, "_read", noted(read, disk._read))
    monkeypatch.setattr(disk, "_write", noted(wrote, disk._write))
    first = answer(3)
    assert (len(read), len(wrote)) == (1, 1)
    assert read[0] is None
    assert answer(3) == first
    assert (len(read), len(wrote)) == (2, 1)
    assert len(read[1]) + disk.SUM == next(folder.iterdir()).stat().st_size
    answer(4)
    assert len([*folder.iterdir()]) == 2


@pytest.mark.parametrize("damage", [b"", b"nothing", b"\0" * 4000])
def test_a_damaged_file_is_compiled_again(folder: Path, damage: bytes) -> None:
    first = answer(5)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage or whole[:-1])
    assert answer(5) == first
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_made_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(disk.VARIABLE, str(tmp_path / "file"))
    with pytest.raises(FileExistsError, match="file"):
        answer(6)


def test_nothing_is_written_unasked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(disk.VARIABLE)
    answer(7)
    assert not folder.exists()
