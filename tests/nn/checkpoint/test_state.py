"""The state of a training is taken back all or nothing, by every part."""

import random

import pytest

from nn import MLP, Adam, CheckpointError, History
from nn.checkpoint.state import State, load_all, row, table
from nn.evaluation.metrics import Metrics
from nn.evaluation.samples import pair_up
from nn.losses import mse_loss
from nn.models.module import Contents
from nn.training.data import Data, Generators
from nn.training.history import EarlyStopping, Recording
from nn.training.task import Task
from nn.training.trainer import Trainer

ROWS = [([i / 7, i / 3 - 1], i % 2) for i in range(9)]


def parts(seed):
    """All parts of a training that has done an epoch, and its rng."""
    model, rng = MLP(2, [3, 1], rng=seed), random.Random(seed)
    data, history = Data(pair_up("test", *zip(*ROWS, strict=True)), 0.3), History()
    data.split(rng)
    optimizer = Adam(model.parameters(), lr=0.1)
    task = Task(
        model, Contents(model), mse_loss, optimizer, data, Metrics("r2", mse_loss, model),
        epochs=3, batch_size=2,
        patience=2, min_delta=0.0, schedule=lambda epoch: 0.5, clip=None, callbacks=[], seed=None,
        rng=rng, record=True, backend="eager", executor=None,
    )  # fmt: skip
    trainer = Trainer(task)
    stopping = EarlyStopping(trainer)
    history.recording = Recording(model, task.parameters, data.rows)
    history.recording.take()
    trainer.set_rate(0)
    for batch in data.batches(2, rng):
        trainer.learn(batch)
    history.log.append(trainer.measured())
    history.recording.take()
    stopping.see(history)
    return [trainer, stopping, history, history.recording, Generators(rng, model), data], rng


def state_of(found):
    state = {}
    for part in found:
        state |= part.state_dict()
    return State(state, "the file")


def plain(found):
    """The state of parts in what `==` compares."""
    state = state_of(found)
    return {name: x.tolist() if hasattr(x, "tolist") else x for name, x in state.items()}


def test_every_part_gives_its_state_and_takes_that_of_another():
    first, second = parts(1)[0], parts(2)[0]
    assert plain(first) != plain(second)
    load_all(second, state_of(first))
    assert plain(first) == plain(second)
    assert first[0].measured() == second[0].measured()


def test_no_name_is_that_of_two_parts():
    names = [name for part in parts(1)[0] for name in part.state_dict()]
    assert len(names) == len(set(names))


NAMES = sorted(state_of(parts(1)[0]))
BAD = [None, True, -1, "x", [], [1.0], {"lr": "x"}, row([0.5, -1.0]), table([[1.0]]), row([])]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_what_one_part_refuses_changes_none(name, bad):
    found, rng = parts(2)
    before, drawn = plain(found), rng.getstate()
    state = State({**state_of(parts(1)[0]), name: bad}, "the file")
    with pytest.raises(CheckpointError, match=r"^the file (has|is of)"):
        load_all(found, state)
    assert plain(found) == before
    assert rng.getstate() == drawn


def test_a_table_that_lacks_a_row_or_a_column_is_refused():
    state = state_of(parts(1)[0])
    tables = [name for name, held in state.items() if getattr(held, "ndim", 0) == 2]
    assert len(tables) >= 2
    for name in tables:
        for cut in (state[name][:-1], state[name].ravel(), state[name][:, :-1]):
            found = parts(2)[0]
            before = plain(found)
            with pytest.raises(CheckpointError, match=rf"^the file has {name} that"):
                load_all(found, State(state | {name: cut}, "the file"))
            assert plain(found) == before


class Failing:
    """A part that takes its state over by half."""

    number = 0

    def state_dict(self):
        return {"number": self.number}

    def load_state_dict(self, state):
        self.number = state["number"]
        if self.number == 7:
            raise KeyboardInterrupt


@pytest.mark.parametrize("at", range(7))
def test_whatever_stops_a_part_puts_all_back(at):
    found, _ = parts(2)
    found.insert(at, Failing())
    before = plain(found)
    with pytest.raises(KeyboardInterrupt):
        load_all(found, State({**state_of(parts(1)[0]), "number": 7}))
    assert plain(found) == before


@pytest.mark.parametrize(
    ("keeper", "right"),
    [
        ([0.5, 0.5, 0, None], True),
        ([0.5, 0.5, 0, 0], True),
        ([0.5, 0.5, 7, 2], True),
        ([0.5, 0.5, 0, 3], False),  # three epochs were finished
        ([0.5, 0.5, 0, -1], False),
        ([0.5, 0.5, 0, 1.0], False),
        ([0.5, 0.5, -1, 0], False),
        ([0.5, 1, 0, 0], False),
    ],
)
def test_what_is_known_of_the_best_epoch_may_be(keeper, right):
    stopping = next(part for part in parts(1)[0] if isinstance(part, EarlyStopping))
    held = {"keeper": keeper, "kept": row(stopping.kept[0]), "factors": row([1.0] * 3)}
    if right:
        stopping.load_state_dict(State(held))
        lowest, mark, waited, epoch = keeper
        assert (stopping.lowest, stopping.mark, stopping.waited) == (lowest, mark, waited)
        assert stopping.kept[1] == epoch
    else:
        before = vars(stopping).copy()
        with pytest.raises(CheckpointError, match="has keeper that this training"):
            stopping.load_state_dict(State(held))
        assert vars(stopping) == before


FLAT, SQUARE = row([2.0, 0.0, 1.0]), table([[1.0, 2.0], [3.0, 4.0]])
READ = [
    (State.floats, FLAT, (), [2.0, 0.0, 1.0]),
    (State.floats, FLAT, (3,), [2.0, 0.0, 1.0]),
    (State.floats, FLAT, (2,), None),
    (State.floats, SQUARE, (), None),
    (State.floats, SQUARE, (2,), None),
    (State.floats, [2.0], (), None),
    (State.counts, FLAT, (), [2, 0, 1]),
    (State.counts, row([1.5]), (), None),
    (State.counts, row([-1.0]), (), None),
    (State.order, FLAT, (3,), [2, 0, 1]),
    (State.order, row([0.0, 0.0, 1.0]), (3,), None),
    (State.order, row([0.0, 2.0]), (2,), None),
    (State.rows, SQUARE, (2,), [[1.0, 2.0], [3.0, 4.0]]),
    (State.rows, SQUARE, (2, 2), [[1.0, 2.0], [3.0, 4.0]]),
    (State.rows, SQUARE, (2, 3), None),
    (State.rows, SQUARE, (3,), None),
    (State.rows, FLAT, (3,), None),
    (State.rows, table([]), (0, 2), []),
    (State.rows, table([[], []]), (2,), None),
]  # fmt: skip


@pytest.mark.parametrize(("read", "held", "about", "expected"), READ)
def test_an_entry_is_what_it_is_read_as_or_an_error(read, held, about, expected):
    state = State({"x": held}, "file.safetensors")
    if expected is None:
        with pytest.raises(CheckpointError, match=r"^file.safetensors has x that this training"):
            read(state, "x", *about)
        return
    found = read(state, "x", *about)
    assert [*map(list, found)] == expected if read is State.rows else found == expected
