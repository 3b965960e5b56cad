"""From a plan to LLVM IR: functions, loops, vectors, and how rows come in and out."""

__all__: list[str] = []
