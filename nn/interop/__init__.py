"""The way to other libraries: PyTorch, ONNX and scikit-learn."""

from engine.aliases import moved as _moved

__all__: list[str] = []

__getattr__ = _moved(__name__)  # what was in a module of this name
