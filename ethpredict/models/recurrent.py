"""Stacked recurrent layers: many models as a batch dimension, with hand-written backward passes.

Every tensor has the models first: inputs (M, T, B, n_in), weights (M, k H, n_in).
The input part of all gates is one product over all steps; only the recurrence
is a loop. Its backward pass is written out because autograd's own bookkeeping
costs more than the arithmetic of such small nets: one product per step and one
for the weights of all steps together.

References
----------
Hochreiter and Schmidhuber (1997), Long short-term memory. doi:10.1162/neco.1997.9.8.1735
Cho et al. (2014), Learning phrase representations using RNN encoder-decoder. arXiv:1406.1078
(the reset gate acts after the product, as in cuDNN and ``torch.nn.GRU``)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


def product(left: Tensor, right: Tensor, half: bool) -> Tensor:
    """Batched product; with `half` of bfloat16 factors, given back in float32."""
    if half:
        return torch.bmm(left.bfloat16(), right.bfloat16()).float()
    return torch.bmm(left, right)


class _Lstm(Function):
    """Recurrence of one LSTM layer; gates in the order input, forget, candidate, output."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, half: bool) -> Tensor:
        """``inputs`` (M, T, B, 4H) holds W x + b; ``weight`` (M, 4H, H); gives h (M, T, B, H)."""
        models, steps, batch, width = inputs.shape
        size = width // 4
        gates, onward = inputs.transpose(0, 1).contiguous(), weight.transpose(1, 2)
        cells = inputs.new_empty(steps, models, batch, size)
        squashed, hidden = torch.empty_like(cells), torch.empty_like(cells)
        for t in range(steps):
            z = gates[t]
            if t:
                z.add_(product(hidden[t - 1], onward, half))
            i, f, g, o = z.split(size, dim=-1)
            z[..., : 2 * size].sigmoid_()
            g.tanh_()
            o.sigmoid_()
            torch.mul(i, g, out=cells[t])
            if t:
                cells[t].addcmul_(f, cells[t - 1])
            torch.tanh(cells[t], out=squashed[t])
            torch.mul(o, squashed[t], out=hidden[t])
        ctx.kept = (gates, cells, squashed, hidden, weight, half)
        return hidden.transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        """Gradients of the gate inputs and of the recurrent weights."""
        gates, cells, squashed, hidden, weight, half = ctx.kept
        above = grads[0].transpose(0, 1)
        steps, _, _, size = cells.shape
        i, f, g, o = gates.split(size, dim=-1)
        # What one unit of dh or dc becomes at each gate: for all steps at once.
        to_c = o * (1.0 - squashed * squashed)
        slope = torch.empty_like(gates)
        torch.mul(g * i, 1.0 - i, out=slope[..., :size])
        slope[0, ..., size : 2 * size] = 0.0
        torch.mul(cells[:-1] * f[1:], 1.0 - f[1:], out=slope[1:, ..., size : 2 * size])
        torch.mul(i, 1.0 - g * g, out=slope[..., 2 * size : 3 * size])
        torch.mul(squashed * o, 1.0 - o, out=slope[..., 3 * size :])
        dz = torch.empty_like(gates)
        dc = torch.zeros_like(cells[0])
        for t in range(steps - 1, -1, -1):
            dh = above[t]
            if t < steps - 1:
                dh = dh + product(dz[t + 1], weight, half)
            dc = torch.addcmul(dc, dh, to_c[t])
            torch.mul(torch.cat((dc, dc, dc, dh), dim=-1), slope[t], out=dz[t])
            dc = dc * f[t]
        return dz.transpose(0, 1), _recurrent_gradient(hidden, dz, weight, half), None


