"""The last layout program to be tried: DOT on stdin, a picture on stdout, by pygraphviz.

It runs as a script in a process of its own, so that a time limit can end it and a crash in C does
not end the session. Therefore it imports nothing of this package.
"""

import sys


def main() -> None:
    """Lay out what stdin holds in the format named by the only argument (svg, png, ...)."""
    import pygraphviz  # not every platform has it

    graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))


if __name__ == "__main__":
    main()
