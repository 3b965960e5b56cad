"""fit: epochs of small batches until the loss stops falling."""

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import cache
from numbers import Integral
from random import Random
from typing import Any, TypeAlias

from engine import Value
from nn.checkpoint.files import FilePath
from nn.checkpoint.state import State, Stateful, load_all
from nn.checkpoint.writer import CheckpointWriter
from nn.checks import generator, pick
from nn.evaluation.measure import Loss, pair_up
from nn.evaluation.metrics import Asked, Metrics
from nn.losses import LOSSES
from nn.models.module import Module
from nn.optim.optimizers import OPTIMIZERS, Optimizer
from nn.optim.schedules import Schedule
from nn.training.class_weights import ClassWeights, weighted
from nn.training.data import Data, Generators
from nn.training.early_stopping import EarlyStopping
from nn.training.history import History, Recording
from nn.training.identity import settings
from nn.training.progress import Progress
from nn.training.task import Callback, Task, Trainer, as_callbacks

__all__ = ["fit"]

Chosen: TypeAlias = str | Optimizer | Callable[[list[Value]], Optimizer]


def fit(
    model: Module,
    xs: Iterable[Any],
    ys: Iterable[Any],
    *,
    loss: str | Loss,
    optimizer: Chosen = "adam",
    epochs: int = 200,
    batch_size: int | None = 32,
    seed: Random | int | None = None,
    validation: tuple[Iterable[Any], Iterable[Any]] | float | None = None,
    patience: int | None = 20,
    min_delta: float = 1e-4,
    schedule: Schedule | None = None,
    clip: float | None = None,
    class_weights: ClassWeights | None = None,
    metrics: Asked | None = None,
    callbacks: Callback | Iterable[Callback] | None = None,
    progress: bool = True,
    record: bool = False,
    backend: str = "auto",
    executor: Executor | None = None,
    checkpoint: FilePath | None = None,
    resume: bool = False,
) -> History:
    """Train a model until its loss stops falling, and keep the best parameters it had.

    Arguments:
        model: what to train; it is called with one sample at a time.
        xs: the samples: lists, an array, a data frame, whatever gives one after the other.
        ys: their targets, as many.
        loss: a name in `LOSSES` ("mse" or "mse_loss"), or a function of the outputs and the targets
            of a batch that gives a Value.
        optimizer: a name in `OPTIMIZERS` (adam, adamw and rmsprop with lr=0.01, sgd with lr=0.1),
            an Optimizer of the model's parameters, or a function that makes one of them
            (`lambda parameters: Adam(parameters, lr=3e-3)`).
        epochs: how often every row is seen, at most.
        batch_size: how many rows each step learns from; None is all.
        seed: of the order of the rows and of what is held out, like `rng` of `Neuron`.
        validation: rows to judge by, as (xs, ys), or the share of the rows to hold out.
        patience: stop after so many epochs in which the loss (of the validation, if there is one)
            did not fall; None never stops early.
        min_delta: by how much it has to fall to count.
        schedule: a function from the epoch, counted from 0, to a factor on the learning rate.
        clip: the largest norm of the gradients, as in `clip_grad_norm`.
        class_weights: for losses of classification, what a row of each class counts: a mapping from
            targets to weights, a list of them in the order of the classes (of two: no, yes), or
            "balanced", which lets every class of `xs` count the same in all. The loss of a batch is
            `sum(weight * loss) / sum(weight)` over its rows, as in PyTorch. The losses of the
            History, that of the validation too, are weighted the same way; metrics are not.
        metrics: what else to measure after each epoch, a name or a function or a list of them:
            "accuracy" (always there for losses of classification), "r2" (see `r2_score`),
            "confusion" (`History.confusion`), functions from the lists of outputs and targets to
            a number. They are columns of `History.log` by name, "val_r2" for the validation.
        callbacks: a function of the History, or several, called after each epoch, when the model
            has that epoch's parameters (to look at, not to change). One that returns True stops
            the training once all were called; what one raises ends `fit`. The checkpoint of the
            epoch is written before, so a training that a callback stopped can be resumed.
        progress: show a bar (a line now and then where standard error is a file).
        record: keep the parameters of every epoch for `History.to_html`, a page of the training.
        backend: "native" trains as machine code (it needs the extra `fast`, rows of numbers, a
            named loss, and a model that computes the same for every row); "eager" trains on Values;
            "auto" is native where that can be. Their results differ in the last digits.
        executor: whose workers share each step and each measuring, if they are large enough to be
            worth it: a `ThreadPoolExecutor`, a `ProcessPoolExecutor`, Dask's
            `client.get_executor()`, anything with the interface of `concurrent.futures`. It is for
            native training. Whoever computes what, and if workers die on the way, the results have
            the bits of a training without one (on machines with the same vector instructions).
        checkpoint: a file for the state of the training, replaced at once before the first epoch
            and after each (it needs the extra `checkpoints`). `nn.load` reads the best model from
            it. Random numbers that the model draws are kept for each random.Random that is an
            attribute of a module.
        resume: go on from that file if it is there, to the same bits as if there had been no
            break; all else has to be as it was, but that epochs may be more.

    Whatever ends the program, the file is whole: Ctrl-C ends `fit` as it always does, and SIGTERM,
    SIGKILL or a power cut lose the epoch that had begun. (`fit` leaves SIGTERM as it finds it.)

    Returns:
        The History of the run. However it ends (Ctrl-C and errors on the way too), the model has
        the parameters of the best epoch that it finished.

    >>> from nn import MLP
    >>> model = MLP(2, [4, 1], activation="tanh", output="sigmoid", rng=1)
    >>> xs, ys = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
    >>> fit(model, xs, ys, loss="binary_cross_entropy", seed=1, progress=False).accuracy[-1]
    1.0

    What was trained for two epochs, and perhaps was killed then, goes on:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     how = {"loss": "mse", "checkpoint": f"{folder}/run", "resume": True, "progress": False}
    ...     stopped = fit(MLP(2, [4, 1], rng=1), xs, ys, epochs=2, **how)
    ...     history = fit(MLP(2, [4, 1], rng=1), xs, ys, epochs=5, **how)
    >>> history.epochs, history.loss[:2] == stopped.loss
    (5, True)
    """
    plain_loss, data = _loss(loss), Data(pair_up("fit", xs, ys), validation)
    task = Task(
        model=model,
        optimizer=_optimizer(optimizer, model),
        loss=plain_loss if class_weights is None else weighted(plain_loss, class_weights, data),
        metrics=Metrics(metrics, plain_loss, model),
        data=data,
        epochs=epochs,
        batch_size=batch_size,
        patience=patience,
        min_delta=min_delta,
        schedule=schedule,
        clip=clip,
        callbacks=as_callbacks(callbacks),
        seed=int(seed) if isinstance(seed, Integral) else None,
        rng=generator(seed),
        record=record,
        backend=backend,
        executor=executor,
    )
    writer = None if checkpoint is None else CheckpointWriter(checkpoint, model, settings(task))
    if resume and not writer:
        raise ValueError("resume=True goes on from a file; say which with checkpoint=path")
    return _train(task, writer, writer.read() if writer and resume else None, progress)


