"""Measure the load: `python -m tests.load`, or with fewer nodes `python -m tests.load 1000000`."""

import sys

from tests.load.graphs import report

if __name__ == "__main__":
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000, 1_000_000)
