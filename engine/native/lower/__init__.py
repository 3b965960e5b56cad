"""From a graph to a plan: instructions, blocks of equal ones, and where each number is kept."""

__all__: list[str] = []
