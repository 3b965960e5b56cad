"""Models and trainings in files."""

__all__: list[str] = []
