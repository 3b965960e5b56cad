"""What Python knows of running code: where it stands in the source, and where its results go."""

__all__: list[str] = []
