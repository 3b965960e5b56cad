"""Values as a table, for notebooks."""

import pytest

from engine import Value
from engine.drawing.value_table import of_values


@pytest.mark.parametrize("many", [0, 1, 100, 101, 1234])
def test_a_hundred_rows_are_shown_and_the_others_counted(many: int) -> None:
    page = of_values(Value(2.0, f"x{i}") for i in range(many))
    shown = [i for i in range(many) if f">x{i}<" in page]
    assert shown == [*range(min(many, 100))]
    assert page.count("<tr>") == 1 + len(shown) + (many > 100)
    assert (f"{many - 100:,} more" in page) == (many > 100)
