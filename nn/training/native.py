"""NativeTrainer: training as machine code.

The graph of one row, its loss and its gradients, is recorded once and compiled to a program that
runs over whole batches. The optimiser's formulas run on arrays as they do on numbers. The model's
Values get their numbers when the training is over, or when somebody wants to look at them.
"""

import math
import operator
from collections import Counter
from collections.abc import Callable, Sequence, Set
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property, partial, reduce
from typing import Any

from engine import ControlFlowError, NumericError, Program, Value, inputs, no_grad, numeric_mode
from engine.core.graph import topological
from engine.core.hooks import has_hooks
from engine.core.modes import recording
from engine.core.value import set_data
from engine.lazy import missing
from engine.native.decisions import recording_program
from engine.native.needs import available, numpy
from engine.settings import Scope
from nn.checks import finite
from nn.evaluation.isolation import isolated
from nn.evaluation.metrics import right
from nn.evaluation.programs import COMPARED, Form, Known, Recorded, kept, known_architecture, spread
from nn.evaluation.samples import Rows
from nn.losses import OURS, built_in
from nn.models.batch import BATCH, RecordedBatch
from nn.models.module import MODE_READS, Module
from nn.optim.optimizers import Optimizer
from nn.training.own_loss import OwnLoss, few, various
from nn.training.shards import Programs, Shape, Table, Work, table_of
from nn.training.stages import Stages
from nn.training.task import NotCompilable, Task
from nn.training.trainer import Trainer
from nn.training.update import FORMULAS, SETTINGS, Update
from nn.training.workers import WorkerPool

WORTH = 2_000_000  # parameters that were updated, after which code saves what compiling takes
EACH = 1_000  # and what a step counts for beside its parameters
UPDATED = Counter[str]()  # so many in this process, by optimisers of the same settings
EACH_LENGTH = 2  # samples: programs take as long to compile as 50 samples on Values, or 25 epochs


