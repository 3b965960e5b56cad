"""The loops in which a program spends its time."""

__all__: list[str] = []
