"""Every door through which something from outside comes in, and whatever may be handed in there.

`doors.py` is the table: a row for each door. `tests/data/corpus/DOOR.txt` holds what is handed in
at each run of the tests, a Python literal in each line: whatever once made a door fail. More is
looked for by `python -m tests.adversarial DOOR --minutes 5`.
"""
