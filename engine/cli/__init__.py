"""The command `python -m engine`."""

__all__: list[str] = []