class _Gru(Function):
    """Recurrence of one GRU layer; gates in the order reset, update, candidate."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor, half: bool) -> Tensor:
        """``inputs`` (M, T, B, 3H), ``weight`` (M, 3H, H), ``bias`` (M, 1, H) of the candidate."""
        models, steps, batch, width = inputs.shape
        size = width // 3
        gates, onward = inputs.transpose(0, 1).contiguous(), weight.transpose(1, 2)
        carried = inputs.new_empty(steps, models, batch, size)
        hidden = torch.empty_like(carried)
        state = torch.zeros_like(hidden[0])
        for t in range(steps):
            z = gates[t]
            passed = product(state, onward, half)
            z[..., : 2 * size].add_(passed[..., : 2 * size]).sigmoid_()
            torch.add(passed[..., 2 * size :], bias, out=carried[t])
            z[..., 2 * size :].addcmul_(z[..., :size], carried[t]).tanh_()
            _, u, n = z.split(size, dim=-1)
            torch.lerp(n, state, u, out=hidden[t])
            state = hidden[t]
        ctx.kept = (gates, carried, hidden, weight, half)
        return hidden.transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Gradients of the gate inputs, the recurrent weights and the candidate's bias."""
        gates, carried, hidden, weight, half = ctx.kept
        above = grads[0].transpose(0, 1)
        steps, _, _, size = hidden.shape
        r, u, n = gates.split(size, dim=-1)
        before = torch.cat((torch.zeros_like(hidden[:1]), hidden[:-1]))
        to_n = (1.0 - u) * (1.0 - n * n)
        to_u = (before - n) * u * (1.0 - u)
        to_r = carried * r * (1.0 - r)
        dz, passed = torch.empty_like(gates), torch.empty_like(gates)
        dh = torch.zeros_like(hidden[0])
        for t in range(steps - 1, -1, -1):
            dh = dh + above[t]
            dn = dh * to_n[t]
            dz[t] = torch.cat((dn * to_r[t], dh * to_u[t], dn), dim=-1)
            passed[t] = dz[t]
            passed[t, ..., 2 * size :] *= r[t]
            dh = dh * u[t] + product(passed[t], weight, half)
        bias = passed[..., 2 * size :].sum(dim=(0, 2)).unsqueeze(1)
        return dz.transpose(0, 1), _recurrent_gradient(hidden, passed, weight, half), bias, None


def _recurrent_gradient(hidden: Tensor, dz: Tensor, weight: Tensor, half: bool) -> Tensor:
    """``sum_t dz[t]' h[t-1]`` as one product per model, shape of `weight`."""
    models, width, size = weight.shape
    if len(hidden) < 2:
        return torch.zeros_like(weight)
    before = hidden[:-1].transpose(0, 1).reshape(models, -1, size)
    after = dz[1:].permute(1, 3, 0, 2).reshape(models, width, -1)
    return product(after, before, half)


def lstm(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, half: bool = False) -> Tensor:
    """Run one stacked LSTM layer from a zero state.

    Parameters
    ----------
    x : Tensor, shape (M, T, B, n_in)
        Inputs of each model.
    kernel, recurrent, bias : Tensor, shapes (M, 4H, n_in), (M, 4H, H), (M, 4H)
        Weights; gates in torch's order: input, forget, candidate, output.
    half : bool
        Whether products take bfloat16 factors.

    Returns
    -------
    Tensor, shape (M, T, B, H)
        Hidden states.
    """
    out: Tensor = _Lstm.apply(project(x, kernel, bias, half), recurrent, half)
    return out


def gru(
    x: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    candidate: Tensor,
    half: bool = False,
) -> Tensor:
    """Run one stacked GRU layer from a zero state.

    Parameters
    ----------
    x : Tensor, shape (M, T, B, n_in)
        Inputs of each model.
    kernel, recurrent, bias : Tensor, shapes (M, 3H, n_in), (M, 3H, H), (M, 3H)
        Weights; gates in torch's order: reset, update, candidate.
    candidate : Tensor, shape (M, H)
        Bias of the candidate's recurrent part, inside the reset gate.
    half : bool
        Whether products take bfloat16 factors.

    Returns
    -------
    Tensor, shape (M, T, B, H)
        Hidden states.
    """
    inputs = project(x, kernel, bias, half)
    out: Tensor = _Gru.apply(inputs, recurrent, candidate.unsqueeze(1), half)
    return out


def project(x: Tensor, kernel: Tensor, bias: Tensor, half: bool = False) -> Tensor:
    """``W x + b`` for all steps in one product per model, shape (M, T, B, k H)."""
    models, steps, batch, _ = x.shape
    flat = x.reshape(models, steps * batch, -1)
    gates = product(flat, kernel.transpose(1, 2), half) + bias.unsqueeze(1)
    return gates.view(models, steps, batch, -1)
