"""Shapes of the small nets, their weights in one flat vector, and their random draws.

Draws are made on the CPU whatever trains the net, so that every device sees the same ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]

GATES = {"lstm": 4, "gru": 3, "mlp": 1}


@dataclass(frozen=True, slots=True)
class Shape:
    """What models must share to be trained as one stack.

    Parameters
    ----------
    kind : {"lstm", "gru", "mlp"}
        Kind of the hidden layers.
    n_in, hidden, layers : int, >= 1
        Inputs, units of a hidden layer, hidden layers.
    """

    kind: str
    n_in: int
    hidden: int
    layers: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of one model's weights, in the order of the flat vector."""
        found: dict[str, tuple[int, ...]] = {}
        size, gates = self.hidden, GATES[self.kind]
        for layer in range(self.layers):
            n_in = self.n_in if layer == 0 else size
            found[f"kernel_{layer}"] = (gates * size, n_in)
            if self.kind != "mlp":
                found[f"recurrent_{layer}"] = (gates * size, size)
            found[f"bias_{layer}"] = (gates * size,)
            if self.kind == "gru":
                found[f"candidate_{layer}"] = (size,)
        return found | {"head": (size,), "offset": (1,)}

    def views(self, flat: Singles) -> dict[str, Singles]:
        """Weights of one model by name, as views into the flat vector (P,)."""
        found, place = {}, 0
        for name, size in self.weights().items():
            count = math.prod(size)
            found[name] = flat[place : place + count].reshape(size)
            place += count
        return found


def initial_weights(shape: Shape, rng: np.random.Generator) -> Singles:
    """Weights of one model before training, shape (P,).

    Uniform within 1/sqrt(fan-in), the head's at zero: an untrained model
    predicts the mean, so that training starts from the forecast to beat.
    """
    parts = []
    for name, size in shape.weights().items():
        fan_in = shape.n_in if name == "kernel_0" and shape.kind == "mlp" else shape.hidden
        bound = 0.0 if name in ("head", "offset") else 1.0 / math.sqrt(fan_in)
        drawn = rng.random(math.prod(size), dtype=np.float32)
        parts.append((2.0 * drawn - 1.0) * np.float32(bound))
    return np.concatenate(parts)


def dropout_masks(shape: Shape, batch: int, rate: float, rng: np.random.Generator) -> Singles:
    """Factors after each hidden layer, shape (layers, 1, batch, H): one per sequence and unit.

    References
    ----------
    Gal and Ghahramani (2016), A theoretically grounded application of dropout
    in recurrent neural networks. arXiv:1512.05287
    """
    drawn = rng.random((shape.layers, 1, batch, shape.hidden), dtype=np.float32)
    return np.asarray((drawn >= rate) / np.float32(1.0 - rate), dtype=np.float32)
