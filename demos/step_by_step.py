"""A neuron's backward pass, one edge at a time: `python -m demos.step_by_step`.

Each edge is printed with the reason for its derivative. On a terminal you then walk yourself.
"""

import sys

from engine import Value
from engine.stepping import Run
from engine.stepping.debugger import debug
from engine.wording.names import called, number

__all__ = ["main"]

REASONS = {
    "add": "A sum hands its gradient on as it is.",
    "sub": "A difference hands it on as it is, to what stands before the minus.",
    "mul": "A product hands it on times the other factor.",
    "pow": "The derivative of a square is twice what was squared.",
    "tanh": "tanh hands on 1 - tanh² of it: little, where it is saturated.",
}


def neuron() -> Value:
    """How wrong a neuron is whose output should be 1, with a penalty on its weight."""
    x, w, b = Value(2.0), Value(-3.0), Value(6.5)
    n = x * w
    s = n + b
    y = s.tanh()
    error = y - 1.0
    fit = error**2
    square = w**2
    decay = 0.1 * square
    loss = fit + decay
    return loss  # noqa: RET504  (the graph takes the names of its nodes from the variables)


def walk(run: Run) -> None:
    """Take every edge, and say why it gives what it gives."""
    for step in run:
        run.step()
        print(f"{step.index + 1:3}  {step}")
        print(f"     {REASONS[str(step.node.op)]}")


def look(run: Run) -> None:
    """The gradient of w comes from two sides; and one step back is exact."""
    (w,) = (node for node in run.nodes if called(node) == "w")
    steps = run.contributions(w)
    terms = " + ".join(f"({number(step.contribution)})" for step in steps)
    print(f"\nw was used twice, so it was given to twice: w.grad = {terms} = {w.grad!r}")
    last = run.until_changed(w, backwards=True)
    if last is not None:
        print(f"One of them taken back ({called(last.node)} gave it): w.grad = {w.grad!r}")
    run.goto(-1)
    print(f"And forwards again to the end:                 w.grad = {w.grad!r}")


def main() -> None:
    """Tell the story; on a terminal, hand over."""
    loss = neuron()
    print("A neuron says y = tanh(x*w + b) and should say 1; a large weight costs, too:")
    print(f"loss = (y - 1)² + 0.1 w² = {number(loss.data)}. Who is to blame? Backwards from it:\n")
    run = loss.trace_backward()
    walk(run)
    look(run)
    if sys.stdin.isatty() and sys.stdout.isatty():
        print("\nNow you: n takes an edge, b goes back, w says where you are, help tells the rest.")
        run.restart()
        debug(run)


if __name__ == "__main__":
    main()
