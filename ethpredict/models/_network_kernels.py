"""Compiled arithmetic of the small nets: products, recurrent steps, predictions of rows.

Each row (a window that is predicted, or a sequence of a batch) goes through the
same operations in the same order whichever rows stand beside it: predictions of
a saved model, of a shorter table and of the training run have the same bits.
Matrix libraries do not promise that. All arithmetic is float32; the inner loops
run over units, so that they become vector instructions.
"""

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit

Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

TOGETHER = 32
"""Windows that are predicted in step: their state stays in the fastest cache."""

# Minimax quotient of tanh on [-LIMIT, LIMIT] (Eigen's coefficients for float32).
HALF, ONE, LIMIT = np.float32(0.5), np.float32(1.0), np.float32(7.90531110763549805)
P1, P3 = np.float32(4.89352455891786e-03), np.float32(6.37261928875436e-04)
P5, P7 = np.float32(1.48572235717979e-05), np.float32(5.12229709037114e-08)
P9, P11 = np.float32(-8.60467152213735e-11), np.float32(2.00018790482477e-13)
P13 = np.float32(-2.76076847742355e-16)
Q0, Q2 = np.float32(4.89352518554385e-03), np.float32(2.26843463243900e-03)
Q4, Q6 = np.float32(1.18534705686654e-04), np.float32(1.19825839466702e-06)


@njit(cache=True, nogil=True)
def add_product(inputs: Singles, kernel: Singles, out: Singles) -> None:
    """``out += inputs @ kernel`` row by row; inputs (n, a), kernel (a, b), out (n, b).

    Four terms a turn: a sum is read and written once for four products.
    """
    depth, width = kernel.shape
    whole = depth - depth % 4
    for row in range(inputs.shape[0]):
        for k in range(0, whole, 4):
            p, q = inputs[row, k], inputs[row, k + 1]
            r, s = inputs[row, k + 2], inputs[row, k + 3]
            for j in range(width):
                out[row, j] += (p * kernel[k, j] + q * kernel[k + 1, j]) + (
                    r * kernel[k + 2, j] + s * kernel[k + 3, j]
                )
        for k in range(whole, depth):
            p = inputs[row, k]
            for j in range(width):
                out[row, j] += p * kernel[k, j]


