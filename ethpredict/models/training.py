"""The training loop: a stack of models, each with its own draws, rates and early stop.

The models of a stack are a batch dimension and share nothing but the step of
the loop: own generator, learning rate, weight decay, dropout, gradient norm,
best weights and stop. On a CPU a stack holds one model, so a model's bytes
cannot depend on its mates (the results of batched products may). On a GPU the
whole bucket is one stack; results there are reproducible for a fixed stack.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ethpredict.models.networks import Shape, forward, initial_weights, named_arrays, views

Singles = npt.NDArray[np.float32]
BETAS, EPSILON, MAX_NORM = (0.9, 0.999), 1e-8, 1.0


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
    """One model to train; jobs of one stack share shape, loss, batch and array sizes."""

    shape: Shape
    loss: str
    batch: int
    train: Sequences
    check: Sequences
    recipe: Recipe

    def bucket(self) -> tuple[object, ...]:
        """What jobs must share to be one stack."""
        return self.shape, self.loss, self.batch, self.train.x.shape, self.check.x.shape


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
    """Train jobs in stacks: one by one on a CPU, bucket by bucket on a GPU.

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
    found: dict[int, Outcome] = {}
    buckets: dict[tuple[object, ...], list[int]] = {}
    for k, job in enumerate(jobs):
        buckets.setdefault((*job.bucket(), k if device == "cpu" else 0), []).append(k)
    waiting = list(buckets.values())
    while waiting:
        members = waiting.pop(0)
        try:
            outcomes = train_stack([jobs[k] for k in members], device)
        except torch.OutOfMemoryError:
            if len(members) == 1:
                raise
            half = len(members) // 2
            waiting[:0] = [members[:half], members[half:]]
            torch.cuda.empty_cache()
            continue
        found.update(zip(members, outcomes, strict=True))
    return [found[k] for k in range(len(jobs))]


def train_stack(jobs: Sequence[Job], device: str) -> list[Outcome]:
    """Train jobs of one bucket together.

    Parameters
    ----------
    jobs : sequence of Job
        Of equal :meth:`Job.bucket`.
    device : {"cpu", "cuda"}
        Where to train.

    Returns
    -------
    list of Outcome
        In the order of the jobs.
    """
    with _deterministic(device):
        stack = _Stack(jobs, device)
        for epoch in range(max(job.recipe.epochs for job in jobs)):
            stack.learn()
            stack.judge(epoch)
            if not stack.active.any():
                break
        return stack.outcomes()


