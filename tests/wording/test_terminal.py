"""Text for a terminal: columns that stay under each other."""

from engine.wording.terminal import columns


def test_columns_count_wide_and_combining_characters() -> None:
    assert columns([["日本", "1"], ["e\u0301", "20"]], right=1) == ["日本   1", "e\u0301     20"]
