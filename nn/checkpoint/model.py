"""save and load: a model's numbers in a safetensors file, its architecture in the metadata.

Nothing in such a file is ever run. It holds numbers and names, and a model is built from a list of
sizes, which the shapes of the tensors have to agree with.
"""

import hashlib
import json
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar, overload

from engine import Value
from engine.lazy import optional
from nn.checkpoint.files import CheckpointError, FilePath, read, write
from nn.models.architecture import Architecture, Slot, describe, slots
from nn.models.module import Module, check_module

M = TypeVar("M", bound=Module)
NEED = "checkpoints need safetensors and numpy", "checkpoints"
KEY, TRAINING, VERSION = "gradwalk", "training.", 1
_short = reprlib.Repr()  # what a file holds may be long
_short.maxstring = _short.maxother = 120
shown: Callable[[Any], str] = _short.repr
KINDS = {"F64": "<f8", "F32": "<f4"}  # every FP32 is an FP64
Tensors: TypeAlias = Mapping[str, Any]  # arrays of float64 by name


def numpy() -> Any:
    """The package, or an ImportError with the remedy."""
    return optional("numpy", *NEED)


def save(model: Module, path: FilePath) -> None:
    """Write a model to a safetensors file, exact to the bit.

    The tensors have the names and shapes that `torch.nn.Sequential` gives them (`0.weight` of shape
    (outputs, inputs), `0.bias`, `2.weight`, ...), so that PyTorch's `load_state_dict` takes them.
    In a model of your own a Layer has `path.weight` and `path.bias`, and a list of parameters is a
    tensor under its path. The file is replaced in one go: at any moment the old or the new one is
    there, whole.

    Raises OSError where it cannot be written; the old file stays.

    >>> import tempfile, nn
    >>> model = nn.MLP(2, [4, 1], activation="tanh", rng=7)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(model, f"{folder}/model.safetensors")
    ...     again = nn.load(f"{folder}/model.safetensors")
    >>> again
    MLP(2, [4, 1], activation='tanh', output='linear')
    >>> nn.predict(again, [(1, 2)]) == nn.predict(model, [(1, 2)])
    True
    """
    check_module("save", model)
    write(path, pack(model_tensors(slots(model)), {"model": model_card(model)}))


@overload
def load(path: FilePath) -> Module: ...
@overload
def load(path: FilePath, into: M) -> M: ...
def load(path: FilePath, into: Module | None = None) -> Module:
    """Read a model back from a file of `save`, or of `fit(..., checkpoint=...)`.

    Arguments:
        path: the file.
        into: a model to fill. It is needed for a class of your own, and for a file that another
            library wrote (in FP64 or FP32), which does not say what model it is.

    Returns the model. It is in training mode, as a new one is.
    Raises CheckpointError, and changes nothing, where the file is damaged or foreign or does not
    fit the model; OSError where it cannot be read. Nothing that a file holds is ever run.

    >>> import tempfile
    >>> from engine import Value
    >>> class Line(Module):
    ...     def __init__(self, slope):
    ...         self.slope = Value(slope)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Line(2.5), f"{folder}/line.safetensors")
    ...     load(f"{folder}/line.safetensors", into=Line(0.0)).slope.data
    2.5
    """
    if into is not None:
        check_module("load", into)
    tensors, card = unpack(read(path), path)
    tensors = {name: t for name, t in tensors.items() if not (card and name.startswith(TRAINING))}
    wanted = _architecture(card, path, into)
    if wanted is not None:
        if len(wanted.widths) > len(tensors):
            fault = f"{path} describes {len(wanted.widths)} layers and has {len(tensors)} tensors"
            raise CheckpointError(f"{fault}, expected two for each layer; take another copy")
        check_shapes(tensors, wanted.shapes(), path, "its architecture")
    if into is None:
        assert wanted is not None  # or _architecture had raised
        try:
            into = wanted.build()
        except ValueError as error:  # softmax over one output
            raise CheckpointError(f"{path} holds a model that cannot be: {error}") from None
    target = slots(into, tensors.keys())
    check_shapes(tensors, {name: slot.shape for name, slot in target.items()}, path, repr(into))
    for name, slot in target.items():
        slot.fill(tensors[name].ravel().tolist())
    return into


def model_card(model: Module) -> dict[str, Any]:
    """What a file's metadata say about a model: its architecture, or the name of its class."""
    architecture = describe(model)
    own = f"{type(model).__module__}.{type(model).__qualname__}"
    return {"class": own} if architecture is None else architecture.json()


