"""Fit all levels of a group of models on one training window, without a leak between levels.

The training rows are cut into forward-chained blocks (:func:`ethpredict.splits.forward_chain`).
Level 0 fitted on the blocks before predicts each block; level 1 learns from these
out-of-sample predictions and predicts later blocks out of sample; level 2 learns
meta-labels whose side is the sign of these. At the end every level is fitted on all
rows that it may use, for the test span.

References
----------
Wolpert (1992), Stacked generalization. doi:10.1016/S0893-6080(05)80023-1
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from ethpredict.labels.meta import meta_labels
from ethpredict.models.base import Floats, ModelError, Regressor, Rows, Sample, Spans
from ethpredict.models.blend import blend_weights
from ethpredict.models.calibrators import fit_calibrator
from ethpredict.models.hierarchy import LEVELS, Hierarchy, Payoff, beside, blended
from ethpredict.models.member import Member
from ethpredict.models.predicting import predict_rows
from ethpredict.models.registry import LEVEL0
from ethpredict.models.segments import run_lengths
from ethpredict.models.signals import signal_outcome
from ethpredict.models.table import Table, Target
from ethpredict.models.uncertainty import rms
from ethpredict.models.weighing import bootstrapped, weighted_rows
from ethpredict.splits import forward_chain

MIN_ROWS = 50
"""Fewest training rows of any fit."""


@dataclass(frozen=True, slots=True)
class Task:
    """One training window.

    Parameters
    ----------
    table : Table
        Rows.
    target : Target
        What is learned (shuffled for a placebo).
    rows : ndarray of int64, bar positions
        Purged training rows.
    device : {"cpu", "cuda"}
        Where to train.
    confident : bool
        Whether level 2 is fitted.
    """

    table: Table
    target: Target
    rows: Rows
    device: str
    confident: bool = True

    def spans(self) -> Spans:
        """What sequence models may read: complete bars, no sample that is kept out."""
        kept = np.zeros(len(self.table.ts), dtype=bool)
        kept[self.table.samples(self.target)] = True
        kept[self.rows] = False
        return Spans(self.target.t1, self.table.complete & ~kept, self.table.gap)


@dataclass(slots=True)
class Chain:
    """Out-of-sample predictions of one model on its training window; nan where there are none."""

    member: Member
    parts: Floats
    m0: Floats
    m: Floats
    p: Floats
    blend: Floats
    level1: Regressor | None = None
    level2: Regressor | None = None


@dataclass(frozen=True, slots=True)
class Levels:
    """A fitted model, and how far its last out-of-sample block was off (log return)."""

    regressor: Regressor
    check_error: float


Fitted = dict[str, Levels | ModelError]


@dataclass(slots=True)
class _Window:
    """Work on one task: shared preparations, blocks, failures."""

    task: Task
    spans: Spans
    prepared: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    failed: dict[str, ModelError] = field(default_factory=dict)


def fit_levels(task: Task, members: Sequence[Member]) -> Fitted:
    """Fit every member on a window.

    Parameters
    ----------
    task : Task
        The window.
    members : sequence of Member
        Models.

    Returns
    -------
    dict
        By model id: the fitted levels, or why there are none.
    """
    window = _Window(task, task.spans())
    final = _fit_bases(window, task.rows, members, "")
    found: Fitted = {}
    chained = [member for member in members if member.chained]
    for blocks in sorted({member.blocks for member in chained}):
        same = [member for member in chained if member.blocks == blocks]
        found.update(_fit_chained(window, blocks, same, final))
    for member in members:
        if member.id in window.failed:
            found[member.id] = window.failed[member.id]
        elif not member.chained:
            found[member.id] = Levels(final[member.id][0], float("nan"))
    return found


def _fit_bases(
    window: _Window, rows: Rows, members: Sequence[Member], stage: str
) -> dict[str, list[Regressor]]:
    """Level 0 of every member on some rows; models of one algorithm are trained together."""
    task = window.task
    jobs: dict[str, list[tuple[Member, Any]]] = {}
    for member in members:
        for name in member.bases:
            try:
                prepared = _prepare_base(window, name, rows, member, stage)
            except ModelError as error:
                window.failed.setdefault(member.id, error)
                continue
            jobs.setdefault(name, []).append((member, prepared))
    found: dict[str, dict[str, Regressor]] = {}
    for name, todo in jobs.items():
        seeds = [derived_seed(member.seed, name, stage) for member, _ in todo]
        batch = [(p, m.model, s) for (m, p), s in zip(todo, seeds, strict=True)]
        fits = LEVEL0[name].fit_many(batch, task.device)
        for (member, _), fit in zip(todo, fits, strict=True):
            if isinstance(fit, ModelError):
                window.failed.setdefault(member.id, fit)
            else:
                found.setdefault(member.id, {})[name] = fit
    return {
        member.id: [found[member.id][name] for name in member.bases]
        for member in members
        if member.id not in window.failed
    }


def _prepare_base(window: _Window, name: str, rows: Rows, member: Member, stage: str) -> Any:
    """Shared work of level 0 on some rows, done once for all members that agree on it."""
    algorithm = LEVEL0[name]
    weighing = tuple(sorted(member.model.get("weights", {}).items()))
    # A bootstrapped sample is each model's own, and each partner's in an ensemble.
    seed = derived_seed(member.seed, "bootstrap", name, stage or "whole")
    own = seed if bootstrapped(member.model) else None
    key = (name, stage, len(rows), *algorithm.share(member.model), weighing, own)
    if key not in window.prepared:
        _enough(rows if algorithm.uses_features else None, "training")
        table, target = window.task.table, window.task.target
        rows, weight = weighted_rows(rows, target, member.model, seed)
        sample = Sample(table.x, rows, target.y[rows], weight, window.spans)
        window.prepared[key] = algorithm.prepare(sample, member.model)
    return window.prepared[key]


def _enough(rows: Rows | None, what: str) -> None:
    if rows is not None and len(rows) < MIN_ROWS:
        raise ModelError(
            f"{len(rows)} {what} rows are left, at least {MIN_ROWS} are needed; lengthen "
            "validation.train_days or shorten features.windows and labels.horizon"
        )


def derived_seed(seed: int, *place: str) -> int:
    """Seed of one fit inside a model; the last fit of level 0 has the model's own."""
    if not place[-1]:
        return seed
    text = "/".join((str(seed), *place))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def _fit_chained(
    window: _Window, blocks: int, members: Sequence[Member], final: Mapping[str, list[Regressor]]
) -> Fitted:
    """Levels above the first, for members with equal block counts."""
    task = window.task
    n_bars, rows = len(task.table.ts), task.rows
    try:
        _enough(rows[: len(rows) // blocks], "block")
    except ModelError as error:
        window.failed.update({member.id: error for member in members})
        return {}
    cuts = [rows[0], *(block[0] for _, _, block in _chain(task, blocks, 1)), rows[-1] + 1]
    spans = {b: np.arange(a, z) for b, (a, z) in enumerate(pairwise(cuts), start=1)}
    empty = np.full(n_bars, np.nan)
    chains = {
        m.id: Chain(m, np.full((n_bars, len(m.bases)), np.nan), empty.copy(), empty.copy(),
                    empty.copy(), np.empty(0))
        for m in members
    }  # fmt: skip
    for block, train, _ in _chain(task, blocks, 1):
        fits = _fit_bases(window, train, _alive(window, members), f"block {block}")
        for member_id, bases in fits.items():
            for k, base in enumerate(bases):
                made = predict_rows(base, task.table.x, task.table.lengths, spans[block], True)
                chains[member_id].parts[spans[block], k] = made
    for member in _alive(window, members):
        _blend(task, blocks, spans, chains[member.id])
    _refine(window, blocks, spans, [chains[m.id] for m in _alive(window, members)])
    found: Fitted = {}
    for member in _alive(window, members):
        chain = chains[member.id]
        try:
            levels = _close(window, blocks, spans, chain, final[member.id])
        except ModelError as error:
            window.failed[member.id] = error
            continue
        last = rows[(rows >= cuts[-2]) & np.isfinite(chain.m[rows])]
        off = rms(task.target.y[last] - chain.m[last], task.target.weight[last])
        found[member.id] = Levels(levels, off)
    return found


def _alive(window: _Window, members: Sequence[Member]) -> list[Member]:
    return [member for member in members if member.id not in window.failed]


def _chain(task: Task, blocks: int, first: int) -> list[tuple[int, Rows, Rows]]:
    """Blocks with the rows that may train them."""
    bars = np.arange(len(task.table.ts))
    return list(forward_chain(bars, task.target.t1, task.rows, blocks, first))


def _blend(task: Task, blocks: int, spans: Mapping[int, Rows], chain: Chain) -> None:
    """Ensemble of level 0: each block by weights of the blocks before, the test span by all."""
    kind = chain.member.ensemble
    y, weight = task.target.y, task.target.weight

    def weights(rows: Rows) -> Floats:
        seen = rows[np.isfinite(chain.parts[rows]).all(axis=1)]
        return blend_weights(kind, chain.parts[seen], y[seen], weight[seen])

    chain.m0[spans[2]] = blended(chain.parts[spans[2]], weights(task.rows[:0]))
    for block, train, _ in _chain(task, blocks, 2):
        chain.m0[spans[block]] = blended(chain.parts[spans[block]], weights(train))
    chain.blend = weights(task.rows)
    chain.m = chain.m0


def _refine(
    window: _Window, blocks: int, spans: Mapping[int, Rows], chains: Sequence[Chain]
) -> None:
    """Level 1: learns from level 0 of the blocks before, predicts the next."""
    refined = [chain for chain in chains if chain.member.level1 != "none"]
    for chain in refined:
        chain.m = np.full(len(chain.m0), np.nan)
    steps = [(b, train) for b, train, _ in _chain(window.task, blocks, 2)]
    for block, train in [*steps, (0, window.task.rows)]:
        jobs = []
        for chain in refined:
            try:
                prepared = _prepare_level1(window, chain, train)
            except ModelError as error:
                window.failed.setdefault(chain.member.id, error)
                continue
            seed = derived_seed(chain.member.seed, "level1", f"block {block}")
            jobs.append((chain, (prepared, chain.member.model, seed)))
        fits = LEVELS["level1"].fit_many([job for _, job in jobs], window.task.device)
        for (chain, _), fit in zip(jobs, fits, strict=True):
            if isinstance(fit, ModelError):
                window.failed.setdefault(chain.member.id, fit)
            elif block:
                span = spans[block]
                rows = span[np.isfinite(chain.m0[span])]
                wide = beside(window.task.table.x, rows, chain.m0[rows])
                chain.m[rows] = fit.predict(wide, rows)
            else:
                chain.level1 = fit


def _prepare_level1(window: _Window, chain: Chain, train: Rows) -> Any:
    rows = train[np.isfinite(chain.m0[train])]
    _enough(rows, "out-of-sample level-0")
    target = window.task.target
    wide = beside(window.task.table.x, np.arange(len(chain.m0)), chain.m0)
    sample = Sample(wide, rows, target.y[rows], target.weight[rows], _narrow(window, chain.m0))
    return LEVELS["level1"].prepare(sample, chain.member.model)


def _narrow(window: _Window, m: Floats) -> Spans:
    """Spans of a level above the first: bars with a prediction of the level below."""
    spans = window.spans
    return Spans(spans.t1, spans.readable & np.isfinite(m), spans.gap)


def _close(
    window: _Window,
    blocks: int,
    spans: Mapping[int, Rows],
    chain: Chain,
    bases: Sequence[Regressor],
) -> Hierarchy:
    """Level 2, its calibration, and all levels together."""
    member = chain.member
    pairs = tuple(zip(member.bases, bases, strict=True))
    if member.level2 == "none" or not window.task.confident:
        return Hierarchy(pairs, chain.blend, chain.level1)
    label, net, weight = _meta(window.task, chain)
    payoff = _payoff(window.task.rows, label, net, weight)
    first = 2 if chain.level1 is None else 3
    for block, train, _ in _chain(window.task, blocks, first):
        fit = _fit_level2(window, chain, train, label, weight, f"block {block}")
        usable = spans[block][np.isfinite(chain.m[spans[block]])]
        usable = usable[_reach(window, chain)[usable] >= fit.lookback]
        wide = _with_signal(window, chain)
        chain.p[usable] = fit.predict(wide, usable)
    last = _fit_level2(window, chain, window.task.rows, label, weight, "block 0")
    seen = window.task.rows[np.isfinite(chain.p[window.task.rows] * label[window.task.rows])]
    seen = seen[weight[seen] > 0]
    kind = str(member.model["calibration"])
    calibrator = None
    if kind != "none":
        share = payoff.base_rate
        calibrator = fit_calibrator(kind, chain.p[seen], label[seen], weight[seen], share)
    return Hierarchy(pairs, chain.blend, chain.level1, last, calibrator, payoff)


def _reach(window: _Window, chain: Chain) -> Rows:
    """Unbroken bars with a prediction of the level below, up to each bar."""
    return run_lengths(window.task.table.complete & np.isfinite(chain.m), window.task.table.gap)


def _with_signal(window: _Window, chain: Chain) -> Floats:
    """Inputs of level 2: features, the prediction and its size."""
    bars = np.arange(len(chain.m))
    return beside(window.task.table.x, bars, chain.m, np.abs(chain.m))


def _meta(task: Task, chain: Chain) -> tuple[Floats, Floats, Floats]:
    """Labels of level 2, what each signal gave net of costs, and their weights, per bar."""
    outcome, cost = signal_outcome(task.table, task.target, chain.member.model)
    label = meta_labels(chain.m, outcome.y, cost)
    return label, np.sign(chain.m) * outcome.y - cost, outcome.weight


def _fit_level2(
    window: _Window, chain: Chain, train: Rows, label: Floats, weight: Floats, stage: str
) -> Regressor:
    rows = train[np.isfinite(label[train]) & (weight[train] > 0)]
    _enough(rows, "meta-label")
    wide = _with_signal(window, chain)
    sample = Sample(wide, rows, label[rows], weight[rows], _narrow(window, chain.m))
    algorithm = LEVELS["level2"]
    prepared = algorithm.prepare(sample, chain.member.model)
    seed = derived_seed(chain.member.seed, "level2", stage)
    return algorithm.fit(prepared, chain.member.model, seed, window.task.device)


def _payoff(rows: Rows, label: Floats, net: Floats, weight: Floats) -> Payoff:
    """Mean gain and loss of the signals, and the share that paid."""
    rows = rows[np.isfinite(label[rows]) & (weight[rows] > 0)]
    w, won = weight[rows], label[rows] > 0
    if won.all() or not won.any():
        raise ModelError(
            f"all {len(rows)} out-of-sample signals have the meta-label {int(won.all())}; "
            "change model.level2.cost_bps or the label barriers, or lengthen validation.train_days"
        )
    gain = (w * net[rows])[won].sum() / w[won].sum()
    loss = -(w * net[rows])[~won].sum() / w[~won].sum()
    return Payoff(float(gain), float(loss), float(w[won].sum() / w.sum()))
