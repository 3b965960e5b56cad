"""What all player pages share: the frame, the looks, the keys and buttons, and safety.

`shell.page` makes one file of HTML out of shell.html, shell.css, shell.js and a room's own files.
The page asks the network for nothing and runs no script but its own.
"""

__all__: list[str] = []
