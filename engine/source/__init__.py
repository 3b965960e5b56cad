"""What Python keeps of running code: where in the source it stands, where its results go."""

__all__: list[str] = []
