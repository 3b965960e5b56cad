"""The way to other libraries: PyTorch, ONNX and scikit-learn."""

__all__: list[str] = []
