"""Many nets as one stack in torch: the models are a batch dimension.

They share nothing but the step of the loop. Results on a GPU are reproducible
for a fixed stack; on a CPU this is the plain reference of the compiled net.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ethpredict.models.compiled import BETAS, EPSILON, MAX_NORM
from ethpredict.models.networks import forward, views
from ethpredict.models.shapes import dropout_masks, initial_weights
from ethpredict.models.training import Course, Job, Outcome, Sequences

WARM_UP = 3
"""Steps before a graph is captured, in which libraries choose their kernels."""


def train_if_it_fits(jobs: Sequence[Job], device: str) -> list[Outcome] | None:
    """Train jobs of one bucket together; None if they do not fit into the GPU's memory.

    Raises
    ------
    torch.OutOfMemoryError
        If there is only one job.
    """
    try:
        return train_stack(jobs, device)
    except torch.OutOfMemoryError:
        if len(jobs) == 1:
            raise
    # Outside of the handler: the traceback holds the stack's tensors.
    torch.cuda.empty_cache()
    return None


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
    with settled(device, jobs[0].precision):
        stack = _Stack(jobs, device)
        step = capture(stack.step, stack.state()) if jobs[0].graph else stack.step
        while any(course.active for course in stack.courses):
            stack.learn(step)
            stack.judge()
        return stack.outcomes()


@contextlib.contextmanager
def settled(device: str, precision: str) -> Iterator[None]:
    """One thread, on a GPU deterministic algorithms, TF32 if asked for; put back at the end."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    short = matmul.allow_tf32, cudnn.allow_tf32
    torch.set_num_threads(1)
    if device == "cuda":
        torch.use_deterministic_algorithms(True)
        # cuBLAS reads this when it starts and is not deterministic without.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
        matmul.allow_tf32, cudnn.allow_tf32 = short


def capture(step: Callable[[], None], state: Sequence[Tensor]) -> Callable[[], None]:
    """Record a step as a CUDA graph; what is given back replays it.

    A step of small nets is thousands of short kernels, whose launches cost more
    than their work; a graph launches them all at once.

    Parameters
    ----------
    step : callable
        Reads and writes tensors that keep their place, without waiting for the GPU.
    state : sequence of Tensor
        What the step changes; the same before and after this call.

    Notes
    -----
    As https://pytorch.org/docs/stable/notes/cuda.html#cuda-graphs: some steps on
    another stream first (a stack that does not fit fails there), then one that
    is recorded and not run.
    """
    before = [part.clone() for part in state]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(side)
    for part, kept in zip(state, before, strict=True):
        part.copy_(kept)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    replay: Callable[[], None] = graph.replay
    return replay


