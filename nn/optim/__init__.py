"""Optimisers, schedules of the learning rate, and what is done to gradients before a step."""

__all__: list[str] = []
