"""Leaves that several tests compute with."""

import pytest

from engine import Value


@pytest.fixture
def x() -> Value:
    return Value(2.0, "x")


@pytest.fixture
def y() -> Value:
    return Value(3.0, "y")
