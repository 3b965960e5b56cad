"""Measure the load: `python -m tests.load`, or with fewer nodes `python -m tests.load 1000000`."""

import argparse

from tests.load.graphs import report

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("nodes", type=int, nargs="?", default=10_000_000, help="of the large graph")
    report(parser.parse_args().nodes, 1_000_000)
