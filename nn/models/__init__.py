"""Modules, neurons, layers and networks of them."""

__all__: list[str] = []
