"""Why a gradient is what it is, and what went wrong in a graph."""

__all__: list[str] = []
