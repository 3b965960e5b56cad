"""The sheet of twelve graphs: that it is made, and what is read from the pictures on it."""

from pathlib import Path

import pytest

from tests.benchmarks import pictures
from tests.benchmarks.harness import Effort
from tests.benchmarks.pictures import GRAPHS, Size, measure_pictures


def test_the_sheet_has_a_row_for_each_graph_and_ours_are_as_wide_as_promised(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pictures, "installed", lambda systems: [])
    rows = measure_pictures(Effort())
    assert len(rows) == len(GRAPHS) == 12
    assert [row.target for row in rows] == ["≤ 1600 px: ok"] * 12
    sheet = (tmp_path / pictures.SHEET).read_text(encoding="utf-8")
    assert sheet.count("<svg") == 12
    for name, row in zip(GRAPHS, rows, strict=True):
        assert f"<b>{name}</b><br>{row.ours}" in sheet.replace("&#x27;", "'")


def test_the_size_of_a_picture_is_in_pixels_and_that_of_its_letters_is_as_they_are_shown() -> None:
    svg = '<svg width="600pt" height="75pt"><g transform="scale(0.5 0.5)">'
    svg += '<text font-size="12.00">a</text><text font-size="15.00">b</text></g></svg>'
    assert Size.of(svg) == Size(800.0, 100.0, 8.0)
    assert str(Size.of(svg)) == "800 x 100, 8 px"
    assert str(Size(failed="over 30 s")) == "over 30 s"
