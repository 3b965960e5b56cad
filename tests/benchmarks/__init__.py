"""Comparisons, never timed tests: `python -m tests.benchmarks --help`.

An absolute time means little on a shared machine, so every figure is a ratio between two things
measured in turn in one run. harness.py measures, systems.py knows the peers, report.py writes the
table, and each other file is one kind of workload.
"""
