"""What every player page shares: its frame, its looks, its keys and buttons, and its safety.

`shell.page` makes one file of HTML out of shell.html, shell.css and shell.js and a room's own part.
The page asks the network for nothing and runs no script but its own.
"""

__all__: list[str] = []