class _Stack:
    """The state of a stack between steps; every tensor that a step uses keeps its place."""

    def __init__(self, jobs: Sequence[Job], device: str) -> None:
        self.jobs, self.device = jobs, torch.device(device)
        self.shape, self.loss = jobs[0].shape, jobs[0].loss
        self.draws = [np.random.default_rng(job.recipe.seed) for job in jobs]
        self.courses = [Course(job.recipe) for job in jobs]
        first = [initial_weights(self.shape, rng) for rng in self.draws]
        self.flat = torch.from_numpy(np.stack(first)).to(self.device)
        self.best = self.flat.clone()
        self.slope = torch.zeros_like(self.flat)
        self.weights = views(self.shape, self.flat)
        for name, slope in views(self.shape, self.slope).items():
            self.weights[name] = self.weights[name].detach().requires_grad_()
            self.weights[name].grad = slope
        self.mean, self.square = torch.zeros_like(self.flat), torch.zeros_like(self.flat)
        self.steps = torch.zeros((), dtype=torch.float64, device=self.device)
        self.rate = self._column([job.recipe.learning_rate for job in jobs])
        self.decay = self._column([job.recipe.weight_decay for job in jobs])
        self.active = self._column([1.0] * len(jobs))
        self.learned = torch.zeros(len(jobs), device=self.device)
        self.train = self._data([job.train for job in jobs])
        self.check = self._data([job.check for job in jobs])
        # What a step takes: sequences, 1 for each that counts, their share, dropout factors.
        self.count = self.train[0].shape[1]
        self.batch = min(jobs[0].batch, self.count)
        self.model = torch.arange(len(jobs), device=self.device)[:, None]
        self.chosen = torch.zeros((len(jobs), self.batch), dtype=torch.int64, device=self.device)
        self.real = torch.ones(self.batch, device=self.device)
        self.share = torch.zeros((), device=self.device)
        drops = any(job.recipe.dropout for job in jobs)
        size = (self.shape.layers, len(jobs), 1, self.batch, self.shape.hidden)
        self.drawn = np.ones(size if drops else 0, dtype=np.float32)
        self.masks = torch.ones(self.drawn.shape, device=self.device)

    def state(self) -> list[Tensor]:
        """Tensors that a step changes."""
        return [self.flat, self.slope, self.mean, self.square, self.steps, self.learned]

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

    def learn(self, step: Callable[[], None]) -> None:
        """One epoch: every sequence once, in each model's own order."""
        order = np.stack([rng.permutation(self.count) for rng in self.draws])
        self.active.copy_(self._column([float(course.active) for course in self.courses]))
        self.learned.zero_()
        for start in range(0, self.count, self.batch):
            size = min(self.batch, self.count - start)
            # A short last batch repeats sequences that do not count: a step keeps its shape.
            at = np.minimum(np.arange(start, start + self.batch), self.count - 1)
            self.chosen.copy_(torch.from_numpy(order[:, at]))
            self.real.copy_((torch.arange(self.batch) < size).float())
            self.share.fill_(size / self.count)
            if len(self.masks):
                for k, (rng, job) in enumerate(zip(self.draws, self.jobs, strict=True)):
                    if rate := job.recipe.dropout:
                        self.drawn[:, k, :, :size] = dropout_masks(self.shape, size, rate, rng)
                # One copy for all models: a copy each would cost more than the step.
                self.masks.copy_(torch.from_numpy(self.drawn))
            step()

    def step(self) -> None:
        """Learn from the chosen sequences: gradient, its norm clipped, AdamW, model by model."""
        x, y, w = (part[self.model, self.chosen].transpose(1, 2) for part in self.train)
        self.slope.zero_()
        loss = self._losses(x, y, w * self.real, self.masks)
        loss.sum().backward()
        with torch.no_grad():
            self.steps += 1
            norm = self.slope.square().sum(dim=1, keepdim=True).sqrt()
            slope = self.slope * (MAX_NORM / (norm + 1e-6)).clamp(max=1.0)
            self.mean.lerp_(slope, 1.0 - BETAS[0])
            self.square.lerp_(slope * slope, 1.0 - BETAS[1])
            first, second = ((1.0 - beta**self.steps).float() for beta in BETAS)
            change = self.mean / first / ((self.square / second).sqrt_() + EPSILON)
            self.flat -= self.rate * self.active * (change + self.decay * self.flat)
            self.learned += loss * self.share

    def _losses(self, x: Tensor, y: Tensor, w: Tensor, masks: Tensor) -> Tensor:
        """Weighted mean loss of each model, shape (M,); squared error, or log-loss of log-odds."""
        out = forward(self.shape, self.weights, x.contiguous(), masks, self.jobs[0].precision)
        squared = self.loss == "squared"
        each = (out - y).square() if squared else torch.nn.functional.softplus(out) - y * out
        return (w * each).sum(dim=(1, 2)) / w.sum(dim=(1, 2)).clamp(min=1e-12)

    def judge(self) -> None:
        """Inner validation: keep the best weights, stop models that no longer improve."""
        x, y, w = (part.transpose(1, 2) for part in self.check)
        with torch.no_grad():
            checked = self._losses(x, y, w, self.masks[:0])
            losses = torch.stack((self.learned, checked)).tolist()
        for k, course in enumerate(self.courses):
            if course.active and course.record(losses[0][k], losses[1][k]):
                self.best[k] = self.flat[k]

    def outcomes(self) -> list[Outcome]:
        """Best weights and learning curves."""
        best = self.best.cpu().numpy()
        return [
            course.outcome(self.shape.views(best[k].copy()))
            for k, course in enumerate(self.courses)
        ]
