"""What a model answers, and how good the answers are."""

__all__: list[str] = []
