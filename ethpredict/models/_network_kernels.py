"""Compiled forward passes of the small nets, one row at a time.

A row's output is computed from its own window in a fixed order of operations,
so it does not depend on which other rows are asked: predictions of a saved
model, of a shorter table and of the training run have the same bits. Matrix
libraries do not promise that. All arithmetic is float32, as in training.
"""

import math

import numba as nb
import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


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
def sigmoid(value: np.float32) -> np.float32:
    """Logistic function that does not overflow."""
    if value >= 0:
        return np.float32(1.0 / (1.0 + math.exp(-value)))
    grown = math.exp(value)
    return np.float32(grown / (1.0 + grown))


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
                for j in range(size):
                    kept = sigmoid(z[size + j]) * cell[layer, j]
                    cell[layer, j] = kept + sigmoid(z[j]) * math.tanh(z[2 * size + j])
                    hidden[layer, j] = sigmoid(z[3 * size + j]) * math.tanh(cell[layer, j])
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
                for j in range(size):
                    reset = sigmoid(z[j] + passed[j])
                    update = sigmoid(z[size + j] + passed[size + j])
                    fresh = math.tanh(z[2 * size + j] + reset * passed[2 * size + j])
                    hidden[layer, j] = fresh + update * (hidden[layer, j] - fresh)
        out[k] = hidden[layers - 1]
    return out
