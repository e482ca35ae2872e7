"""Shapes of the small nets: their weights in one flat vector per model, and the stacked pass.

All weights of a model stand in one row of a (M, P) tensor, so that the
optimiser is a few operations however many layers there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ethpredict.models import recurrent

GATES = {"lstm": 4, "gru": 3}


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
        size, gates = self.hidden, GATES.get(self.kind, 1)
        for layer in range(self.layers):
            n_in = self.n_in if layer == 0 else size
            found[f"kernel_{layer}"] = (gates * size, n_in)
            if self.kind != "mlp":
                found[f"recurrent_{layer}"] = (gates * size, size)
            found[f"bias_{layer}"] = (gates * size,)
            if self.kind == "gru":
                found[f"candidate_{layer}"] = (size,)
        return found | {"head": (size,), "offset": (1,)}


def initial_weights(shape: Shape, generator: torch.Generator) -> Tensor:
    """Weights of one model before training, shape (P,).

    Uniform within 1/sqrt(fan-in), the head's at zero: an untrained model
    predicts the mean, so that training starts from the forecast to beat.
    """
    parts = []
    for name, size in shape.weights().items():
        fan_in = shape.n_in if name == "kernel_0" and shape.kind == "mlp" else shape.hidden
        bound = 0.0 if name in ("head", "offset") else 1.0 / math.sqrt(fan_in)
        drawn = torch.rand(math.prod(size), generator=generator)
        parts.append((2.0 * drawn - 1.0) * bound)
    return torch.cat(parts)


def views(shape: Shape, flat: Tensor) -> dict[str, Tensor]:
    """Weights (M, ...) by name as views into the flat tensor (M, P)."""
    found, place = {}, 0
    for name, size in shape.weights().items():
        count = math.prod(size)
        found[name] = flat[:, place : place + count].view(len(flat), *size)
        place += count
    return found


def forward(shape: Shape, weights: Mapping[str, Tensor], x: Tensor, masks: list[Tensor]) -> Tensor:
    """Outputs at every step.

    Parameters
    ----------
    shape : Shape
        Of all models.
    weights : mapping of str to Tensor, shapes (M, ...)
        From :func:`views`.
    x : Tensor, shape (M, T, B, n_in)
        Scaled inputs.
    masks : list of Tensor, shape (M, 1, B, H)
        Dropout factors after each hidden layer, one per sequence and unit
        (Gal and Ghahramani, 2016, arXiv:1512.05287); empty for none.

    Returns
    -------
    Tensor, shape (M, T, B)
        Standardised return, or log-odds.
    """
    for layer in range(shape.layers):
        parts = [weights[f"kernel_{layer}"]]
        if shape.kind != "mlp":
            parts.append(weights[f"recurrent_{layer}"])
        parts.append(weights[f"bias_{layer}"])
        if shape.kind == "lstm":
            x = recurrent.lstm(x, parts[0], parts[1], parts[2])
        elif shape.kind == "gru":
            x = recurrent.gru(x, parts[0], parts[1], parts[2], weights[f"candidate_{layer}"])
        else:
            x = torch.relu(recurrent.project(x, parts[0], parts[1]))
        if masks:
            x = x * masks[layer]
    head = weights["head"][:, None, None, :]
    return (x * head).sum(dim=-1) + weights["offset"][:, None]


def named_arrays(shape: Shape, flat: Tensor) -> dict[str, npt.NDArray[np.float32]]:
    """Weights of one model, flat (P,), as numpy arrays by name."""
    found: dict[str, Any] = views(shape, flat.detach().cpu()[None])
    return {name: value[0].numpy().copy() for name, value in found.items()}
