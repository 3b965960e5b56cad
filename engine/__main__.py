"""The command `python -m engine`; see engine.cli."""

from engine.cli.command import main

if __name__ == "__main__":
    main()