def model_tensors(held: Mapping[str, Slot], best: Mapping[Value, float] | None = None) -> Tensors:
    """A model's parameters as tensors, with the best numbers or else those that they have."""
    found = {}
    for name, slot in held.items():
        mine = [best[v] for v in slot.values] if best else slot.numbers
        found[name] = numpy().array(mine, "float64").reshape(slot.shape)
    return found


def pack(tensors: Tensors, card: Mapping[str, Any]) -> bytes:
    """The bytes of a file."""
    library = optional("safetensors.numpy", *NEED)
    about = {"version": VERSION, **card}
    about["checksum"] = _checksum(tensors, about)
    return bytes(library.save(tensors, {KEY: json.dumps(about)}))


def unpack(data: bytes, path: FilePath) -> tuple[Tensors, dict[str, Any] | None]:
    """The tensors of a file, and its metadata (None where another library wrote it)."""
    library = optional("safetensors", *NEED)
    try:
        entries = library.deserialize(data)
        header = _json(data[8 : 8 + int.from_bytes(data[:8], "little")])
        text = (header.get("__metadata__") or {}).get(KEY)
        card = None if text is None else _json(text)
        tracked = ".num_batches_tracked"  # a count in files of PyTorch, which nothing needs
        tensors = {name: _tensor(name, x) for name, x in entries if not name.endswith(tracked)}
    except (library.SafetensorError, ValueError, RecursionError, OverflowError) as error:
        got = f"{path} is no whole checkpoint of {len(data):,} bytes: {str(error)[:200]}"
        remedy = "expected a safetensors file of FP64 as save() writes it, so take another copy"
        raise CheckpointError(f"{got}; {remedy}") from None
    if card is not None and (not isinstance(card, dict) or card.get("version") != VERSION):
        version = card.get("version") if isinstance(card, dict) else card
        got = f"{path} has version {shown(version)} of this library's metadata, expected {VERSION}"
        raise CheckpointError(f"{got}; read it with the version of gradwalk that wrote it")
    if card and "checksum" in card and card.pop("checksum") != _checksum(tensors, card):
        raise CheckpointError(f"{path} is damaged, as its checksum says; take another copy")
    return tensors, card


def _checksum(tensors: Tensors, card: Mapping[str, Any]) -> str:
    """A digest of all that a file says. Files of other libraries, and earlier ones, have none."""
    shapes = [(name, tensors[name].shape) for name in sorted(tensors)]
    digest = hashlib.sha256(json.dumps([card, shapes]).encode())
    for name, _ in shapes:
        digest.update(tensors[name].astype("<f8").tobytes())
    return digest.hexdigest()[:32]


def check_shapes(
    found: Tensors, wanted: Mapping[str, tuple[int, ...]], path: FilePath, who: str
) -> None:
    """Raise CheckpointError for the first tensor that is missing, left over or misshapen."""
    for name in [*wanted, *found]:
        got = found[name].shape if name in found else None
        expected = wanted.get(name)
        if got != expected:
            has, expects = ["nothing" if x is None else shown(x) for x in (got, expected)]
            fault = f"{path} has {has} as tensor {shown(name)}, {who} expects {expects}"
            raise CheckpointError(f"{fault}; load it into the model that it was saved from")


def _architecture(
    card: dict[str, Any] | None, path: FilePath, into: Module | None
) -> Architecture | None:
    """The architecture that a file states, if it does; `into` has to have the same one."""
    about = {} if card is None else card.get("model")
    own = not about or (isinstance(about, dict) and about.keys() == {"class"})
    if own and into is None:
        what = f"a {shown(about['class'])}" if about else "no architecture"
        got = f"{path} holds {what}, which cannot be built from a file"
        remedy = "build the model yourself and give it: load(path, into=model)"
        raise CheckpointError(f"{got}; {remedy}")
    if own:
        return None
    try:
        architecture = Architecture.from_json(about)
    except ValueError as error:
        fault = f"{path} describes no model: {error}, got {shown(about)}"
        raise CheckpointError(f"{fault}; take another copy") from None
    if into is not None and describe(into) not in (None, architecture):
        fault = f"{path} holds {shown(architecture)}, and into is {into!r}"
        raise CheckpointError(f"{fault}; build the same")
    return architecture


def _tensor(name: str, entry: Mapping[str, Any]) -> Any:
    kind = entry["dtype"]
    if kind not in KINDS:
        raise ValueError(f"tensor {shown(name)} is {kind}, not F64")
    return numpy().ndarray(entry["shape"], KINDS[kind], entry["data"]).astype("float64")


def _json(text: str | bytes) -> Any:
    """Parse JSON. Raises ValueError where an object has a key twice."""
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {shown(key)} stands twice")
        found[key] = value
    return found
