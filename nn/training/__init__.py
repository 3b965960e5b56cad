"""fit, and all that it is made of."""

__all__: list[str] = []
