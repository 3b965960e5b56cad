"""`python -m tests.project.signatures` writes what every public function takes, and its defaults.

A program that somebody wrote years ago calls them like this. So a change that moves a line of
tests/data/signatures.txt says in CHANGELOG.md what such a program has to change.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from tests.project.sources import MODULES, ROOT

FILE = ROOT / "tests" / "data" / "signatures.txt"
# The engine, nn, and their rooms, of which those that users import from say what is public.
ROOMS = sorted(
    {name.rpartition(".")[0] or name for name in MODULES}, key=lambda x: (x.count("."), x)
)
CALLED = {"__init__", "__call__", "__new__"}  # of what has underscores, users call these


def signatures() -> Iterator[str]:
    """A line for each function, and for each method of a class, where it is public first."""
    seen = set[int]()
    for package in ROOMS:
        module = importlib.import_module(package)
        for name in sorted({*getattr(module, "__all__", ())}):
            thing = getattr(module, name)
            if id(thing) in seen or not _ours(thing):
                continue
            seen.add(id(thing))
            if inspect.isclass(thing):
                for key, member in sorted(_members(thing).items()):
                    yield f"{package}.{name}.{key}{_taken(member)}"
            elif callable(thing):
                yield f"{package}.{name}{_taken(thing)}"


def _ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).startswith(("engine", "nn"))


def _members(kind: type) -> dict[str, Callable[..., Any]]:
    """Methods of a class, and of those of this project that it inherits from."""
    found = dict[str, Callable[..., Any]]()
    for each in reversed(kind.__mro__):
        if _ours(each):
            for key, member in vars(each).items():
                plain = inspect.unwrap(getattr(member, "__func__", member))
                if (
                    inspect.isfunction(plain)
                    and _ours(plain)
                    and (key in CALLED or not key.startswith("_"))
                ):
                    found[key] = plain
    return found


def _taken(function: Callable[..., Any]) -> str:
    """What it takes, without types."""
    signature = inspect.signature(function)
    bare = [_bare(given) for given in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


def _bare(given: inspect.Parameter) -> inspect.Parameter:
    """An argument without its type; a default that is a function or a class by its name."""
    default = given.default
    if callable(default) and default is not given.empty:
        default = _Name(getattr(default, "__qualname__", default))
    return given.replace(annotation=given.empty, default=default)


class _Name(str):
    """A text that is shown without quotes."""

    __repr__ = str.__str__


if __name__ == "__main__":
    FILE.write_text("".join(f"{line}\n" for line in signatures()), encoding="utf-8")