@njit(cache=True, nogil=True)
def dense(inputs: Singles, kernel: Singles, bias: Singles) -> Singles:
    """``inputs @ kernel + bias`` row by row; inputs (n, a), kernel (a, b), bias (b,)."""
    out = np.empty((inputs.shape[0], kernel.shape[1]), dtype=np.float32)
    for row in range(inputs.shape[0]):
        for j in range(kernel.shape[1]):
            out[row, j] = bias[j]
    add_product(inputs, kernel, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def tanh_all(values: Singles) -> None:
    """Hyperbolic tangent in place, shape (n,), within 4e-7.

    A quotient of polynomials, which the compiler turns into vector
    instructions, as long as the division has no check for zero (`error_model`;
    the divisor is at least 0.0048). The library's function is a call for each
    number, and these calls were nine tenths of a prediction's time.
    """
    for k in range(values.shape[0]):
        x = values[k]
        x = LIMIT if x > LIMIT else x
        x = -LIMIT if x < -LIMIT else x
        y = x * x
        top = P13 * y + P11
        top = top * y + P9
        top = top * y + P7
        top = top * y + P5
        top = top * y + P3
        top = top * y + P1
        low = Q6 * y + Q4
        low = low * y + Q2
        low = low * y + Q0
        values[k] = x * top / low


@njit(cache=True, nogil=True)
def sigmoid_all(values: Singles) -> None:
    """Logistic function in place, shape (n,): ``(1 + tanh(x / 2)) / 2``."""
    for k in range(values.shape[0]):
        values[k] *= HALF
    tanh_all(values)
    for k in range(values.shape[0]):
        values[k] = HALF + HALF * values[k]


@njit(cache=True, nogil=True)
def lstm_step(
    z: Singles,
    before: Singles,
    cell_before: Singles,
    recurrent: Singles,
    cell: Singles,
    squashed: Singles,
    hidden: Singles,
) -> None:
    """One bar of an LSTM layer for a batch of sequences.

    z (B, 4H) holds the input part of the gates and becomes the gates (input,
    forget, candidate, output); before, cell_before (B, H) are the state, which
    cell, squashed (tanh of the cell) and hidden (B, H) continue. hidden may be
    before, cell may be cell_before. recurrent (H, 4H).
    """
    rows, size = hidden.shape
    add_product(before, recurrent, z)
    for b in range(rows):
        for j in range(2 * size):
            z[b, j] *= HALF
        for j in range(3 * size, 4 * size):
            z[b, j] *= HALF
    tanh_all(z.reshape(-1))
    for b in range(rows):
        for j in range(2 * size):
            z[b, j] = HALF + HALF * z[b, j]
        for j in range(3 * size, 4 * size):
            z[b, j] = HALF + HALF * z[b, j]
        for j in range(size):
            cell[b, j] = z[b, size + j] * cell_before[b, j] + z[b, j] * z[b, 2 * size + j]
        for j in range(size):
            squashed[b, j] = cell[b, j]
    tanh_all(squashed.reshape(-1))
    for b in range(rows):
        for j in range(size):
            hidden[b, j] = z[b, 3 * size + j] * squashed[b, j]


@njit(cache=True, nogil=True)
def gru_step(
    z: Singles,
    before: Singles,
    recurrent: Singles,
    candidate: Singles,
    passed: Singles,
    hidden: Singles,
) -> None:
    """One bar of a GRU layer for a batch of sequences.

    As :func:`lstm_step` with 3H gates (reset, update, candidate); candidate
    (H,) is the bias inside the reset gate, passed (B, 3H) becomes what the
    state sends to the gates.
    """
    rows, size = hidden.shape
    for b in range(rows):
        for j in range(2 * size):
            passed[b, j] = 0.0
        for j in range(size):
            passed[b, 2 * size + j] = candidate[j]
    add_product(before, recurrent, passed)
    for b in range(rows):
        for j in range(2 * size):
            z[b, j] += passed[b, j]
        sigmoid_all(z[b, : 2 * size])
        for j in range(size):
            z[b, 2 * size + j] += z[b, j] * passed[b, 2 * size + j]
        tanh_all(z[b, 2 * size :])
        for j in range(size):
            fresh = z[b, 2 * size + j]
            hidden[b, j] = fresh + z[b, size + j] * (before[b, j] - fresh)


@njit(cache=True, nogil=True)
def _gate_inputs(
    layer: int,
    bars: Rows,
    projected: Singles,
    below: Singles,
    kernel: Singles,
    bias: Singles,
    z: Singles,
) -> None:
    """Input part of a layer's gates (B, G): read for the first layer, computed above."""
    for b in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[b, j] = projected[bars[b], j] if layer == 0 else bias[layer - 1, j]
    if layer:
        add_product(below, kernel[layer - 1], z)


@njit(cache=True, nogil=True)
def lstm_rows(
    projected: Singles,
    rows: Rows,
    length: int,
    recurrent: Singles,
    kernel: Singles,
    bias: Singles,
) -> Singles:
    """Last hidden state of an LSTM over the `length` bars up to each row.

    projected (n, 4H) is the first layer's input part of the gates per bar, the
    same in every window that holds the bar; recurrent (layers, H, 4H); kernel
    (layers - 1, H, 4H) and bias (layers - 1, 4H) belong to the layers above
    the first.
    """
    layers, size = recurrent.shape[0], recurrent.shape[1]
    out = np.empty((rows.shape[0], size), dtype=np.float32)
    for start in range(0, rows.shape[0], TOGETHER):
        count = min(TOGETHER, rows.shape[0] - start)
        hidden = np.zeros((layers, count, size), dtype=np.float32)
        cell = np.zeros((layers, count, size), dtype=np.float32)
        z = np.empty((count, 4 * size), dtype=np.float32)
        squashed = np.empty((count, size), dtype=np.float32)
        for back in range(length - 1, -1, -1):
            bars = rows[start : start + count] - back
            for layer in range(layers):
                h, c = hidden[layer], cell[layer]
                _gate_inputs(layer, bars, projected, hidden[layer - 1], kernel, bias, z)
                lstm_step(z, h, c, recurrent[layer], c, squashed, h)
        for b in range(count):
            for j in range(size):
                out[start + b, j] = hidden[layers - 1, b, j]
    return out


@njit(cache=True, nogil=True)
def gru_rows(
    projected: Singles,
    rows: Rows,
    length: int,
    recurrent: Singles,
    kernel: Singles,
    bias: Singles,
    candidate: Singles,
) -> Singles:
    """Last hidden state of a GRU over the `length` bars up to each row.

    As :func:`lstm_rows` with 3H gates (reset, update, candidate); candidate
    (layers, H) is the bias inside the reset gate.
    """
    layers, size = recurrent.shape[0], recurrent.shape[1]
    out = np.empty((rows.shape[0], size), dtype=np.float32)
    for start in range(0, rows.shape[0], TOGETHER):
        count = min(TOGETHER, rows.shape[0] - start)
        hidden = np.zeros((layers, count, size), dtype=np.float32)
        z = np.empty((count, 3 * size), dtype=np.float32)
        passed = np.empty((count, 3 * size), dtype=np.float32)
        for back in range(length - 1, -1, -1):
            bars = rows[start : start + count] - back
            for layer in range(layers):
                h = hidden[layer]
                _gate_inputs(layer, bars, projected, hidden[layer - 1], kernel, bias, z)
                gru_step(z, h, recurrent[layer], candidate[layer], passed, h)
        for b in range(count):
            for j in range(size):
                out[start + b, j] = hidden[layers - 1, b, j]
    return out
