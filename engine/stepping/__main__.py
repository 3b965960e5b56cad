"""The command `python -m engine.stepping [--nth k] script.py [arguments]`.

It runs a script and stops at a call of `backward()`, with a prompt to walk through that call. With
`-m module` in place of the script it runs a module.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.stepping.script import module_file, run_script

PROGRAM = "python -m engine.stepping"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code. A mistake in its use exits with code 2."""
    about = "Run a script, and walk through its backward pass at a prompt."
    end = "Commands may come from a pipe: one on each line, with no questions asked."
    parser = argparse.ArgumentParser(PROGRAM, description=about, epilog=end, allow_abbrev=False)
    nth = "stop at the Kth call of backward() (1)"
    name = "script is a module's name, as for python -m"
    parser.add_argument("--nth", type=int, default=1, metavar="K", help=nth)
    parser.add_argument("-m", dest="module", action="store_true", help=name)
    parser.add_argument("script", help="a Python file that calls backward()")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is given")
    options = parser.parse_args(arguments)
    if options.nth < 1:
        parser.error(f"--nth takes a number from 1 on, got {options.nth}")
    try:
        file = module_file(options.script) if options.module else Path(options.script)
    except (ImportError, ValueError) as error:
        parser.error(str(error))
    if not file.is_file():
        parser.error(f"there is no file {file}")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has the lines of a tree
    module = options.script if options.module else None
    return run_script(file, options.arguments, options.nth, module=module)


if __name__ == "__main__":
    sys.exit(main())
