"""The doctor: from "it does not learn" to the line, with a remedy that was tried.

`diagnose` looks at a training or at the graph of a loss. Each row of the tables of causes says what
is seen, where, and which change would mend it. `trials` makes the change in a copy and trains that
beside an unchanged copy. `report` is what a user reads.
"""

__all__: list[str] = []
