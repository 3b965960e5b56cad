"""The command `python -m engine "tanh(x*w + b)" x=2 w=-3 b=6.5 --svg y.svg`.

It computes an expression and its gradients, and prints or draws the graph.
"""

import argparse
import io
import keyword
import re
import sys
import textwrap
import unicodedata
from collections.abc import Sequence

from engine.cli.expression import FUNCTIONS, evaluate, said
from engine.core.graph import topological
from engine.core.value import Value
from engine.outfile import write
from engine.wording.terminal import Mistake, columns

PROGRAM = "python -m engine"
FORMATS = ("svg", "png", "dot")
EXAMPLES = """\
examples:
  python -m engine "x**2 + 3*x" x=2
  python -m engine "tanh(dot([w, v], [x, 1]))" x=2 w=-3 v=pi/2 --svg y.svg"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. A mistake in what was typed ends the program with a message and code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has the lines of a tree
    typed = sys.argv[1:] if arguments is None else arguments
    # "-x**2" is an expression and not an option; a blank before it tells argparse so
    words = [f" {word}" if re.match(r"-(?!-|h$)", word) else word for word in typed]
    options = _parser().parse_intermixed_args(words)
    try:
        _run(options)
    except (ValueError, ArithmeticError, OSError, RuntimeError) as error:
        # such as a Mistake, a NumericError, a LayoutError or a path that cannot be written
        print(f"{PROGRAM}: {said(error)[:2000]}", file=sys.stderr)
        sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    listed = textwrap.fill(f"functions: {', '.join(sorted(FUNCTIONS))}; numbers: pi, e", 78)
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage=f"{PROGRAM} EXPRESSION [name=number ...] [options]",
        description="Compute an expression and its gradients, and draw the graph.",
        epilog=f"{EXAMPLES}\n\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("expression", metavar="EXPRESSION", help='such as "tanh(x*w + b)"')
    parser.add_argument("bindings", metavar="name=number", nargs="*", help="such as x=2 b=pi/2")
    for format in FORMATS:
        parser.add_argument(f"--{format}", metavar="PATH", help=f"draw it as {format.upper()}")
    parser.add_argument("--tree", action="store_true", help="print it as a tree (as without PATH)")
    parser.add_argument("--why", metavar="NAME", help="say why the gradient of NAME is what it is")
    parser.add_argument("--expand", action="store_true", help="draw sum, dot, ... step by step")
    parser.add_argument("--direction", choices=["LR", "RL", "TB", "BT"], default="LR")
    return parser


def _run(options: argparse.Namespace) -> None:
    numbers = _bound(options.bindings)
    if options.why and options.why not in numbers:
        names = ", ".join(numbers) or "none"
        raise Mistake(f"--why takes the name of a number, got {options.why}; there are {names}")
    value = evaluate(options.expression, numbers)
    for node in topological(value):
        node._code = None  # a line of the engine made it, which tells the user nothing
    value.backward()
    shown = " ".join(options.expression.split())
    print(shown if len(shown) < 70 else f"{shown[:66]}...", "=", value.data)
    if numbers:
        rows = [("", " value", " gradient")]
        rows += [(name, f"{x.data: }", f"{x.grad: }") for name, x in numbers.items()]
        print("", *columns(rows, right=3), sep="\n")
    written = _draw(value, options)
    if options.tree or not written:
        from engine.drawing.text_tree import tree  # a room above, for those who ask for it

        print(f"\n{tree(value)}")
    if options.why:
        from engine.explain.explanation import explain  # a room above as well

        print(f"\n{explain(value, numbers[options.why])}")
    if written:
        print("\nwritten:", *written)


def _draw(value: Value, options: argparse.Namespace) -> list[str]:
    """Write the pictures that are asked for, and return their paths."""
    paths = {format: getattr(options, format) for format in FORMATS if getattr(options, format)}
    if paths:
        from engine import drawing
    for format, path in paths.items():
        draw = getattr(drawing, f"to_{format}")
        picture = draw(value, expand=options.expand, direction=options.direction)
        write(f"--{format}", format, path, picture, "another option")
    return [*paths.values()]


def _bound(bindings: Sequence[str]) -> dict[str, Value]:
    """The leaves that bindings such as `x=2` and `x=pi/2` make, by name."""
    numbers: dict[str, Value] = {}
    for text in bindings:
        name, _, number = (part.strip() for part in text.partition("="))
        if not name.isidentifier() or keyword.iskeyword(name):
            hint = "; put quotes around an expression of several words" if "=" not in text else ""
            raise Mistake(f"{text.strip()!r} is not a binding such as x=2{hint}")
        name = unicodedata.normalize("NFKC", name)  # as Python reads names
        if name in numbers:
            raise Mistake(f"{name} is given twice; leave one of them out")
        try:
            numbers[name] = Value(evaluate(number).data, name)
        except Mistake:
            hint = f"give one, such as {name}=2 or {name}=pi/2"
            raise Mistake(f"{text.strip()!r} binds {name} to no number; {hint}") from None
    return numbers
