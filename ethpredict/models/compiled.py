"""One small net on a CPU: compiled passes over a batch of sequences, and AdamW.

The same model as a stack of one in :mod:`ethpredict.models.stacked`, without torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ethpredict.models import _network_kernels as kernels
from ethpredict.models import _training_kernels as passes
from ethpredict.models.shapes import Shape, dropout_masks, initial_weights

Singles = npt.NDArray[np.float32]
BETAS, EPSILON, MAX_NORM = (0.9, 0.999), 1e-8, 1.0


class Net:
    """A net and the state of its optimiser.

    Parameters
    ----------
    shape : Shape
        Layers.
    loss : {"squared", "logistic"}
        Weighted squared error, or log-loss of log-odds.
    rng : numpy Generator
        Draws the first weights and the dropout masks.
    """

    def __init__(self, shape: Shape, loss: str, rng: np.random.Generator) -> None:
        self.shape, self.loss, self.rng = shape, loss, rng
        self.flat = initial_weights(shape, rng)
        self.slope, self.mean, self.square = (np.zeros_like(self.flat) for _ in range(3))
        self.weights, self.slopes = shape.views(self.flat), shape.views(self.slope)
        self.steps = 0

    def learn(self, x: Singles, y: Singles, w: Singles, dropout: float) -> float:
        """Loss of a batch; its gradient is kept for :meth:`step`.

        Parameters
        ----------
        x : ndarray of float32, shape (T, B, n_in)
            Inputs.
        y, w : ndarray of float32, shape (T, B)
            Target and weight.
        dropout : float, in [0, 1)
            Share of units left out.
        """
        masks = dropout_masks(self.shape, x.shape[1], dropout, self.rng) if dropout else None
        out, top, kept = self._forward(x, masks)
        loss, slope = losses(self.loss, out, y, w)
        self.slopes["head"][:] = np.einsum("tbh,tb->h", top, slope)
        self.slopes["offset"][0] = slope.sum()
        above = slope[:, :, None] * self.weights["head"]
        for layer in range(self.shape.layers - 1, -1, -1):
            if masks is not None:
                above *= masks[layer]
            dz = self._layer_back(layer, kept[layer], above)
            rows, n_in = dz.reshape(-1, dz.shape[2]), kept[layer][0].shape[2]
            inputs = kept[layer][0].reshape(-1, n_in)
            self.slopes[f"kernel_{layer}"][:] = passes.outer_product(inputs, rows).T
            self.slopes[f"bias_{layer}"][:] = rows.sum(axis=0)
            if layer:
                below = np.zeros_like(inputs)
                kernels.add_product(rows, self.weights[f"kernel_{layer}"], below)
                above = below.reshape(*dz.shape[:2], n_in)
        return loss

    def step(self, rate: float, decay: float) -> None:
        """AdamW (Loshchilov and Hutter, 2019, arXiv:1711.05101), the gradient's norm clipped."""
        self.steps += 1
        norm = float(np.sqrt(np.square(self.slope).sum()))
        self.slope *= min(MAX_NORM / (norm + 1e-6), 1.0)
        self.mean += (1.0 - BETAS[0]) * (self.slope - self.mean)
        self.square += (1.0 - BETAS[1]) * (np.square(self.slope) - self.square)
        scale = np.sqrt(self.square / (1.0 - BETAS[1] ** self.steps)) + EPSILON
        change = self.mean / (1.0 - BETAS[0] ** self.steps) / scale
        self.flat -= rate * (change + decay * self.flat)

    def judge(self, x: Singles, y: Singles, w: Singles) -> float:
        """Loss of a batch without dropout; arrays as in :meth:`learn`."""
        return losses(self.loss, self._forward(x, None)[0], y, w)[0]

    def _forward(self, x: Singles, masks: Singles | None) -> tuple[Singles, Singles, list[Any]]:
        """Outputs (T, B), the last hidden layer, and per layer its input and what back needs."""
        steps, batch, _ = x.shape
        kept: list[Any] = []
        for layer in range(self.shape.layers):
            kernel = np.ascontiguousarray(self.weights[f"kernel_{layer}"].T)
            flat = x.reshape(steps * batch, -1)
            z = kernels.dense(flat, kernel, self.weights[f"bias_{layer}"])
            z = z.reshape(steps, batch, -1)
            if self.shape.kind == "mlp":
                rest = (hidden := np.maximum(z, np.float32(0.0)),)
            else:
                recurrent = np.ascontiguousarray(self.weights[f"recurrent_{layer}"].T)
                if self.shape.kind == "lstm":
                    rest = passes.lstm_forward(z, recurrent)
                else:
                    candidate = self.weights[f"candidate_{layer}"]
                    rest = passes.gru_forward(z, recurrent, candidate)
                hidden = rest[-1]
            kept.append((x, z, *rest))
            x = hidden if masks is None else hidden * masks[layer]
        out = np.einsum("tbh,h->tb", x, self.weights["head"]) + self.weights["offset"][0]
        return out, x, kept

    def _layer_back(self, layer: int, kept: tuple[Singles, ...], above: Singles) -> Singles:
        """Gradient of a layer's gate inputs; that of its recurrent weights is kept."""
        if self.shape.kind == "mlp":
            return np.where(kept[2] > 0, above, np.float32(0.0))
        recurrent, hidden = self.weights[f"recurrent_{layer}"], kept[-1]
        size = hidden.shape[2]
        if self.shape.kind == "lstm":
            dz = sent = passes.lstm_backward(kept[1], kept[2], kept[3], recurrent, above)
        else:
            dz, sent = passes.gru_backward(kept[1], kept[2], hidden, recurrent, above)
            self.slopes[f"candidate_{layer}"][:] = sent[:, :, 2 * size :].sum(axis=(0, 1))
        before, after = hidden[:-1].reshape(-1, size), sent[1:].reshape(-1, sent.shape[2])
        self.slopes[f"recurrent_{layer}"][:] = passes.outer_product(before, after).T
        return np.asarray(dz)


def losses(kind: str, out: Singles, y: Singles, w: Singles) -> tuple[float, Singles]:
    """Weighted mean loss, and its gradient in the outputs (T, B)."""
    w = w / max(float(w.sum()), 1e-12)
    if kind == "squared":
        off = out - y
        return float((w * off * off).sum()), 2.0 * w * off
    loss = float((w * (np.logaddexp(np.float32(0.0), out) - y * out)).sum())
    return loss, w * (0.5 + 0.5 * np.tanh(0.5 * out) - y)
