"""Values as a table, for notebooks."""

from collections.abc import Iterable

from engine.core.value import Value
from engine.wording.markup import table
from engine.wording.names import called, made_by, number, place

MOST = 100  # rows


def of_values(values: Iterable[Value]) -> str:
    """A table with a row for each Value: its index, its name, how it was made and its numbers.

    >>> page = of_values([Value(2.0, "x"), Value(2.0) * 0.5])
    >>> page.count("<tr>"), "x</td>" in page
    (3, True)
    """
    listed = [*values]
    rows = [["", "name", "made by", "data", "grad"]]
    for i, value in enumerate(listed[:MOST]):
        made = made_by(value) if value.parents else place(value).strip()
        rows.append([str(i), called(value), made, number(value.data), number(value.grad)])
    more = f"{len(listed) - MOST:,} more" if len(listed) > MOST else ""
    return table(rows + [["…", more, "", "", ""]] * bool(more), right=3)