@contextlib.contextmanager
def _deterministic(device: str) -> Iterator[None]:
    """One thread, and on a GPU deterministic algorithms without TF32; put back at the end."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    if device == "cuda":
        torch.use_deterministic_algorithms(True)
        # cuBLAS reads this when it starts and is not deterministic without.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


class _Stack:
    """The state of a stack between epochs."""

    def __init__(self, jobs: Sequence[Job], device: str) -> None:
        self.jobs, self.device = jobs, torch.device(device)
        self.shape, self.batch = jobs[0].shape, jobs[0].batch
        # Draws are made on the CPU, so that every device sees the same ones.
        self.draws = [torch.Generator().manual_seed(job.recipe.seed) for job in jobs]
        first = [initial_weights(self.shape, generator) for generator in self.draws]
        self.flat = torch.stack(first).to(self.device)
        self.slope = torch.zeros_like(self.flat)
        self.weights = views(self.shape, self.flat)
        for name, slope in views(self.shape, self.slope).items():
            self.weights[name] = self.weights[name].detach().requires_grad_()
            self.weights[name].grad = slope
        self.mean, self.square = torch.zeros_like(self.flat), torch.zeros_like(self.flat)
        self.steps = 0
        self.rate = self._column([job.recipe.learning_rate for job in jobs])
        self.decay = self._column([job.recipe.weight_decay for job in jobs])
        self.train = self._data([job.train for job in jobs])
        self.check = self._data([job.check for job in jobs])
        self.best, self.best_flat = np.full(len(jobs), np.inf), self.flat.clone()
        self.since = np.zeros(len(jobs), dtype=np.int64)
        self.active = np.ones(len(jobs), dtype=bool)
        self.learned = torch.zeros(len(jobs), device=self.device)
        self.curves: list[list[tuple[float, float]]] = [[] for _ in jobs]
        self.errors = [""] * len(jobs)

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self.device)[:, None]

    def _data(self, parts: Sequence[Sequences]) -> tuple[Tensor, ...]:
        """Arrays on the device, (M, n, T, ...); held once where all models share one array."""
        found = []
        for name in ("x", "y", "w"):
            arrays = [getattr(part, name) for part in parts]
            shared = all(array is arrays[0] for array in arrays)
            held = np.stack(arrays[:1] if shared else arrays)
            tensor = torch.from_numpy(held).to(self.device)
            found.append(tensor.expand(len(parts), *tensor.shape[1:]) if shared else tensor)
        return tuple(found)

    def learn(self) -> None:
        """One epoch: every sequence once, in each model's own order."""
        count = self.train[0].shape[1]
        order = torch.stack([torch.randperm(count, generator=g) for g in self.draws])
        order = order.to(self.device)
        model = torch.arange(len(self.jobs), device=self.device)[:, None]
        active = self._column(self.active.astype(np.float32).tolist())
        self.learned.zero_()
        for start in range(0, count, self.batch):
            chosen = order[:, start : start + self.batch]
            x, y, w = (part[model, chosen].transpose(1, 2) for part in self.train)
            self.slope.zero_()
            out = forward(self.shape, self.weights, x.contiguous(), self._masks(chosen.shape[1]))
            loss = _loss(self.jobs[0].loss, out, y, w)
            loss.sum().backward()
            self._step(active)
            self.learned += loss.detach() * (chosen.shape[1] / count)

    def _masks(self, batch: int) -> list[Tensor]:
        """Dropout factors of one batch, drawn model by model."""
        rates = [job.recipe.dropout for job in self.jobs]
        if not any(rates):
            return []
        size = (self.shape.layers, 1, batch, self.shape.hidden)
        drawn = [
            (torch.rand(size, generator=g) >= rate) / (1.0 - rate)
            for g, rate in zip(self.draws, rates, strict=True)
        ]
        return list(torch.stack(drawn, dim=1).to(self.device))

    def _step(self, active: Tensor) -> None:
        """AdamW with the gradient's norm clipped, both model by model."""
        self.steps += 1
        norm = self.slope.square().sum(dim=1, keepdim=True).sqrt()
        slope = self.slope * (MAX_NORM / (norm + 1e-6)).clamp(max=1.0)
        self.mean.lerp_(slope, 1.0 - BETAS[0])
        self.square.lerp_(slope * slope, 1.0 - BETAS[1])
        scale = (self.square / (1.0 - BETAS[1] ** self.steps)).sqrt_().add_(EPSILON)
        change = self.mean / (1.0 - BETAS[0] ** self.steps) / scale
        self.flat -= self.rate * active * (change + self.decay * self.flat)

    def judge(self, epoch: int) -> None:
        """Inner validation: keep the best weights, stop models that no longer improve."""
        x, y, w = (part.transpose(1, 2) for part in self.check)
        with torch.no_grad():
            out = forward(self.shape, self.weights, x.contiguous(), [])
            losses = torch.stack((self.learned, _loss(self.jobs[0].loss, out, y, w))).cpu().numpy()
        for k in np.flatnonzero(self.active).tolist():
            learned, checked = float(losses[0, k]), float(losses[1, k])
            self.curves[k].append((learned, checked))
            recipe = self.jobs[k].recipe
            if not np.isfinite(checked):
                self.errors[k] = f"the loss of epoch {epoch} is not finite; lower the learning_rate"
                self.active[k] = False
                continue
            self.since[k] += 1
            if checked < self.best[k]:
                self.best[k], self.since[k] = checked, 0
                self.best_flat[k] = self.flat[k]
            self.active[k] = self.since[k] < recipe.patience and epoch + 1 < recipe.epochs

    def outcomes(self) -> list[Outcome]:
        """Best weights and learning curves."""
        return [
            Outcome(
                {} if error else named_arrays(self.shape, self.best_flat[k]),
                np.array(self.curves[k], dtype=np.float64).reshape(-1, 2),
                error,
            )
            for k, error in enumerate(self.errors)
        ]


def _loss(kind: str, out: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Weighted mean loss of each model, shape (M,); squared error, or log-loss of log-odds."""
    squared = kind == "squared"
    each = (out - y).square() if squared else torch.nn.functional.softplus(out) - y * out
    return (w * each).sum(dim=(1, 2)) / w.sum(dim=(1, 2)).clamp(min=1e-12)
