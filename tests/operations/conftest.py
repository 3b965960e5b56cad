"""NumPy is here from the start: that the first program imports it is nothing a test leaves."""

import numpy  # noqa: F401
