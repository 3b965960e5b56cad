"""fit: epochs of small batches until the loss stops falling."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextvars import copy_context
from functools import cache
from numbers import Integral
from random import Random
from typing import Any, TypeAlias
from weakref import ref

from engine import NumericError, Value
from engine.choices import pick, spelled
from nn.checkpoint.files import FilePath
from nn.checkpoint.state import CheckpointWriter, State, Stateful, load_all
from nn.checks import PLACES, at_least_zero, generator, in_users_terms, listed
from nn.evaluation.metrics import Asked, Metrics
from nn.evaluation.samples import pair_up
from nn.losses import LOSSES, OTHER_NAMES, Loss, LossName, built_in, check_settings, classes_of
from nn.models.module import Contents, Module, check_module, hidden, keeping_modes
from nn.optim.optimizers import OPTIMIZERS, Optimizer, OptimizerName
from nn.optim.schedules import Schedule
from nn.training.data import ClassWeights, Data, Generators
from nn.training.history import LAST, EarlyStopping, History, Recording, Start
from nn.training.progress import Progress, say
from nn.training.task import Backend, Callback, MonitorMode, NotCompilable, Task, as_callbacks
from nn.training.trainer import Trainer

Chosen: TypeAlias = OptimizerName | Optimizer | Callable[[list[Value]], Optimizer]


@spelled
def fit(
    model: Module,
    xs: Iterable[Any],
    ys: Iterable[Any],
    *,
    loss: LossName | Loss,
    optimizer: Chosen = "adam",
    lr: float | None = None,
    epochs: int = 200,
    batch_size: int | None = 32,
    seed: Random | int | None = None,
    validation: tuple[Iterable[Any], Iterable[Any]] | float | None = None,
    patience: int | None = 20,
    min_delta: float = 1e-4,
    monitor: str | None = None,
    mode: MonitorMode | None = None,
    schedule: Schedule | None = None,
    clip: float | None = None,
    class_weights: ClassWeights | None = None,
    sample_weight: Iterable[float] | None = None,
    metrics: Asked | None = None,
    callbacks: Callback | Iterable[Callback] | None = None,
    progress: bool = True,
    record: bool = False,
    backend: Backend = "auto",
    executor: Executor | None = None,
    checkpoint: FilePath | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
) -> History:
    """Train a model until its loss stops falling, and keep the best parameters it had.

    Arguments:
        model: what to train. It is called with one sample at a time, unless it has a
            `forward_batch`, as one with a BatchNorm does.
        xs: the samples: a list, an array, a data frame, a tensor of PyTorch, a sparse matrix, or
            any other iterable of rows. They may have different lengths, for a model that loops over
            a row; natively there is a program for each length, which takes time to compile.
        ys: their targets, one for each sample; for a loss by name also in one column. Of a model
            that gives a list with an output for each place of a sample, such as the logits of the
            next token, a target is a list with one for each place. All places count alike then,
            whatever the lengths: the loss is the mean over the places of all rows of a batch, as
            PyTorch has it of padded rows with `ignore_index`, and accuracy is that of places (of
            single outputs only where lengths differ, see `accuracy`).
        loss: a name in `LOSSES`, like "mse" or "mse_loss"; or such a loss with settings, like
            `functools.partial(nn.cross_entropy, label_smoothing=0.1)`; or a function that takes the
            lists of outputs and targets of a batch and returns a Value; or one of what the model
            gives for a row and its target, like `lambda output, target: abs(output - target)`,
            whose mean it is then. A function whose value for a batch is the mean of its values for
            the rows, each given as lists of one, trains natively: it is tried on some rows,
            recorded, and not called for batches; so does a mean over places. Any other, as a sum, a
            ranking of rows or one that decides with `if` on a target, trains eagerly.
        optimizer: a name in `OPTIMIZERS` (adam, adamw and rmsprop have lr=0.01, sgd has lr=0.1); or
            an Optimizer of the model's parameters; or a function that makes one, like
            `lambda parameters: Adam(parameters, weight_decay=1e-3)`. What `requires_grad_(False)`
            has frozen stays as it is.
        lr: the learning rate, in place of the optimiser's own.
        epochs: how many times to go through all rows, at most.
        batch_size: how many rows each step learns from. None is all of them.
        seed: decides the order of the rows, which of them are held out, and which units Dropout
            leaves out for which row. An int gives the same numbers every time; None uses Python's
            `random`, a random.Random is used as it is.
        validation: rows that are measured but not learned from: a pair (xs, ys), or the share of
            the rows to hold out, like 0.2 (of each class, for losses of classification).
        patience: stop after this many epochs in a row in which the monitored number did not
            improve. None never stops early.
        min_delta: by how much that number has to change to count as improved. Where the targets of
            a regression have a variance below 1, a loss has to fall by this share of it.
        monitor: the number in `History.log` that decides which epoch is the best and when to stop,
            like "val_accuracy" or "r2". None is the loss: with validation that of its rows.
            "objective" is the loss of the rows to learn from with what weight decay adds to it,
            `weight_decay / 2` times the sum of the squared parameters.
        mode: "min" where lower is better, "max" where higher is. It is known for losses, accuracy
            and r2, and has to be said for a metric of your own.
        schedule: a function from the epoch, counted from 0, to a factor on the learning rate; or a
            `ReduceLROnPlateau`.
        clip: the largest norm that the gradients may have, as in `clip_grad_norm`.
        class_weights: how much a row of each class counts, for losses of classification. A mapping
            from class to weight; a list of weights in the order of the classes (of two: no, then
            yes); or "balanced", which gives every class of `xs` the same total. The loss of a batch
            is `sum(weight * loss) / sum(weight)` over its rows, as in PyTorch (which weighs the
            shares of smoothed labels one by one). All losses in the History are weighted like that,
            metrics are not.
        sample_weight: how much each row counts in a loss by name: a number >= 0 for each of `xs`.
            It is multiplied by the weight of the row's class. Rows of a validation pair have 1.
            Each place of a sequence has that of its row.
        metrics: what else to measure after each epoch: "accuracy" (always measured where the loss
            is one of classification), "r2" (see `r2_score`), "confusion" (in `History.confusion`),
            a function from the lists of outputs and targets to a number, or a list of these. They
            stand in `History.log` under their names, those of the validation as "val_r2".
        callbacks: a function that takes the History, or several. They are called after each epoch,
            while the model has that epoch's parameters. Training goes on with what they change: the
            model's parameters, what the optimiser remembers, and `optimizer.lr`, which holds from
            then on (a schedule goes on multiplying what they made of it). If one returns True,
            training stops once all were called; if one raises, `fit` raises. The checkpoint of the
            epoch is written before, so the training can be resumed, and again if they changed it.
        progress: show a bar, or a line now and then elsewhere.
        record: keep the parameters of every epoch, which `History.to_html` shows as a page.
        backend: "native" trains as machine code. It needs the extra `fast`, rows of numbers, a loss
            that is a mean over rows, and a model that computes the same formula for every row. A
            model or loss that callbacks change otherwise than by its parameters, or rows that they
            change, need "eager", which trains on Values. "auto" is native where it can be. The two
            differ in the last digits.
        executor: shares steps and measurements that are large enough among workers. Without one,
            native trainings use a thread for each CPU, or OMP_NUM_THREADS of them. Give a
            `ThreadPoolExecutor`, a `ProcessPoolExecutor`, Dask's `client.get_executor()` or any
            other executor in the style of `concurrent.futures`; training is native then. Results
            are the same to the bit with and without workers, on machines with the same vector
            instructions. If workers die, the executor is shut down or does not answer for five
            minutes, this process goes on alone, with a warning.
        checkpoint: a file that holds the state of the training. It is replaced, in one go, before
            the first epoch and after each. `nn.load` reads the best model from it. It needs the
            extra `checkpoints`. Without `resume`, a file that was there is kept as path.old.
        checkpoint_every: write it after each so many epochs only, and after the last one.
        resume: go on from that file if it exists, with the same results to the bit as a training
            without a break. All other arguments have to be as before, except that `epochs` may be
            larger. A model that draws random numbers has to draw them from a random.Random that is
            an attribute of a module.

    Ctrl-C ends the training, and `fit` returns. SIGTERM, SIGKILL or a power cut lose the epochs
    since the last checkpoint, which is whole whatever happens.

    Returns:
        The History of the training. However it ended, by an error too, the model has the parameters
        of its best finished epoch.

    Raises:
        ValueError, TypeError: an argument is wrong; the message says which and what to give.
        CheckpointError: the file is damaged, or of another model or training. Nothing was changed.
        NumericError: in strict mode, a number has become infinite or nan.

    >>> from nn import MLP
    >>> model = MLP(2, [4, 1], activation="tanh", output="sigmoid", rng=1)
    >>> xs, ys = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
    >>> fit(model, xs, ys, loss="binary_cross_entropy", seed=1, progress=False).accuracy[-1]
    1.0

    A training of two epochs, which may have been killed after them, goes on:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     how = {"loss": "mse", "checkpoint": f"{folder}/run", "resume": True, "progress": False}
    ...     stopped = fit(MLP(2, [4, 1], rng=1), xs, ys, epochs=2, **how)
    ...     history = fit(MLP(2, [4, 1], rng=1), xs, ys, epochs=5, **how)
    >>> history.epochs, history.loss[:2] == stopped.loss
    (5, True)
    """
    with in_users_terms:
        loss = _loss(loss)
        reader = model if built_in(loss) else None  # other losses may read any targets
        data = Data(pair_up("fit", xs, ys, reader), validation, reader)
        data.weigh(loss, class_weights, sample_weight)
        check_module("fit", model)
        held = Contents(model)
        task = Task(
            model=model,
            held=held,
            optimizer=_optimizer(optimizer, lr, model, held),
            loss=loss,
            metrics=Metrics(metrics, loss, model),
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
            monitor=monitor,
            mode=mode,
            checkpoint_every=checkpoint_every,
        )
        writer = saved = None
        if checkpoint is not None:
            writer = CheckpointWriter(checkpoint, model, task.settings())
            saved = writer.read() if resume else None
        elif resume or checkpoint_every != 1:
            asked = "checkpoint_every is how often to write"
            asked = "resume=True goes on from" if resume else asked
            raise ValueError(f"{asked} a file; say which with checkpoint=path")
        # in a context of its own: no setting stays, wherever Ctrl-C comes
        return copy_context().run(_train, task, writer, saved, progress)


def _train(
    task: Task, writer: CheckpointWriter | None, saved: State | None, progress: bool
) -> History:
    """Do the task, from the state of a file if one was read."""
    model, data, stopping, modules = task.model, task.data, None, task.held.modules
    history = _opened(task, saved)
    with keeping_modes(modules), Progress(task.epochs, len(data.rows), history, progress) as bar:
        try:
            trainer = _trainer(task, progress)
            trainer.confusion()  # for its errors, before anything changes
            stopping, history.backend = EarlyStopping(trainer), trainer.backend
            if task.record:
                start = trainer.measured()
                history.recording = Recording(model, task.parameters, [*data.rows], start=start)
                history.recording.take()
            if writer:
                _begin(writer, saved, stopping, history)
            bar.batch(len(data.rows) * history.epochs)
            _epochs(stopping, history, bar, writer)
            history.stopped = stopping.reason or "epochs"
        except KeyboardInterrupt:
            history.stopped = "interrupt"
        except NumericError as error:
            vars(error)["history"] = history  # see nn.diagnose
            raise
        finally:
            if stopping:
                history.best_epoch = stopping.restore()
                task.optimizer.lr = trainer.rate
    history.confusion = None if history.best_epoch is None else trainer.confusion()
    _tell(history.loss, progress)
    return history


def _epochs(
    stopping: EarlyStopping, history: History, bar: Progress, writer: CheckpointWriter | None
) -> None:
    """Train until it is time to stop."""
    trainer, task = stopping.trainer, stopping.trainer.task
    if not all(part.training for part in task.held.modules):  # else it is a long walk
        task.model.train()
    while history.epochs < task.epochs and not stopping.reason:
        trainer.set_rate(history.epochs, stopping.waited)
        with trainer.arithmetic():
            for batch in bar.over(task.data.batches(task.batch_size, task.rng)):
                trainer.learn(batch)
        history.log.append(trainer.measured())
        if history.recording:
            trainer.sync()
            history.recording.take()
        stopping.see(history)
        _write(writer, stopping, history)
        bar.epoch()
        if task.callbacks:
            stopping.call(history)
            task.model.train()  # which callbacks may have put in evaluation mode
            _write(writer, stopping, history)


def _opened(task: Task, saved: State | None) -> History:
    """Hold rows out, and note what the training begins with."""
    if saved is None:
        task.data.split(task.rng, stratified=classes_of(task.loss) is not None)
    else:
        task.data.load_state_dict(saved)
    history = History(monitor=task.monitor, start=Start(task))
    LAST.append(ref(history))
    return history


def _tell(losses: list[float], progress: bool) -> None:
    """Say so if it did not learn."""
    if len(losses) > 1 and not losses[-1] < losses[0]:
        went = f"the loss went from {losses[0]:.3g} to {losses[-1]:.3g}"
        _say(f"did not learn: {went} (history.diagnose() looks for the cause)", progress)


def _begin(
    writer: CheckpointWriter, saved: State | None, stopping: EarlyStopping, history: History
) -> None:
    """Bring every part to the state that was read; if none was, write the state of the start."""
    trainer, task = stopping.trainer, stopping.trainer.task
    parts: list[Stateful] = [trainer, stopping, history, Generators(task.rng, task.model)]
    if history.recording:
        parts.append(history.recording)
    writer.start([task.data, *parts], trainer.backend, saved)
    if saved is None:
        writer.write(stopping.best())
    else:
        load_all(parts, saved)


def _write(writer: CheckpointWriter | None, stopping: EarlyStopping, history: History) -> None:
    """Write the checkpoint after an epoch, if it is one after which it is due."""
    done, task = history.epochs, stopping.trainer.task
    if writer and (done % task.checkpoint_every == 0 or done == task.epochs or stopping.reason):
        writer.write(stopping.best())


def _trainer(task: Task, progress: bool) -> Trainer:
    """A NativeTrainer where the task allows it, else a Trainer if that is not refused."""
    if task.backend != "eager":
        from nn.training.native import NativeTrainer  # which loads the compiler

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
    """Write a line, once for each reason."""
    if aloud:
        say(line)


def _loss(loss: LossName | Loss) -> Loss:
    """A loss by its name in `LOSSES`, with or without "_loss", or the function given."""
    if callable(loss):
        check_settings(loss)
        return loss
    short = str(loss).removesuffix("_loss")
    short = OTHER_NAMES.get(short, short)
    return pick(LOSSES, short if short in LOSSES else loss, "loss")


def _optimizer(optimizer: Chosen, lr: float | None, model: Module, held: Contents) -> Optimizer:
    """The optimiser that was given, or the one that a name or a function makes; checked."""
    parameters, made = held.trainable, optimizer
    if not held.parameters and (lost := {*hidden(model).values()}):
        fault = f"fit found no parameters, but Values in {listed(sorted(lost))}"
        raise ValueError(f"{fault}; keep them in {PLACES}")
    if callable(made):
        made = made([*parameters])
    elif not isinstance(made, Optimizer):
        made = pick(OPTIMIZERS, made, "optimizer")(parameters)
    if not isinstance(made, Optimizer):
        got = f"the function given as optimizer made {type(made).__name__}, not an Optimizer"
        raise TypeError(f"{got}; give one like lambda parameters: Adam(parameters, lr=3e-3)")
    others = set() if made.params == parameters else set(made.params).difference(parameters)
    if len(others) == len(made.params):
        got = "the optimizer has none of the model's parameters, so nothing would learn"
        raise ValueError(f"{got}; build it from this model's parameters()")
    if others and (frozen := others & set(model.parameters())):
        got = f"the optimizer has parameters that are frozen, {len(frozen)} of them"
        raise ValueError(f"{got}; build it from model.trainable_parameters()")
    if lr is not None:
        at_least_zero("fit", lr=lr)
        made.lr = lr
    return made
