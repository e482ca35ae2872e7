"""Compiled passes of one net's layers over a batch of sequences, forward and backward.

Of such small nets torch spends most of a step outside the arithmetic. Arrays
have the time first, (T, B, .), so that a step of all sequences is one block of
memory. The plain reference is the stacked net in torch.

References
----------
Hochreiter and Schmidhuber (1997), Long short-term memory. doi:10.1162/neco.1997.9.8.1735
Cho et al. (2014), Learning phrase representations using RNN encoder-decoder. arXiv:1406.1078
(the reset gate acts after the product, as in cuDNN and ``torch.nn.GRU``)
"""

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit
from ethpredict.models._network_kernels import ONE, add_product, gru_step, lstm_step

Singles = npt.NDArray[np.float32]


@njit(cache=True, nogil=True)
def outer_product(inputs: Singles, slopes: Singles) -> Singles:
    """``inputs.T @ slopes``, shape (a, b); inputs (n, a), slopes (n, b)."""
    rows, depth = inputs.shape
    width = slopes.shape[1]
    out = np.zeros((depth, width), dtype=np.float32)
    whole = rows - rows % 4
    for row in range(0, whole, 4):
        for k in range(depth):
            p, q = inputs[row, k], inputs[row + 1, k]
            r, s = inputs[row + 2, k], inputs[row + 3, k]
            for j in range(width):
                out[k, j] += (p * slopes[row, j] + q * slopes[row + 1, j]) + (
                    r * slopes[row + 2, j] + s * slopes[row + 3, j]
                )
    for row in range(whole, rows):
        for k in range(depth):
            p = inputs[row, k]
            for j in range(width):
                out[k, j] += p * slopes[row, j]
    return out


@njit(cache=True, nogil=True)
def lstm_forward(gates: Singles, recurrent: Singles) -> tuple[Singles, Singles, Singles]:
    """Recurrence of one LSTM layer from a zero state.

    gates (T, B, 4H) holds the input part and becomes the gates; recurrent
    (H, 4H). Gives cells, their tanh, and hidden states, (T, B, H) each.
    """
    steps, rows, width = gates.shape
    size = width // 4
    cells = np.empty((steps, rows, size), dtype=np.float32)
    squashed, hidden = np.empty_like(cells), np.empty_like(cells)
    start = np.zeros((rows, size), dtype=np.float32)
    for t in range(steps):
        h = hidden[t - 1] if t else start
        c = cells[t - 1] if t else start
        lstm_step(gates[t], h, c, recurrent, cells[t], squashed[t], hidden[t])
    return cells, squashed, hidden


@njit(cache=True, nogil=True)
def lstm_backward(
    gates: Singles, cells: Singles, squashed: Singles, recurrent: Singles, above: Singles
) -> Singles:
    """Gradient of the gate inputs, (T, B, 4H); above (T, B, H) is that of the hidden states.

    recurrent is (4H, H) here: the transposed of the forward pass.
    """
    steps, rows, size = cells.shape
    slopes = np.empty_like(gates)
    dh = np.zeros((rows, size), dtype=np.float32)
    dc = np.zeros((rows, size), dtype=np.float32)
    for t in range(steps - 1, -1, -1):
        z, dz = gates[t], slopes[t]
        for b in range(rows):
            for j in range(size):
                dh[b, j] += above[t, b, j]
            for j in range(size):
                s = squashed[t, b, j]
                dc[b, j] += dh[b, j] * z[b, 3 * size + j] * (ONE - s * s)
            for j in range(size):
                i = z[b, j]
                dz[b, j] = dc[b, j] * z[b, 2 * size + j] * (i * (ONE - i))
            for j in range(size):
                f = z[b, size + j]
                before = cells[t - 1, b, j] if t else np.float32(0.0)
                dz[b, size + j] = dc[b, j] * before * (f * (ONE - f))
            for j in range(size):
                g = z[b, 2 * size + j]
                dz[b, 2 * size + j] = dc[b, j] * z[b, j] * (ONE - g * g)
            for j in range(size):
                o = z[b, 3 * size + j]
                dz[b, 3 * size + j] = dh[b, j] * squashed[t, b, j] * (o * (ONE - o))
            for j in range(size):
                dc[b, j] *= z[b, size + j]
                dh[b, j] = 0.0
        add_product(dz, recurrent, dh)
    return slopes


@njit(cache=True, nogil=True)
def gru_forward(gates: Singles, recurrent: Singles, candidate: Singles) -> tuple[Singles, Singles]:
    """Recurrence of one GRU layer from a zero state.

    gates (T, B, 3H) holds the input part and becomes the gates; recurrent
    (H, 3H); candidate (H,). Gives what the state sent to the gates, (T, B, 3H),
    and hidden states, (T, B, H).
    """
    steps, rows, width = gates.shape
    size = width // 3
    passed = np.empty_like(gates)
    hidden = np.empty((steps, rows, size), dtype=np.float32)
    start = np.zeros((rows, size), dtype=np.float32)
    for t in range(steps):
        h = hidden[t - 1] if t else start
        gru_step(gates[t], h, recurrent, candidate, passed[t], hidden[t])
    return passed, hidden


@njit(cache=True, nogil=True)
def gru_backward(
    gates: Singles, passed: Singles, hidden: Singles, recurrent: Singles, above: Singles
) -> tuple[Singles, Singles]:
    """Gradients of the gate inputs and of what the state sent to them, (T, B, 3H) each.

    recurrent is (3H, H) here; above (T, B, H) is the gradient of the hidden states.
    """
    steps, rows, size = hidden.shape
    slopes, sent = np.empty_like(gates), np.empty_like(gates)
    dh = np.zeros((rows, size), dtype=np.float32)
    for t in range(steps - 1, -1, -1):
        z, dz, dp = gates[t], slopes[t], sent[t]
        for b in range(rows):
            for j in range(size):
                dh[b, j] += above[t, b, j]
            for j in range(size):
                u, n = z[b, size + j], z[b, 2 * size + j]
                dz[b, 2 * size + j] = dh[b, j] * (ONE - u) * (ONE - n * n)
            for j in range(size):
                u = z[b, size + j]
                before = hidden[t - 1, b, j] if t else np.float32(0.0)
                dz[b, size + j] = dh[b, j] * (before - z[b, 2 * size + j]) * (u * (ONE - u))
            for j in range(size):
                r = z[b, j]
                inner = dz[b, 2 * size + j] * passed[t, b, 2 * size + j]
                dz[b, j] = inner * (r * (ONE - r))
            for j in range(2 * size):
                dp[b, j] = dz[b, j]
            for j in range(size):
                dp[b, 2 * size + j] = dz[b, 2 * size + j] * z[b, j]
                dh[b, j] *= z[b, size + j]
        add_product(dp, recurrent, dh)
    return slopes, sent
