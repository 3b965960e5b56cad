"""The command: `python -m demos [story] [--out out] [--seed 7] [--epochs N] [--eager] [--list]`."""

import argparse
import difflib
import importlib
import sys
from pathlib import Path

from demos import STORIES

# The extra that brings a library.
MISSING = dict.fromkeys(("matplotlib", "numpy", "sklearn"), "demos") | {
    "distributed": "distributed"
}


def main(arguments: list[str] | None = None) -> None:
    """Run one story; errors of use end the program with a message and code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m demos", description="Train a small network and look at what it did."
    )
    parser.add_argument("story", nargs="?", default="iris", help="a name from --list (iris)")
    parser.add_argument("--list", action="store_true", help="name the stories and stop")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where pictures go (out)")
    parser.add_argument("--seed", type=int, default=7, help="for weights, split and order (7)")
    parser.add_argument("--epochs", type=int, help="how often to go through the data")
    parser.add_argument(
        "--eager", action="store_true", help="gpt: time a step with Values alone, too"
    )
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(f"{name:15}{what}" for name, what in STORIES.items()))
        return
    if options.story not in STORIES:
        near = difflib.get_close_matches(options.story, STORIES, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        parser.error(f"no story is called {options.story!r}; {hint}there are {', '.join(STORIES)}")
    if options.epochs is not None and options.epochs < 1:
        parser.error(f"--epochs takes a number from 1 on, got {options.epochs}")
    if options.eager and options.story != "gpt":
        parser.error(f"--eager compares two ways to train gpt, got {options.story}; leave it out")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out {options.out} cannot be made a directory: {error.strerror}")
    try:
        from demos._common import Stage  # the extra's libraries, loaded at first use

        story = importlib.import_module(f"demos.{options.story}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in MISSING:
            raise
        sys.exit(f'the demos need {missing}: pip install "gradwalk[{MISSING[missing]}]"')
    stage = Stage(options.story, options.out, options.seed, options.epochs, eager=options.eager)
    try:
        story.run(stage)
    except ImportError as error:  # of native programs, which says what to install
        sys.exit(str(error))
    if stage.pictures:
        print("pictures:", *stage.pictures, sep="\n  ")


if __name__ == "__main__":
    main()