def _train(
    task: Task, writer: CheckpointWriter | None, saved: State | None, progress: bool
) -> History:
    """Do what was asked for, from the state that was read if there is one."""
    model, data, history, stopping = task.model, task.data, History(), None
    rate, was_training = task.optimizer.lr, model.training
    if saved is None:
        data.split(task.rng)
    else:
        data.load_state_dict(saved)
    with Progress(task.epochs, len(data.rows), history, progress) as bar:
        try:
            trainer = _trainer(task, progress)
            trainer.confusion()  # for its errors, before anything changes
            stopping, history.backend = EarlyStopping(trainer), trainer.backend
            if task.record:
                history.recording = Recording(model, task.parameters, list(data.rows))
                history.recording.begin(trainer.measured())
            if writer:
                _begin(writer, saved, trainer, stopping, history)
            bar.batch(len(data.rows) * history.epochs)
            model.train()
            while history.epochs < task.epochs and not stopping.reason:
                trainer.set_rate(history.epochs)
                for batch in bar.over(data.batches(task.batch_size, task.rng)):
                    trainer.learn(batch)
                history.log.append(trainer.measured())
                if history.recording:
                    trainer.sync()
                    history.recording.take()
                stopping.see(history)
                if writer:
                    writer.write(stopping.best())
                bar.epoch()
                stopping.call(history)
            history.stopped = stopping.reason or "epochs"
        except KeyboardInterrupt:
            history.stopped = "interrupt"
        finally:
            history.best_epoch = stopping.restore() if stopping else None
            task.optimizer.lr = rate
            model.train(was_training)
    history.confusion = None if history.best_epoch is None else trainer.confusion()
    return history


def _begin(
    writer: CheckpointWriter,
    saved: State | None,
    trainer: Trainer,
    stopping: EarlyStopping,
    history: History,
) -> None:
    """Bring every part to the state that was read, or write down the one before any epoch."""
    task = trainer.task
    parts: list[Stateful] = [trainer, stopping, history, Generators(task.rng, task.model)]
    if history.recording:
        parts.append(history.recording)
    writer.start([task.data, *parts], trainer.backend, saved)
    if saved is None:
        writer.write(stopping.best())
    else:
        load_all(parts, saved)


def _trainer(task: Task, progress: bool) -> Trainer:
    """Who trains: machine code where it can be had, or what was asked for."""
    if task.backend != "eager":
        from nn.training.native import NativeTrainer, NotCompilable  # which loads the compiler

        try:
            return NativeTrainer(task)
        except NotCompilable as reason:
            if task.backend == "native" or task.executor is not None:
                asked = 'backend="native"' if task.executor is None else "executor="
                raise ValueError(f"{reason}; leave out {asked} to train eagerly") from None
            _say(f"training eagerly: {reason}", progress)
    return Trainer(task)


@cache
def _say(line: str, aloud: bool) -> None:
    """Write a line to standard error, once for each reason."""
    if aloud:
        sys.stderr.write(line + "\n")


def _loss(loss: str | Loss) -> Loss:
    """A loss by its name in `LOSSES`, with or without "_loss", or the function given."""
    if callable(loss):
        return loss
    short = str(loss).removesuffix("_loss")
    return pick(LOSSES, short if short in LOSSES else loss, "loss")


def _optimizer(optimizer: Chosen, model: Any) -> Optimizer:
    """The optimiser that was given, or the one that a name or a function makes; checked."""
    if not isinstance(model, Module):
        raise TypeError(f"fit takes a Module, got {type(model).__name__}; derive its class from it")
    parameters, made = model.parameters(), optimizer
    if not isinstance(made, Optimizer):
        make = made if callable(made) else pick(OPTIMIZERS, made, "optimizer")
        made = make(parameters)
    if not isinstance(made, Optimizer):
        raise TypeError(
            f"the function given as optimizer made {type(made).__name__}, not an Optimizer; give "
            "one like lambda parameters: Adam(parameters, lr=3e-3)"
        )
    if not set(made.params) & set(parameters):
        raise ValueError(
            "the optimizer has none of the model's parameters, so nothing would learn; build it "
            "from this model's parameters()"
        )
    return made
