"""What a model answers, and how good the answers are."""

from engine.aliases import moved as _moved

__all__: list[str] = []

__getattr__ = _moved(__name__)  # what was in a module of this name
