"""Nothing bad comes from a bad file."""

import importlib
import json
import math
import os
import random
import struct
import tracemalloc

import pytest

from nn import MLP, CheckpointError, Module, load, save
from tests.nn.checkpoint.saved import MODELS, Own, numbers


def header(data):
    """The header of a file, and its numbers."""
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def made(head, body=b""):
    """A file with this header, right or wrong."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + body


def of(model, folder):
    """The bytes that save writes."""
    save(model, folder / "made.safetensors")
    return (folder / "made.safetensors").read_bytes()


def foreign(name, dtype="F64", size=8, shape=(4,)):
    entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, math.prod(shape) * size]}
    return made({name: entry}, bytes(math.prod(shape) * size))


def with_card(text, shape=(1, 1)):
    """A file of one weight and one bias with these metadata."""
    n = math.prod(shape)
    head = {
        "__metadata__": {"gradwalk": text if isinstance(text, str) else json.dumps(text)},
        "0.weight": {"dtype": "F64", "shape": shape, "data_offsets": [0, 8 * n]},
        "0.bias": {"dtype": "F64", "shape": [1], "data_offsets": [8 * n, 8 * n + 8]},
    }
    return made(head, bytes(8 * n + 8))


def card(**changed):
    about = {"model": "MLP", "n_in": 1, "widths": [1], "activation": "relu", "output": "linear"}
    return {"version": 1, "model": {**about, **changed}}


def test_the_file_that_the_next_tests_spoil_is_good(tmp_path):
    (tmp_path / "a").write_bytes(with_card(card()))
    assert repr(load(tmp_path / "a")) == "MLP(1, [1], activation='relu', output='linear')"


ROW = {"model": "Sequential", "widths": [1, 1], "activation": ["tanh"]}
OTHERS = [
    (None, "the others of an architecture cannot be made"),
    ([7], "cannot be made"),
    ([[]], "cannot be made"),
    ([[3, "Dropout", 0.5]], "cannot be made: .*not in range"),
    ([[[], "Dropout", 0.5]], "cannot be made"),
    ([[1, "Dropout", 1.5]], r"cannot be made: Dropout takes p in \[0, 1\), got 1.5"),
    ([[1, "Dropout", "x"]], "cannot be made: Dropout takes p"),
    ([[1, "Dropout", 0.5, 1, 1]], "cannot be made: .* takes from 1 to 3 positional arguments"),
    ([[1, "Layer", 1, "relu"]], "cannot be made: 'Layer'"),
    ([[1, ["BatchNorm"]]], "cannot be made: .*unhashable"),
    ([[1, "BatchNorm", 0.1, 1e-5, "os"]], "cannot be made: unknown activation 'os'"),
    ([[1, "BatchNorm", 0.1, 1e-5, "relu"]], "has nothing as tensor '2.weight', its architecture"),
]
ENTRY = b'"0.bias":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}'
BAD = {
    "nothing": (b"", "no whole checkpoint of 0 bytes"),
    "a header of 16 exabytes": (b"\xff" * 8, "no whole checkpoint of 8 bytes"),
    "a header longer than the file": (b"\xff\xff" + bytes(6) + b"{}", "no whole checkpoint"),
    "a pickle": (b"\x80\x04cos\nsystem\n(S'exit 3'\ntR.", "no whole checkpoint of 27 bytes"),
    "a bomb of lists": (made(b"[" * 10**6), "no whole checkpoint"),
    "a bomb in the metadata": (with_card("[" * 10**6), "no whole checkpoint"),
    "a number of many digits": (with_card("9" * 10**5), "no whole checkpoint"),
    "a tensor twice": (made(b"{%s,%s}" % (ENTRY, ENTRY), bytes(8)), "key '0.bias' stands twice"),
    "a key twice": (with_card('{"version": 1, "version": 1}'), "'version' stands twice"),
    "metadata of null": (made({"__metadata__": None}), "holds no architecture"),
    "metadata of a list": (with_card("[]"), r"has version \[\] of this library's metadata, expect"),
    "a later version": (with_card({"version": 2}), "has version 2 of this library's metadata"),
    "no model": (with_card({"version": 1}), "holds no architecture, which cannot be built"),
    "nan for a size": (with_card(card(n_in=math.nan)), "whole numbers >= 1"),
    "yes for a size": (with_card(card(n_in=True)), "whole numbers >= 1"),
    "no widths": (with_card(card(widths=[])), "whole numbers >= 1"),
    "a dict of widths": (with_card(card(widths={"1": 1})), "whole numbers >= 1"),
    "a huge model": (with_card(card(n_in=10**12)), r"\(1, 1\) as tensor '0.weight', its archit"),
    "many layers": (with_card(card(widths=[1] * 10**5)), "100000 layers and has 2 tensors"),
    "another model": (with_card(card(model="os.system")), "one of .'MLP', 'Sequential', 'Layer'"),
    "a list for a model": (with_card(card(model=["MLP"])), "one of .'MLP', 'Sequential', 'Layer'"),
    "a list of activations": (with_card(card(activation=[])), "a Sequential, and no other, has a"),
    "one activation": (with_card(card(model="Sequential")), "a Sequential, and no other, has a li"),
    "too many activations": (with_card(card(model="Sequential", activation=["relu"])), "a Sequen"),
    "no name in a list": (
        with_card(card(model="Sequential", widths=[1, 1], activation=[{}])),
        "the activation of an architecture is one of",
    ),
    "another word": (with_card(card(extra=1)), "an architecture has model, n_in"),
    **{
        f"others {i}": (with_card(card(**ROW, others=others)), message)
        for i, (others, message) in enumerate(OTHERS)
    },
    "others in an MLP": (with_card(card(others=[[1, "Dropout", 0.5]])), "and no other, has others"),
    "another activation": (with_card(card(output="__import__")), "activation of an architecture"),
    "no activation": (with_card(card(output=None)), "the activation of an architecture is one of"),
    "softmax of one": (with_card(card(output="softmax")), "a model that cannot be: softmax over a"),
    "a wide neuron": (with_card(card(model="Neuron", widths=[2])), "one activation|width of a Ne"),
    "another shape": (with_card(card(), (2, 1)), r"has \(2, 1\) as tensor '0.weight'"),
    "integers": (foreign("0.bias", "I64"), "tensor '0.bias' is I64, not F64"),
    "halves": (foreign("0.bias", "F16", 2), "tensor '0.bias' is F16, not F64"),
    "no numbers": (foreign("0.bias", shape=(0, 2**59)), "holds no architecture"),
    "no numbers in too many columns": (foreign("0.bias", shape=(0, 2**60)), "is no whole check"),
    "overflow": (made({"a": {"dtype": "F64", "shape": [2**33] * 2, "data_offsets": [0, 0]}}), "no"),
    "a path": (foreign("../../etc/passwd"), "holds no architecture, which cannot be built"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_an_error_that_says_what_is_wrong(what, tmp_path):
    data, message = BAD[what]
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(CheckpointError, match=message) as caught:
        load(tmp_path / "a")
    assert len(str(caught.value)) < 1000
    model = MLP(1, [2], rng=1)
    before = numbers(model)
    with pytest.raises(CheckpointError):
        load(tmp_path / "a", into=model)
    assert numbers(model) == before


def test_one_flipped_bit_never_loads_as_another_model(tmp_path):
    model, path = MLP(2, [3, 1], activation="tanh", rng=1), tmp_path / "model.safetensors"
    data, told = of(model, tmp_path), 0
    for bit in range(8 * len(data)):
        spoilt = bytearray(data)
        spoilt[bit // 8] ^= 1 << bit % 8
        path.write_bytes(spoilt)
        other = MLP(2, [3, 1], activation="tanh", rng=2)
        before = numbers(other)
        try:
            load(path, into=other)
        except CheckpointError as error:
            told += "is damaged, as its checksum says" in str(error)
            assert numbers(other) == before
        else:  # the name "checksum", or the one under which all of it stands
            assert numbers(other) == numbers(model)
    assert told > 8 * 8 * len(model.parameters())


def test_files_without_a_checksum_load(tmp_path):
    path = tmp_path / "model.safetensors"
    head, body = header(of(MLP(2, [3], rng=1), tmp_path))
    card = json.loads(head["__metadata__"]["gradwalk"])
    del card["checksum"]
    head["__metadata__"]["gradwalk"] = json.dumps(card)
    path.write_bytes(made(head, body))
    assert numbers(load(path)) == numbers(MLP(2, [3], rng=1))
    del head["__metadata__"]
    path.write_bytes(made(head, body))
    assert numbers(load(path, into=MLP(2, [3], rng=2))) == numbers(MLP(2, [3], rng=1))


def test_a_small_file_takes_little_memory(tmp_path):
    for data, _ in BAD.values():
        (tmp_path / "a").write_bytes(data)
        tracemalloc.start()
        with pytest.raises(CheckpointError):
            load(tmp_path / "a")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100_000 + 40 * len(data)


def test_the_wrong_model_is_an_error_and_stays_as_it_was(tmp_path):
    save(MLP(2, [3, 1], "tanh", rng=1), tmp_path / "a")
    for model, message in [
        (MLP(2, [4, 1], "tanh", rng=2), r"and into is MLP\(2, \[4, 1\]"),
        (MLP(2, [3, 1], "relu", rng=2), "activation='tanh'.* and into is MLP"),
        (Own(), r"has nothing as tensor 'first\.weight', Own\(.* expects \(3, 2\); load it into"),
    ]:
        before = numbers(model)
        with pytest.raises(CheckpointError, match=message):
            load(tmp_path / "a", into=model)
        assert numbers(model) == before
    with pytest.raises(TypeError, match="load takes a Module, got dict; derive its class from it"):
        load(tmp_path / "a", into={})
    with pytest.raises(TypeError, match="save takes a Module, got int"):
        save(3, tmp_path / "b")
    with pytest.raises(ValueError, match="Module has none; a checkpoint needs parameters"):
        save(Module(), tmp_path / "b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path):
        with pytest.raises(CheckpointError, match="is not an ordinary file"):
            load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")


def mutant(rng, data):
    """The file with a few things changed, in one of many ways."""
    kind = rng.randrange(7)
    changed = bytearray(data)
    end = 8 + int.from_bytes(data[:8], "little")
    if kind == 0:
        for _ in range(rng.randint(1, 8)):
            changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del changed[rng.randrange(len(data)) :]
    elif kind == 2:
        changed[:8] = rng.choice([rng.getrandbits(64), rng.randrange(2 * end)]).to_bytes(
            8, "little"
        )
    elif kind == 3:  # the header only, as text
        changed[rng.randrange(8, end)] = rng.choice(b'{}[]",:0123456789eE-tfn\\.')
    elif kind == 4:
        start = rng.randrange(len(data))
        del changed[start : start + rng.randint(1, 64)]
    elif kind == 5:
        start = rng.randrange(len(data))
        changed[start:start] = changed[start : start + rng.randint(1, 64)]
    else:  # a header that is JSON, with something else in it
        head, body = header(data)
        spoil(rng, head)
        return made(head, body)
    return bytes(changed)


def spoil(rng, tree):
    """Change one place in nested dicts."""
    key = rng.choice(list(tree))
    if isinstance(tree[key], dict) and rng.random() < 0.8:
        return spoil(rng, tree[key])
    if key == "gradwalk" and rng.random() < 0.8:
        inner = json.loads(tree[key])
        spoil(rng, inner)
        tree[key] = json.dumps(inner)
        return None
    values = [None, True, -1, 0, 2**63, 1e308, math.nan, "", "../../x", [], [0], [[1]], {}, "F32"]
    name = rng.choice([key, key, "0.weight", "../" + key, "training.x"])
    tree[name] = rng.choice([*values, tree.pop(key)])
    return None


@pytest.mark.parametrize(
    "model", [MLP(2, [3, 2], "tanh", "softmax", rng=1), MODELS[-2], Own()], ids=repr
)
def test_thousands_of_spoilt_files(model, tmp_path, monkeypatch):
    """Each loads whole or not at all, and never anything but numbers."""
    monkeypatch.setattr("builtins.eval", None)
    importlib.import_module("safetensors.numpy")  # which needs what is taken away now
    monkeypatch.setattr("builtins.exec", None)
    data, rng, path = of(model, tmp_path), random.Random(4), tmp_path / "spoilt"
    before, refused, longest, unchanged = numbers(model), 0, 0, True
    monkeypatch.setattr("nn.checkpoint.model.read", lambda path: spoilt)
    for _ in range(3000):
        spoilt = mutant(rng, data)
        try:
            found = load(path, into=model if isinstance(model, Own) else None)
        except CheckpointError as error:
            refused += 1
            longest = max(longest, len(str(error)))
            unchanged &= numbers(model) == before
        else:
            held = [struct.pack("<d", p.data) for p in found.parameters()]
            assert 8 * len(held) == len(spoilt) - 8 - int.from_bytes(spoilt[:8], "little")
            for value, number in zip(model.parameters(), before, strict=True):
                value.data = struct.unpack("<d", number)[0]
    assert 2000 < refused < 3000
    assert longest < 1000
    assert unchanged
