"""Words for numbers, names and formulas, in plain signs, in LaTeX and on a terminal."""

__all__: list[str] = []
