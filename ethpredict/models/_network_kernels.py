"""Compiled forward passes of the small nets, one row at a time.

A row's output is computed from its own window in a fixed order of operations,
so it does not depend on which other rows are asked: predictions of a saved
model, of a shorter table and of the training run have the same bits. Matrix
libraries do not promise that. All arithmetic is float32, as in training.
"""

import numba as nb
import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

# Minimax quotient of tanh on [-LIMIT, LIMIT] (Eigen's coefficients for float32).
HALF, LIMIT = np.float32(0.5), np.float32(7.90531110763549805)
P1, P3 = np.float32(4.89352455891786e-03), np.float32(6.37261928875436e-04)
P5, P7 = np.float32(1.48572235717979e-05), np.float32(5.12229709037114e-08)
P9, P11 = np.float32(-8.60467152213735e-11), np.float32(2.00018790482477e-13)
P13 = np.float32(-2.76076847742355e-16)
Q0, Q2 = np.float32(4.89352518554385e-03), np.float32(2.26843463243900e-03)
Q4, Q6 = np.float32(1.18534705686654e-04), np.float32(1.19825839466702e-06)


@nb.njit(cache=True, nogil=True)
def dense(inputs: Singles, kernel: Singles, bias: Singles) -> Singles:
    """``inputs @ kernel + bias`` row by row; inputs (n, a), kernel (a, b), bias (b,)."""
    out = np.empty((inputs.shape[0], kernel.shape[1]), dtype=np.float32)
    for row in range(inputs.shape[0]):
        for j in range(kernel.shape[1]):
            out[row, j] = bias[j]
        for k in range(kernel.shape[0]):
            value = inputs[row, k]
            for j in range(kernel.shape[1]):
                out[row, j] += value * kernel[k, j]
    return out


@nb.njit(cache=True, nogil=True)
def relu(values: Singles) -> None:
    """Negative values to zero, in place."""
    for row in range(values.shape[0]):
        for j in range(values.shape[1]):
            values[row, j] = max(values[row, j], np.float32(0.0))


@nb.njit(cache=True, nogil=True)
def tanh_all(values: Singles) -> None:
    """Hyperbolic tangent in place, shape (n,), within 4e-7.

    A quotient of polynomials, which the compiler turns into vector
    instructions; the library's function is a call for each number, and these
    calls were nine tenths of a prediction's time.
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


@nb.njit(cache=True, nogil=True)
def sigmoid_all(values: Singles) -> None:
    """Logistic function in place, shape (n,): ``(1 + tanh(x / 2)) / 2``."""
    for k in range(values.shape[0]):
        values[k] *= HALF
    tanh_all(values)
    for k in range(values.shape[0]):
        values[k] = HALF + HALF * values[k]


@nb.njit(cache=True, nogil=True)
def lstm_rows(
    projected: Singles,
    rows: Rows,
    length: int,
    recurrent: Singles,
    kernel: Singles,
    bias: Singles,
) -> Singles:
    """Last hidden state of an LSTM over the `length` bars up to each row.

    projected (n, 4H) is the first layer's input part of the gates per bar;
    recurrent (layers, H, 4H); kernel (layers - 1, H, 4H) and bias
    (layers - 1, 4H) belong to the layers above the first.
    """
    layers, size = recurrent.shape[0], recurrent.shape[1]
    out = np.empty((rows.shape[0], size), dtype=np.float32)
    hidden = np.empty((layers, size), dtype=np.float32)
    cell = np.empty((layers, size), dtype=np.float32)
    z = np.empty(4 * size, dtype=np.float32)
    squashed = np.empty(size, dtype=np.float32)
    for k in range(rows.shape[0]):
        hidden[:] = 0.0
        cell[:] = 0.0
        for bar in range(rows[k] - length + 1, rows[k] + 1):
            for layer in range(layers):
                if layer == 0:
                    z[:] = projected[bar]
                else:
                    z[:] = bias[layer - 1]
                    for j in range(size):
                        value = hidden[layer - 1, j]
                        for g in range(4 * size):
                            z[g] += value * kernel[layer - 1, j, g]
                for j in range(size):
                    value = hidden[layer, j]
                    for g in range(4 * size):
                        z[g] += value * recurrent[layer, j, g]
                sigmoid_all(z[: 2 * size])
                tanh_all(z[2 * size : 3 * size])
                sigmoid_all(z[3 * size :])
                for j in range(size):
                    cell[layer, j] = z[size + j] * cell[layer, j] + z[j] * z[2 * size + j]
                    squashed[j] = cell[layer, j]
                tanh_all(squashed)
                for j in range(size):
                    hidden[layer, j] = z[3 * size + j] * squashed[j]
        out[k] = hidden[layers - 1]
    return out


@nb.njit(cache=True, nogil=True)
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
    hidden = np.empty((layers, size), dtype=np.float32)
    z = np.empty(3 * size, dtype=np.float32)
    passed = np.empty(3 * size, dtype=np.float32)
    for k in range(rows.shape[0]):
        hidden[:] = 0.0
        for bar in range(rows[k] - length + 1, rows[k] + 1):
            for layer in range(layers):
                if layer == 0:
                    z[:] = projected[bar]
                else:
                    z[:] = bias[layer - 1]
                    for j in range(size):
                        value = hidden[layer - 1, j]
                        for g in range(3 * size):
                            z[g] += value * kernel[layer - 1, j, g]
                passed[: 2 * size] = 0.0
                passed[2 * size :] = candidate[layer]
                for j in range(size):
                    value = hidden[layer, j]
                    for g in range(3 * size):
                        passed[g] += value * recurrent[layer, j, g]
                for j in range(2 * size):
                    z[j] += passed[j]
                sigmoid_all(z[: 2 * size])
                for j in range(size):
                    z[2 * size + j] += z[j] * passed[2 * size + j]
                tanh_all(z[2 * size :])
                for j in range(size):
                    fresh = z[2 * size + j]
                    hidden[layer, j] = fresh + z[size + j] * (hidden[layer, j] - fresh)
        out[k] = hidden[layers - 1]
    return out
