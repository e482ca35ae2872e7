"""Fractional differentiation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import oaconvolve
from scipy.special import binom

from ethpredict.features import _convolution_kernels as _kernels
from ethpredict.features import fracdiff, fracdiff_weights, reference
from ethpredict.features.fractional import fracdiff_memory, whole_fracdiff


@given(st.floats(0.05, 1.95), st.sampled_from([1e-1, 1e-2, 1e-3]))
def test_weights_are_signed_binomial_coefficients(d, tau):
    weights = fracdiff_weights(d, tau)
    k = np.arange(len(weights) + 1)
    exact = (-1.0) ** k * binom(d, k)
    np.testing.assert_allclose(weights, exact[:-1], rtol=1e-10, atol=1e-15)
    assert (np.abs(weights) >= tau).all()
    # The binomial is rounded: a weight that equals tau to the last bit may fall on either side.
    assert abs(exact[-1]) < tau * (1 + 1e-12)


@pytest.mark.parametrize(("tau", "width"), [(1e-3, 55), (1e-4, 282), (1e-5, 1458)])
def test_width_at_four_tenths(tau, width):
    assert len(fracdiff_weights(0.4, tau)) == width


def test_weights_and_widths_of_the_vectors(shared_vectors):
    vectors = json.loads((shared_vectors / "features.json").read_text())["ffd_weights"]
    for d, weights in vectors["d"].items():
        found = fracdiff_weights(float(d), 1e-9, longest=len(weights))
        np.testing.assert_allclose(found, weights[: len(found)], rtol=1e-12)
        assert not np.any(weights[len(found) :])  # d = 1 has two weights
    for key, width in vectors["width_for_tau_d0.4"].items():
        assert len(fracdiff_weights(0.4, float(key))) == width
    for key, width in vectors["width_table"].items():
        d, tau = (float(part) for part in key.split("|"))
        assert len(fracdiff_weights(d, tau)) == width


def test_values_of_the_vectors(shared_vectors):
    vectors = json.loads((shared_vectors / "features.json").read_text())["ffd"]
    rng = np.random.default_rng(42)
    close = 3000.0 * np.exp(np.cumsum(rng.standard_t(4, 600) * 0.004))
    found = fracdiff(np.log(close), vectors["d"], vectors["thres"])
    assert int(np.flatnonzero(np.isfinite(found))[0]) == vectors["first_valid"]
    for row, value in vectors["values_at"].items():
        assert found[int(row)] == pytest.approx(value, rel=1e-12)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 1500),
    st.floats(0.1, 1.9),
    st.sampled_from([1e-3, 1e-4]),
    st.integers(0, 400),
)
def test_kernel_is_the_plain_reference(seed, n, d, tau, offset):
    x = np.random.default_rng(seed).normal(size=n)
    weights = fracdiff_weights(d, tau)
    expected = reference.convolve_past(x, weights)
    for found in (_kernels.direct_past(x, weights), _kernels.partitioned_past(x, weights, offset)):
        np.testing.assert_allclose(found, expected, atol=1e-12)


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 1400), st.floats(0, 1), st.sampled_from([1e-3, 1e-4])
)
def test_causal_bit_for_bit_across_the_kernels_chunks(seed, n, cut, tau):
    x = np.random.default_rng(seed).normal(size=n)
    t = int(cut * n)
    other = x.copy()
    other[t:] = 1e9
    whole = fracdiff(x, 0.4, tau)[:t].tobytes()
    assert fracdiff(other, 0.4, tau)[:t].tobytes() == whole
    assert fracdiff(x[:t], 0.4, tau).tobytes() == whole


@given(st.integers(0, 2**32 - 1), st.integers(600, 1500))
def test_wide_memory_is_the_one_that_is_stated(seed, row):
    x = np.random.default_rng(seed).normal(size=1600)
    memory = fracdiff_memory(len(fracdiff_weights(0.4, 1e-4)))
    other = x.copy()
    other[: row - memory] = 1e6
    assert fracdiff(other, 0.4, 1e-4)[row].tobytes() == fracdiff(x, 0.4, 1e-4)[row].tobytes()


def test_an_fft_of_the_whole_series_would_not_be_causal():
    """Why the convolution is partitioned: the plain one fails the promise."""
    x = np.random.default_rng(1).normal(size=4000)
    weights = fracdiff_weights(0.4, 1e-4)
    other = np.r_[x[:3000], np.full(1000, 1e3)]
    plain = [oaconvolve(y, weights)[:3000] for y in (x, other)]
    assert plain[0].tobytes() != plain[1].tobytes()


def test_stretches_are_the_plain_reference_on_each_piece():
    rng = np.random.default_rng(8)
    x, gap = rng.normal(size=2000), np.zeros(2000, bool)
    x[[400, 401]], gap[1100] = np.nan, True
    pieces = [(0, 400), (402, 1100), (1100, 2000)]
    for tau in (1e-2, 1e-4):
        expected = np.full(2000, np.nan)
        for start, stop in pieces:
            expected[start:stop] = reference.convolve_past(
                x[start:stop], fracdiff_weights(0.4, tau)
            )
        np.testing.assert_allclose(whole_fracdiff(x, gap, 0.4, tau), expected, atol=1e-12)


def test_rows_after_a_hole_know_nothing_of_those_before():
    x = np.random.default_rng(1).normal(size=2000)
    x[900] = np.nan
    other = np.r_[x[:900] * 1e6, x[900:]]
    a, b = (fracdiff(y, 0.4, 1e-4)[900:] for y in (x, other))
    assert a.tobytes() == b.tobytes()
    assert np.flatnonzero(np.isfinite(a))[0] == 282


def test_whole_orders_are_plain_differences():
    x = np.random.default_rng(1).normal(size=50)
    np.testing.assert_array_equal(fracdiff(x, 0.0), x)
    np.testing.assert_allclose(fracdiff(x, 1.0)[1:], np.diff(x), rtol=1e-15)


def test_missing_values_stay_where_the_weights_reach():
    x = np.arange(40.0)
    x[20] = np.nan
    assert np.flatnonzero(np.isnan(fracdiff(x, 1.0))).tolist() == [0, 20, 21]


def test_series_shorter_than_the_width_is_all_missing():
    assert np.isnan(fracdiff(np.arange(10.0), 0.4, 1e-5)).all()


@pytest.mark.parametrize(("d", "tau"), [(-0.1, 1e-3), (0.4, 0.0), (0.4, 1.0), (np.nan, 1e-3)])
def test_orders_and_cut_offs_out_of_range(d, tau):
    with pytest.raises(ValueError, match="must be d >= 0"):
        fracdiff_weights(d, tau)
