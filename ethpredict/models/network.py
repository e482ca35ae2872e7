"""What the small nets have in common: scaled sequences in, a fitted net out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ethpredict.models import _network_kernels as kernels
from ethpredict.models.base import (
    Algorithm,
    Floats,
    ModelError,
    Regressor,
    Rows,
    Sample,
    Settings,
)
from ethpredict.models.scaler import Scaler, fit_scaler
from ethpredict.models.segments import cut_sequences
from ethpredict.models.shapes import Shape
from ethpredict.models.tensors import pack_tensors, unpack_tensors
from ethpredict.models.training import Job, Recipe, Sequences, train_all
from ethpredict.models.walkforward import check_block

Singles = npt.NDArray[np.float32]
CLIP = 8.0
"""Scaled inputs are cut off here, in standard deviations: one wild bar must not saturate a net."""
MIN_STEPS = 20
"""Fewest steps with a loss, in training and in inner validation."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Training and inner validation sequences of one window; shared, read-only.

    Parameters
    ----------
    scaler : Scaler
        Of the inputs, fitted on the training rows.
    y_mean, y_scale : float
        Of the target; 0 and 1 for a probability.
    train, check : tuple of ndarray of float32
        Inputs (n, T, k), targets (n, T) and weights (n, T).
    """

    scaler: Scaler
    y_mean: float
    y_scale: float
    train: tuple[Singles, Singles, Singles]
    check: tuple[Singles, Singles, Singles]


class NetworkRegressor(Regressor):
    """A fitted net; prediction is compiled and computes every row by itself."""

    def __init__(
        self, head: dict[str, Any], scaler: Scaler, weights: dict[str, Singles], curve: Floats
    ) -> None:
        self.head, self.scaler, self.weights, self.curve = head, scaler, weights, curve
        self.left_out = scaler.left_out
        self.lookback = int(head["length"])

    def predict(self, features: Floats, rows: Rows) -> Floats:
        """Log return, or probability, shape (len(rows),)."""
        if not len(rows):
            return np.empty(0)
        first, last = int(rows.min()) - self.lookback + 1, int(rows.max()) + 1
        scaled = scaled_inputs(self.scaler, features[first:last])
        out = self._hidden(scaled, rows - first)
        total = np.full(len(rows), self.weights["offset"][0], dtype=np.float32)
        for column, weight in zip(out.T, self.weights["head"], strict=True):
            total += column * weight
        value = total.astype(np.float64)
        if self.head["loss"] == "logistic":
            return np.asarray(1.0 / (1.0 + np.exp(-value)))
        return np.asarray(self.head["y_mean"] + self.head["y_scale"] * value)

    def _hidden(self, scaled: Singles, rows: Rows) -> Singles:
        """Last hidden layer at each row, shape (len(rows), H)."""
        w, layers = self.weights, range(int(self.head["layers"]))
        kernel = [np.ascontiguousarray(w[f"kernel_{k}"].T) for k in layers]
        bias = [w[f"bias_{k}"] for k in layers]
        if self.head["kind"] == "mlp":
            x = np.ascontiguousarray(scaled[rows])
            for k in layers:
                x = np.maximum(kernels.dense(x, kernel[k], bias[k]), np.float32(0.0))
            return np.asarray(x)
        projected = kernels.dense(scaled, kernel[0], bias[0])
        recurrent = np.stack([np.ascontiguousarray(w[f"recurrent_{k}"].T) for k in layers])
        # numba wants arrays of a known rank even where there is only one layer.
        above = np.stack([*kernel[1:], recurrent[0]])
        offset = np.stack([*bias[1:], bias[0]])
        rest = (rows, self.lookback, recurrent, above, offset)
        if self.head["kind"] == "lstm":
            return np.asarray(kernels.lstm_rows(projected, *rest))
        candidate = np.stack([w[f"candidate_{k}"] for k in layers])
        return np.asarray(kernels.gru_rows(projected, *rest, candidate))

    def state(self) -> dict[str, Any]:
        """Shape, scaler and learning curve; the weights are in the blob."""
        return {
            "head": self.head,
            "scaler": self.scaler.state(),
            "curve": self.curve.tolist(),
        }

    def blob(self) -> bytes:
        """Weights in the safetensors layout."""
        return pack_tensors(self.weights)


class Network(Algorithm):
    """A small net with early stopping on a purged inner validation."""

    suffix = ".safetensors"
    kind: ClassVar[str]
    loss: ClassVar[str] = "squared"

    @abstractmethod
    def section(self, settings: Settings) -> Settings:
        """The net's own hyper-parameters."""

    def window(self, settings: Settings) -> tuple[int, int]:
        """Bars of a window and windows of a segment; a net without memory has one and one."""
        return 1, 1

    def reach(self, settings: Settings) -> int:
        """Bars of a segment, L + S - 1."""
        return sum(self.window(settings)) - 1

    def share(self, settings: Settings) -> tuple[Any, ...]:
        """The sequences depend on the scaler and their lengths."""
        return (settings["scaler"], *self.window(settings))

    def prepare(self, sample: Sample, settings: Settings) -> Prepared:
        """Scale, hold the last rows out, cut sequences."""
        if sample.spans is None:
            raise ValueError(f"{self.name} needs a sample with spans")
        scaler = fit_scaler(sample.x, settings["scaler"])
        y_mean, y_scale = self._target_scale(sample)
        target = (sample.y - y_mean) / y_scale
        weight = sample.weight / sample.weight.mean()
        rows, check = check_block(sample.rows, sample.spans.t1)
        parts = []
        for name, chosen in (("training", rows), ("inner validation", check)):
            found = self._sequences(sample, scaler, chosen, target, weight, settings)
            steps = int((found[2] > 0).sum())
            if steps < MIN_STEPS:
                length = self.window(settings)[0]
                raise ModelError(
                    f"{steps} of {len(chosen)} {name} rows have {length} unbroken bars up to them, "
                    f"at least {MIN_STEPS} are needed; lengthen validation.train_days, or shorten "
                    "the sequence or labels.horizon"
                )
            parts.append(found)
        return Prepared(scaler, y_mean, y_scale, parts[0], parts[1])

    def _target_scale(self, sample: Sample) -> tuple[float, float]:
        """Weighted mean and standard deviation of a return; a 0/1 target stays as it is."""
        if self.loss == "logistic":
            return 0.0, 1.0
        total = sample.weight.sum()
        mean = float((sample.y * sample.weight).sum() / total)
        scale = float(np.sqrt((sample.weight * (sample.y - mean) ** 2).sum() / total))
        if not scale > 0:
            raise ModelError(f"the target is constant ({mean:g}) in {len(sample.y)} training rows")
        return mean, scale

    def _sequences(
        self,
        sample: Sample,
        scaler: Scaler,
        chosen: Rows,
        target: Floats,
        weight: Floats,
        settings: Settings,
    ) -> tuple[Singles, Singles, Singles]:
        """Inputs, targets and weights of the sequences that end in the chosen rows."""
        length, steps = self.window(settings)
        spans = sample.spans
        assert spans is not None  # checked by prepare
        readable = spans.readable.copy()
        # Context stops where the chosen rows stop: what follows is held out.
        readable[int(chosen[-1]) + 1 if len(chosen) else 0 :] = False
        cut = cut_sequences(chosen, readable, spans.gap, length, steps)
        place = np.searchsorted(sample.rows, chosen)[cut.sample]
        carried = cut.sample >= 0
        scaled = np.zeros((len(spans.gap), len(scaler.columns)), dtype=np.float32)
        used = np.unique(cut.bars)
        scaled[used] = scaled_inputs(scaler, sample.features[used])
        y = np.where(carried, target[place], 0.0).astype(np.float32)
        w = np.where(carried, weight[place], 0.0).astype(np.float32)
        return scaled[cut.bars], y, w

    def fit(
        self, prepared: Prepared, settings: Settings, seed: int, device: str
    ) -> NetworkRegressor:
        """Train one net."""
        found = self.fit_many([(prepared, settings, seed)], device)[0]
        if isinstance(found, ModelError):
            raise found
        assert isinstance(found, NetworkRegressor)
        return found

    def fit_many(
        self, jobs: Sequence[tuple[Prepared, Settings, int]], device: str
    ) -> list[Regressor | ModelError]:
        """Train nets, those of one shape together where that is faster."""
        todo = [self._job(*job) for job in jobs]
        found: list[Regressor | ModelError] = []
        for (prepared, settings, _), job, outcome in zip(
            jobs, todo, train_all(todo, device), strict=True
        ):
            if outcome.error:
                found.append(ModelError(outcome.error))
                continue
            head = {
                "kind": self.kind,
                "loss": self.loss,
                "layers": job.shape.layers,
                "length": self.window(settings)[0],
                "y_mean": prepared.y_mean,
                "y_scale": prepared.y_scale,
            }
            found.append(NetworkRegressor(head, prepared.scaler, outcome.weights, outcome.curve))
        return found

    def _job(self, prepared: Prepared, settings: Settings, seed: int) -> Job:
        """One net to train, as the settings describe it."""
        own = self.section(settings)
        n_in = len(prepared.scaler.columns)
        recipe = Recipe(
            seed,
            learning_rate=float(own["learning_rate"]),
            weight_decay=float(own["weight_decay"]),
            dropout=float(own["dropout"]),
            epochs=int(own["epochs"]),
            patience=int(own["patience"]),
        )
        return Job(
            shape=Shape(self.kind, n_in, int(own["hidden"]), int(own["layers"])),
            loss=self.loss,
            batch=max(1, int(own["batch_rows"]) // self.window(settings)[1]),
            train=Sequences(*prepared.train),
            check=Sequences(*prepared.check),
            recipe=recipe,
            precision=str(settings.get("precision", "float32")),
            graph=bool(settings.get("cuda_graph", False)),
        )

    def load(self, state: dict[str, Any], blob: bytes | None) -> NetworkRegressor:
        """Rebuild from JSON and weights."""
        curve = np.array(state["curve"], dtype=np.float64).reshape(-1, 2)
        weights = unpack_tensors(blob or b"")
        return NetworkRegressor(state["head"], Scaler.load(state["scaler"]), weights, curve)


def scaled_inputs(scaler: Scaler, x: Floats) -> Singles:
    """Inputs of a net, shape (n, k): scaled, cut off at `CLIP`, float32."""
    scaled = np.clip(scaler.transform(x).T, -CLIP, CLIP)
    return np.ascontiguousarray(scaled, dtype=np.float32)
