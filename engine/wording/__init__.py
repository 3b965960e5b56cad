"""How numbers, names and formulas are written: in plain signs, in LaTeX, and on a terminal."""

__all__: list[str] = []
