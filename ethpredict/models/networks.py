"""Forward pass of a stack of small nets in torch.

All weights of a model stand in one row of a (M, P) tensor, so that the
optimiser is a few operations however many layers there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ethpredict.models import recurrent
from ethpredict.models.shapes import Shape


def views(shape: Shape, flat: Tensor) -> dict[str, Tensor]:
    """Weights (M, ...) by name as views into the flat tensor (M, P)."""
    found, place = {}, 0
    for name, size in shape.weights().items():
        count = math.prod(size)
        found[name] = flat[:, place : place + count].view(len(flat), *size)
        place += count
    return found


def forward(
    shape: Shape,
    weights: Mapping[str, Tensor],
    x: Tensor,
    masks: Sequence[Tensor] | Tensor,
    precision: str = "float32",
) -> Tensor:
    """Outputs at every step.

    Parameters
    ----------
    shape : Shape
        Of all models.
    weights : mapping of str to Tensor, shapes (M, ...)
        From :func:`views`.
    x : Tensor, shape (M, T, B, n_in)
        Scaled inputs.
    masks : sequence of Tensor, shapes (M, 1, B, H), or Tensor
        Dropout factors after each hidden layer; empty for none.
    precision : {"float32", "tf32", "bfloat16"}
        Of the factors of products; sums, states and weights stay in float32.

    Returns
    -------
    Tensor, shape (M, T, B)
        Standardised return, or log-odds.
    """
    half = precision == "bfloat16"
    for layer in range(shape.layers):
        kernel, bias = weights[f"kernel_{layer}"], weights[f"bias_{layer}"]
        if shape.kind == "lstm":
            x = recurrent.lstm(x, kernel, weights[f"recurrent_{layer}"], bias, half)
        elif shape.kind == "gru":
            inner = weights[f"recurrent_{layer}"], bias, weights[f"candidate_{layer}"]
            x = recurrent.gru(x, kernel, *inner, half)
        else:
            x = torch.relu(recurrent.project(x, kernel, bias, half))
        if len(masks):
            x = x * masks[layer]
    head = weights["head"][:, None, None, :]
    return (x * head).sum(dim=-1) + weights["offset"][:, None]
