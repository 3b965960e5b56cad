"""The table's operations on vectors of floats."""

__all__: list[str] = []