class NativeTrainer(Trainer):
    """Trains on arrays, with compiled programs of the step and of the outputs.

    Raises NotCompilable where the training is no program that is the same for every row.
    """

    backend = "native"
    _grads: Any = None
    _ahead: Any = None, None  # parameters, and the totals of a step from there
    _compared = COMPARED // 2  # rows in each mode

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        if not available():
            raise NotCompilable(missing("machine code needs llvmlite and numpy", "fast"))
        # we say it with the parameter
        self.arithmetic: Callable[[], Any] = partial(numpy().errstate, all="ignore")
        optimizer, model = task.optimizer, task.model
        self._rows, self._loss, self._own = [*filter(None, task.data.tables)], task.loss, None
        if built_in(task.loss) not in OURS:  # it may read what changes
            self._loss = self._own = OwnLoss(task.loss, model)
        if type(optimizer).step is not Optimizer.step:
            kind = type(optimizer).__name__
            raise NotCompilable(f"{kind} has a step of its own; give it an update instead")
        tables, self._kinds = self._tables(), set[Any]()
        # what an MLP computes is known: it draws nothing and remembers nothing
        known = None if self._own else known_architecture(model, self._outline)
        isolation: AbstractContextManager[Callable[[], bool]]
        isolation = nullcontext(lambda: False) if known else isolated(model, task.loss)
        with isolation as drew:
            if self._own:
                self._own.check_model(task.data.rows)
                self._rows = [*map(self._own.weighed, self._rows)]
                tables = self._tables()
            elif not known:
                for rows, table in zip(self._rows, tables, strict=True):
                    groups = table.groups(range(len(rows)))
                    self.check_targets([rows.take(places) for _, _, places in groups])
            steps = {shape: self._step(shape, known) for shape in sorted(self._shapes)}
            self.reach.tell()
            if len(self._kinds) > 1:
                raise NotCompilable("the model uses BatchNorm more often for other lengths")
            if drew():
                got = "the model draws random numbers of its own"
                raise NotCompilable(f"{got}; nn.Dropout trains natively")
        for rows in task.data.tables:
            rows.check(False, "sample", *["target"] * (self._own is None))
        self._computer = WorkerPool(Work(steps, tables), task.executor)
        self.read()
        if not known:
            with isolated(model, task.loss):
                self._compare()
                self._try_loss(various)
        self._prepare({step.form for step in steps.values()})

    def _prepare(self, forms: Set[Form]) -> None:
        """Look up what measurements need of each table."""
        task, tables = self.task, self._computer.work.tables
        self._whole = [t.column(-1).sum() if self._weighted else len(t) for t in tables]
        self._wanted: list[Any] = []  # what accuracy needs of each table
        if "accuracy" in task.metrics.functions and len(form := max(forms)) < 2 > len(forms):
            for rows, table in zip(self._rows, tables, strict=True):
                places, line = task.metrics.counted(math.prod(form), rows)
                self._wanted.append((table.column(1).T, line, places))

    def _tables(self) -> list[Table]:
        """The rows to learn from, and those to validate on, as programs read them."""
        tables, self._weighted = [*map(table_of, self._rows)], self._rows[0].weights is not None
        self._shapes = Counter[Shape]()  # those of samples and targets, and how many have each
        for table in tables:
            for shape, _, places in table.groups(range(len(table))):
                self._shapes[shape] += len(places)
        many, asked = len(self._shapes), self.task.backend == "native" or self.task.executor
        self.located: bool = many == 1
        if 1 < many > self._shapes.total() / EACH_LENGTH and not asked:
            fault = f"{self._shapes.total()} samples have {many} lengths, and programs for each"
            remedy = 'backend="native" has them for many epochs'
            raise NotCompilable(f"{fault} take long to compile; {remedy}")
        return tables

    @cached_property
    def _learned(self) -> Any:
        """The places in theta of the parameters that learn."""
        learned = self.task.optimizer.params
        if self.task.parameters == learned:
            return slice(None)
        return numpy().array([self._stages.position[p] for p in learned])

    def read(self) -> None:
        """Copy what the Values and the optimiser hold into arrays."""
        array, optimizer = numpy().array, self.task.optimizer
        self._theta: Any = numpy().fromiter([p._data for p in self.task.parameters], "float64")
        self._memory: Any = optimizer.memory
        if optimizer.vectorized:  # in columns
            memory = optimizer.memory if optimizer.steps else ()  # at first all are empty
            self._memory = tuple(array(column) for column in zip(*memory, strict=True))
        self._scales: Any = array(optimizer.scales) if optimizer.groups else 1.0
        self._settle()

    def _step(self, shape: Shape, known: Known | None) -> Programs:
        """The programs for rows of a shape, kept if the architecture says it all."""
        parameters, learned = self.task.parameters, self.task.optimizer.params
        if known and known[2] == parameters == learned and not has_hooks(parameters):
            loss = built_in(self._loss), repr(getattr(self._loss, "keywords", None))
            key, build = (known[0], *loss, shape, self._weighted), known[1].build
            self._stages = Stages(RecordedBatch(), (), ())
            found = kept(key, lambda: self._record(new := build(), p := new.parameters(), p, shape))
        else:
            found = self._record(self.task.model, parameters, learned, shape, known is not None)
        (*programs, forward), form = found
        return Programs(programs, forward, self._stages.batch.rates, form)

    def _record(
        self,
        model: Module,
        parameters: list[Value],
        learned: list[Value],
        shape: Shape,
        known: bool = True,
    ) -> Recorded:
        """The programs of a step, and that of a measurement.

        They give the loss of one row, with its gradients and with the outputs.
        """
        own = any(type(part).training is not Module.training for part in self.task.held.modules)
        with Scope(BATCH, batch := RecordedBatch()):
            before = next(MODE_READS)
            graphs = [self._graph(model.train(), shape)]
            if not known and (own or next(MODE_READS) > before + 1):
                graphs.append(self._graph(model.eval(), shape))
                self._compared = COMPARED
        leaves, loss, outputs, form = graphs[0]
        stages = Stages(batch, parameters, learned)
        if parameters is self.task.parameters:  # that of an architecture reaches all of its own
            self.reach.see(outputs, loss)
            self._stages = stages
            self._kinds.add((*stages.norms,))
        weights = leaves[len(leaves) - self._weighted :]
        rows = self.task.epochs * self._shapes[shape]
        programs = stages.programs(leaves, loss, weights, rows)
        leaves, loss, outputs, _ = graphs[-1]
        return [*programs, Program(leaves, [loss, *outputs], parameters, rows=rows)], form

    def _graph(self, model: Module, shape: Shape) -> tuple[list[Value], Value, list[Value], Form]:
        """One row recorded: its leaves, its loss, its outputs and their form."""
        width, targets = shape
        xs = inputs(*[f"x{i}" for i in range(width or 1)])
        ys = inputs(*[f"y{i}" for i in range(targets or 1)])
        ws = inputs("w") if self._weighted else []
        try:
            with recording, recording_program:
                found = model(xs if width else xs[0])
                outputs, form = spread(found)
                loss = self._loss(found, ys if targets else ys[0])
                loss = loss * ws[0] if ws else loss
        except (ControlFlowError, TypeError) as error:
            raise NotCompilable(f"the model cannot be recorded: {error}") from error
        if has_hooks(topological(loss)):
            raise NotCompilable("a Value of the model has a hook, which native code would not call")
        return [*xs, *ys, *ws], loss, outputs, form

    def _compare(self) -> None:
        """Check that the programs give the model's loss on some rows, in each mode.

        They do not if the model's code looks at `.data`, or computes something else each time.
        """
        every = self._rows[0]
        rows = every.take(range(len(every))[: self._compared])
        with numeric_mode("ieee"), no_grad():  # numbers that are not finite are for a step to find
            self._compare_in(False, rows)
            self._compare_in(True, rows)  # which moves running means

    def _compare_in(self, train: bool, rows: Rows) -> None:
        self.task.model.train(train)
        try:
            losses = [float(x) for x in map(self._loss, self.forward(rows), rows.ys)]
        except ValueError as error:
            self._explain(error, rows)
        many, places = len(rows), range(len(rows))
        if train:
            total = self._totals(places)[0][0]
        else:
            total = self._computer.work.outputs(self._theta, 0, places)[:, 0].sum()
        wanted, got = math.fsum(map(operator.mul, rows.ws, losses)) / many, float(total) / many
        near = math.isclose(got, wanted, rel_tol=1e-6, abs_tol=1e-9)
        if math.isfinite(wanted) and not near:
            fault = f"the model's loss is {wanted:.6g}, and {got:.6g} when it is recorded"
            remedy = "does it look at .data, or change from call to call?"
            raise NotCompilable(f"{fault}; {remedy}")

    def _totals(self, batch: Sequence[int]) -> tuple[Any, Any]:
        """The totals over a batch, and the parameters with running statistics that have moved."""
        groups = self._computer.work.tables[0].groups(batch)

        def ask(theta: Any, i: int) -> Any:
            """The totals by one of the programs, which is another one for each shape."""
            totals, key = self._computer.totals, self._key
            found = [totals(theta, places, (shape, i, key)) for shape, _, places in groups]
            return reduce(operator.add, found)

        return self._stages.totals(self._theta, len(batch), ask)

    def take(self) -> None:
        """Go on with what callbacks have left, if the loss is what it was."""
        super().take()
        self._try_loss(few)

    def _try_loss(self, choose: Callable[[Rows], Sequence[int]]) -> None:
        """Check that a loss of the user's own is the mean over rows of what was recorded."""
        work = self._computer.work
        for table, rows in enumerate(self._rows):
            if self._own:
                places = choose(rows)
                with numeric_mode("ieee"):
                    found = work.outputs(self._theta, table, places)
                outputs = self._listing(found, table, places)
                self._own.check(rows.take(places), outputs, found[:, 0].tolist())

    def _learn(self, batch: Sequence[int]) -> None:
        optimizer, clip = self.task.optimizer, self.task.clip
        totals, theta = self._ahead[1] if self._ahead[0] is self._theta else self._totals(batch)
        grads, whole = totals[1:], float(len(batch))
        if self._weighted:
            grads, whole = totals[1:-1], totals[-1] or 1.0
        if clip is not None:
            grads, whole = grads / whole, 1.0
            norm = math.hypot(*grads.tolist())
            if norm > clip:
                grads *= clip / norm
        new, self._grads, memory, sure = self._update(theta[self._learned], grads, whole)
        if not math.isfinite(sure):
            for what, found in ("gradient", self._grads), ("new value", new):
                finite(f"{type(optimizer).__name__}.step", what, optimizer.params, found.tolist())
        if not isinstance(self._learned, slice):
            theta = theta.copy()  # early stopping may hold the one before
            theta[self._learned] = new
            new = theta
        self._theta, self._memory = new, memory
        optimizer.steps += 1

    def _update(self, numbers: Any, totals: Any, whole: float) -> tuple[Any, Any, Any, float]:
        """See Update: from machine code, from one call of `update`, or from one per parameter."""
        optimizer: Any = self.task.optimizer
        UPDATED[self._settings] += len(numbers) + EACH
        if optimizer.steps and UPDATED[self._settings] > WORTH and self._code:
            return self._code(numbers, totals, whole, self._memory)
        grads, memory, new = totals / whole, self._memory, numbers.copy()
        if optimizer.vectorized:
            memory = tuple([held.copy() for held in memory])
            (found,) = optimizer.updates([self._scales], [new], [grads.copy()], [memory])
            # one number may stand for all
            new, *kept = [x if getattr(x, "ndim", 0) else x + 0.0 * numbers for x in found]
            memory = tuple(kept)
        else:
            found = optimizer.updates(optimizer.scales, new.tolist(), grads.tolist(), memory)
            new, memory = [x for x, *_ in found], [tuple(memory) for _, *memory in found]
        new = numpy().array(new, "float64")  # what `update` gave may be its own to change
        # a product is the quickest way to see that all of both are finite
        return new, grads, memory, numpy().vdot(new, grads)

    @cached_property
    def _code(self) -> Update | None:
        """The update as machine code, where it can be."""
        optimizer: Any = self.task.optimizer
        known = (type(optimizer), getattr(optimizer.update, "__func__", None)) in FORMULAS
        held, usual = len(self._memory), not optimizer.groups and getattr(optimizer, "eps", True)
        # once a callback has set other settings, it may remember more or less from the next step on
        fits = known and usual and held == len(optimizer.update(0.0, 0.0, ())) - 1
        return Update(optimizer, held) if fits else None

    def set_rate(self, epoch: int, waited: int = 0) -> None:
        """See Trainer. The schedule, or a metric, may have set more than the rate."""
        super().set_rate(epoch, waited)
        if self._settings != _settings(self.task.optimizer):
            self._settle()

    def _settle(self) -> None:
        """Go on with the settings that the optimiser has now."""
        self._settings = _settings(self.task.optimizer)
        vars(self).pop("_code", None)

    @cached_property
    def _looks_ahead(self) -> bool:
        """Whether the loss after a step is the one that the next step begins with, and no more."""
        many, same = len(self._rows[0]), self._compared < COMPARED  # in training and evaluation
        return same and (self.task.batch_size or many) >= many and not self.task.metrics.functions

    def _measure(self, table: int) -> dict[str, float]:
        metrics, rows = self.task.metrics, self.task.data.tables[table]
        if table == 0 and self._looks_ahead:
            with suppress(NumericError):  # the gradient may never be needed
                self._ahead = self._theta, (found := self._totals(range(len(rows))))
                return {"loss": float(found[0][0]) / float(self._whole[0])}
        found, known = self._computer.outputs(self._theta, table), {}
        numbers = {"loss": float(numpy().add.reduce(found[:, 0]) / self._whole[table])}
        if self._wanted:  # of many rows it takes long in Python
            targets, line, places = self._wanted[table]
            answers = right(found[:, 1:].T, targets, line)[places]
            known["accuracy"] = int(answers.sum()) / (len(answers) or 1)
        if metrics.functions.keys() - known:
            known = metrics.of(self._listing(found, table), rows, known)
        return numbers | known

    def outputs(self, table: int) -> list[Any]:
        """The model's outputs for a table."""
        return self._listing(self._computer.outputs(self._theta, table), table)

    def _listing(self, found: Any, table: int, places: Any = None) -> list[Any]:
        """The outputs as `predict` has them, from an array of losses and outputs."""
        work, numbers, listed = self._computer.work, range(len(found)), dict[int, Any]()
        for shape, at, _ in work.tables[table].groups(numbers if places is None else places):
            form = work.steps[shape].form
            part = found[at, 1 : 1 + math.prod(form)].reshape(-1, *form).tolist()
            if isinstance(at, slice):  # all are alike
                return [*part]
            listed |= zip(at.tolist(), part, strict=True)
        return [listed[i] for i in numbers]

    def numbers(self) -> Any:
        """The parameters as they are now, in an array that no step will change."""
        return self._theta

    def norm(self) -> float:
        """The root of the sum of the squares of the parameters that learn."""
        return float(numpy().linalg.norm(self._theta[self._learned]))

    def sync(self, numbers: Any = None) -> None:
        """Give the Values and the optimiser what training has reached, or the numbers given."""
        if numbers is not None:
            self._theta = numpy().asarray(numbers)
        set_data(self.task.parameters, self._theta.tolist())
        optimizer = self.task.optimizer
        if self._grads is not None:  # some step was done
            for parameter, grad in zip(optimizer.params, self._grads.tolist(), strict=True):
                parameter.grad = grad
        optimizer.memory = self._memory
        if optimizer.vectorized:  # lists for a large model take long to make, and few ask for them
            columns = [m.copy() for m in self._memory]
            optimizer.memory = partial(_rows, columns, len(optimizer.params))


def _settings(optimizer: Optimizer) -> str:
    """Its class and settings, as a text, since somebody may change a list of them in place."""
    kind = type(optimizer)
    return f"{kind} {[getattr(optimizer, name) for name in SETTINGS.get(kind, ())]}"


def _rows(columns: Sequence[Any], many: int) -> list[tuple[float, ...]]:
    """What an optimiser remembers of each parameter, from arrays."""
    return [*zip(*[column.tolist() for column in columns], strict=True)] or [()] * many
