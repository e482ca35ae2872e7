"""Train nets: one by one on a CPU, stacks of models on a GPU.

A model has its own draws, rates, gradient norm, best weights and stop on
either device. On a CPU nothing is shared, so a model's bytes cannot depend on
its mates; torch is not needed there. On a GPU all models of one bucket are one
stack (:mod:`ethpredict.models.stacked`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ethpredict.models.compiled import Net
from ethpredict.models.shapes import Shape

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sequences:
    """Inputs, targets and weights of equally long sequences.

    Parameters
    ----------
    x : ndarray of float32, shape (n, T, n_in)
        Scaled inputs.
    y, w : ndarray of float32, shape (n, T)
        Standardised target or 0/1, and weight; weight 0 where a step carries no loss.
    """

    x: Singles
    y: Singles
    w: Singles


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one model is trained.

    Parameters
    ----------
    seed : int
        Of its generator.
    learning_rate, weight_decay, dropout : float
        Of AdamW and of the masks.
    epochs, patience : int
        Most epochs; epochs without a better inner validation loss before the stop.
    """

    seed: int
    learning_rate: float
    weight_decay: float
    dropout: float
    epochs: int
    patience: int


@dataclass(frozen=True, slots=True)
class Job:
    """One model to train; jobs of one stack share all but data and recipe.

    Parameters
    ----------
    shape : Shape
        Of the net.
    loss : {"squared", "logistic"}
        Weighted squared error, or log-loss of log-odds.
    batch : int
        Sequences of one step.
    train, check : Sequences
        To learn from, and of the inner validation.
    recipe : Recipe
        Rates and stop.
    precision : {"float32", "tf32", "bfloat16"}
        Of the products on a GPU; a CPU computes in float32.
    graph : bool
        Whether a GPU replays the step of the stack as one captured graph.
    """

    shape: Shape
    loss: str
    batch: int
    train: Sequences
    check: Sequences
    recipe: Recipe
    precision: str = "float32"
    graph: bool = False

    def bucket(self) -> tuple[object, ...]:
        """What jobs must share to be one stack."""
        sizes = self.train.x.shape, self.check.x.shape
        return self.shape, self.loss, self.batch, *sizes, self.precision, self.graph


@dataclass(slots=True)
class Course:
    """How the training of one model goes: its losses, and when it stops.

    Parameters
    ----------
    recipe : Recipe
        With the most epochs and the patience.
    curve : list of (float, float)
        Training and inner validation loss of each epoch.
    best : float
        Least inner validation loss.
    since : int
        Epochs since then.
    active : bool
        Whether training goes on.
    error : str
        Why there is no model; empty if all is well.
    """

    recipe: Recipe
    curve: list[tuple[float, float]] = field(default_factory=list)
    best: float = np.inf
    since: int = 0
    active: bool = True
    error: str = ""

    def record(self, learned: float, checked: float) -> bool:
        """Take the losses of an epoch; whether its weights are the best so far."""
        epoch = len(self.curve)
        self.curve.append((learned, checked))
        if not np.isfinite(checked):
            self.error = f"the loss of epoch {epoch} is not finite; lower the learning_rate"
            self.active = False
            return False
        self.since += 1
        better = checked < self.best
        if better:
            self.best, self.since = checked, 0
        self.active = self.since < self.recipe.patience and epoch + 1 < self.recipe.epochs
        return better

    def outcome(self, weights: dict[str, Singles]) -> Outcome:
        """The trained model with these weights, or why there is none."""
        curve = np.array(self.curve, dtype=np.float64).reshape(-1, 2)
        return Outcome({} if self.error else weights, curve, self.error)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trained model: its best weights by name, and its loss per epoch.

    Parameters
    ----------
    weights : dict of str to ndarray of float32
        Of the epoch with the least inner validation loss.
    curve : ndarray of float64, shape (epochs, 2)
        Training and inner validation loss.
    error : str
        Why there are no weights; empty if all is well.
    """

    weights: dict[str, Singles]
    curve: npt.NDArray[np.float64]
    error: str = ""


def train_all(jobs: Sequence[Job], device: str) -> list[Outcome]:
    """Train jobs: one by one on a CPU, bucket by bucket on a GPU.

    A stack that does not fit into a GPU's memory is halved and tried again.

    Parameters
    ----------
    jobs : sequence of Job
        Models.
    device : {"cpu", "cuda"}
        Where to train.

    Returns
    -------
    list of Outcome
        In the order of the jobs.

    Raises
    ------
    torch.OutOfMemoryError
        If a single model does not fit.
    """
    if device == "cpu":
        return [train_one(job) for job in jobs]
    # torch is imported here: a CPU does not need it, and a GPU must be chosen before.
    from ethpredict.models import stacked

    found: dict[int, Outcome] = {}
    buckets: dict[tuple[object, ...], list[int]] = {}
    for k, job in enumerate(jobs):
        buckets.setdefault(job.bucket(), []).append(k)
    waiting = list(buckets.values())
    while waiting:
        members = waiting.pop(0)
        outcomes = stacked.train_if_it_fits([jobs[k] for k in members], device)
        if outcomes is None:
            half = len(members) // 2
            waiting[:0] = [members[:half], members[half:]]
            continue
        found.update(zip(members, outcomes, strict=True))
    return [found[k] for k in range(len(jobs))]


def train_one(job: Job) -> Outcome:
    """Train one model on the CPU, compiled and in float32; another precision is its error."""
    if job.precision != "float32":
        reason = f"model.precision is {job.precision}, a CPU computes in float32"
        return Outcome({}, np.empty((0, 2)), f"{reason}; set float32, or train on a GPU")
    rng = np.random.default_rng(job.recipe.seed)
    net = Net(job.shape, job.loss, rng)
    recipe, course = job.recipe, Course(job.recipe)
    train, check = (time_first(part) for part in (job.train, job.check))
    count = train[0].shape[1]
    best = net.flat.copy()
    # A model that diverges is found by its loss, not by numpy's warnings.
    with np.errstate(over="ignore", invalid="ignore"):
        while course.active:
            learned, order = 0.0, rng.permutation(count)
            for start in range(0, count, job.batch):
                chosen = order[start : start + job.batch]
                batch = [np.take(part, chosen, axis=1) for part in train]
                loss = net.learn(batch[0], batch[1], batch[2], recipe.dropout)
                net.step(recipe.learning_rate, recipe.weight_decay)
                learned += loss * len(chosen) / count
            if course.record(learned, net.judge(*check)):
                best[:] = net.flat
    return course.outcome(job.shape.views(best))


def time_first(part: Sequences) -> tuple[Singles, ...]:
    """Arrays with the time as first axis, (T, n, ...)."""
    return tuple(np.ascontiguousarray(np.swapaxes(a, 0, 1)) for a in (part.x, part.y, part.w))
