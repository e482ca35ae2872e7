"""Entropy of encoded returns."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from ethpredict import features
from ethpredict.features import (
    _kernels,
    _message_kernels,
    kontoyiannis,
    lempel_ziv,
    plug_in_entropy,
    reference,
    shannon_entropy,
)


@pytest.mark.parametrize(
    ("message", "bits"),
    [("", 0.0), ("aaaa", 0.0), ("11100001", 1.0), ("abcd", 2.0), ("aab", math.log2(3) - 2 / 3)],
)
def test_shannon_by_hand(message, bits):
    assert shannon_entropy(message) == pytest.approx(bits, abs=1e-15)


def test_shannon_of_the_vectors(shared_vectors):
    cases = json.loads((shared_vectors / "features.json").read_text())["entropy"]["values"]
    for message, values in cases.items():
        assert shannon_entropy(message) == pytest.approx(values["shannon_bits"], abs=1e-12)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60))
def test_shannon_is_scipys(message):
    _, counts = np.unique(message, return_counts=True)
    assert shannon_entropy(message) == pytest.approx(scipy_entropy(counts, base=2), abs=1e-12)


@given(st.lists(st.integers(0, 4), max_size=120), st.integers(1, 30), st.integers(0, 50))
def test_rolling_kernel_is_the_plain_reference(codes, window, broken):
    letters = np.array(codes, dtype=np.int64)
    run = np.arange(1, len(letters) + 1)
    run[broken:] = np.maximum(run[broken:] - broken, 0)
    np.testing.assert_allclose(
        _kernels.rolling_entropy(letters, run, window, 5),
        reference.rolling_entropy(letters, run, window),
        atol=1e-12,
    )


def test_columns_count_signs_and_words_of_three(make_bars, make_settings):
    bars = make_bars(6, 80, flat=0.3)
    found = features.build(bars, make_settings(include=["entropy"])).frame
    sign = np.sign(bars["close"].diff()).astype("Int64").astype(str).tolist()
    for row in (20, 47, 79):
        letters = sign[row - 11 : row + 1]
        words = [tuple(sign[i - 2 : i + 1]) for i in range(row - 11, row + 1)]
        ids = {word: number for number, word in enumerate(sorted(set(words)))}
        assert found["entropy_sign"][row] == pytest.approx(shannon_entropy(letters))
        assert found["entropy_words"][row] == pytest.approx(
            shannon_entropy([ids[word] for word in words])
        )


def test_a_pattern_lowers_the_entropy_of_words_not_of_signs(make_bars, make_settings):
    bars = make_bars(6, 400)
    bars["close"] = 3000.0 + np.tile([0.0, 1.0], 200)
    found = features.build(bars, make_settings(include=["entropy"], entropy_window=100)).frame
    assert found["entropy_sign"].iloc[-1] == pytest.approx(1.0)
    assert found["entropy_words"].iloc[-1] == pytest.approx(1.0)  # two words only; noise has 3 bits


def test_estimators_of_the_vectors(shared_vectors):
    cases = json.loads((shared_vectors / "features.json").read_text())["entropy"]["values"]
    for message, values in cases.items():
        found = {
            "plug_in_w1": plug_in_entropy(message, 1),
            "plug_in_w2": plug_in_entropy(message, 2),
            "lz_ratio": lempel_ziv(message),
            "konto": kontoyiannis(message),
            "konto_w3": kontoyiannis(message, 3),
        }
        for name, value in found.items():
            assert value == pytest.approx(values[name], abs=1e-12), (message, name)


@given(st.lists(st.integers(0, 3), max_size=150))
def test_phrases_are_the_plain_reference(message):
    expected = reference.phrases(message) / max(1, len(message))
    assert lempel_ziv(message) == expected


@given(st.lists(st.integers(0, 2), min_size=1, max_size=150), st.integers(1, 40))
def test_rolling_phrases_are_the_plain_reference(message, window):
    codes = np.array(message, dtype=np.int64)
    run = np.arange(1, len(codes) + 1)
    run[len(codes) // 2 :] -= len(codes) // 2
    found = _message_kernels.rolling_phrases(codes, run, window, 3)
    for t in range(len(codes)):
        if run[t] < window:
            assert np.isnan(found[t])
        else:
            assert found[t] == reference.phrases(message[t - window + 1 : t + 1])


@given(
    st.one_of(
        st.lists(st.integers(0, 2), max_size=160),
        st.lists(st.integers(0, 1), max_size=9).map(lambda part: part * 17),
    ),
    st.integers(1, 50),
)
def test_match_lengths_are_the_plain_reference(message, look):
    codes = np.array(message, dtype=np.int64)
    found = _message_kernels.match_lengths(codes, np.arange(1, len(codes) + 1), look)
    for t in range(len(codes)):
        if t < 2 * look - 1:
            assert np.isnan(found[t])
        else:
            i = t - look + 1
            assert found[t] == reference.longest_match(message, i, look)
            assert found[t] == _message_kernels.longest_match(codes, i, look)


def test_columns_are_the_public_estimators_on_each_window(make_bars, make_settings):
    bars = make_bars(6, 160, flat=0.3)
    found = features.build(bars, make_settings(include=["entropy"], entropy_window=30)).frame
    sign = np.sign(bars["close"].diff())
    for row in (30, 99, 159):
        letters = sign[row - 29 : row + 1].tolist()
        assert found["entropy_lempel_ziv"][row] == lempel_ziv(letters)
        assert found["entropy_kontoyiannis"][row] == pytest.approx(
            kontoyiannis(letters, 10), rel=1e-12
        )


@pytest.mark.parametrize("call", [lambda: plug_in_entropy("01", 2), lambda: kontoyiannis("0")])
def test_messages_too_short_are_refused(call):
    with pytest.raises(ValueError, match=r"must be|needed"):
        call()
