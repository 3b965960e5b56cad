"""What to say where the `engine` that Python finds is not gradwalk's."""

from importlib.metadata import distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path

__all__ = ["stranger"]

OURS = Path(__file__).parents[1] / "engine"


def stranger(error: ImportError) -> ImportError:
    """An error that names what is in the way of our `engine`; the same one where nothing is."""
    spec = find_spec("engine")
    file = Path(spec.origin) if spec and spec.origin else OURS
    place = file.parent if file.stem == "__init__" else file
    owners = {*packages_distributions().get("engine", [])} - {"gradwalk"}
    owners = {n for n in owners if file.is_relative_to(str(distribution(n).locate_file("")))}
    if owners:  # pip lets a later one write over files of an earlier one
        (name, *_) = sorted(owners)
        remedy = f" of {name}: pip uninstall {name}, then install gradwalk again"
    elif place != OURS:
        remedy = "; rename it, so that gradwalk's is found"
    else:
        return error
    return ImportError(f"nn needs the `engine` of gradwalk, but finds {place}{remedy}")
