"""The label stage: its columns by definition, and what it may know."""

from __future__ import annotations

import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ethpredict import labels
from ethpredict.io import artefact
from ethpredict.labels import _kernels, reference
from scripts import build_labels

KNOWN_AT_ENTRY = ["t0", "horizon_s", "sigma_bar"]
KNOWN_AT_TOUCH = ["t1", "label", "ret", "touch", "weight"]


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(20, 120), cut=st.floats(0, 1))
@hypothesis_settings(max_examples=40)
def test_what_has_ended_is_the_same_on_truncated_data(make_bars, make_settings, seed, n, cut):
    bars, last = make_bars(seed, n, 0.02), int(cut * (n - 1))
    whole = labels.build(bars, make_settings()).iloc[: last + 1]
    short = labels.build(bars.iloc[: last + 1], make_settings())
    pd.testing.assert_frame_equal(whole[KNOWN_AT_ENTRY], short[KNOWN_AT_ENTRY], check_exact=True)
    ended = whole["t1"].between(0, last)
    pd.testing.assert_frame_equal(
        whole.loc[ended, KNOWN_AT_TOUCH], short.loc[ended, KNOWN_AT_TOUCH], check_exact=True
    )
    assert (short.loc[~ended, "t1"] == -1).all()
    assert (short.loc[~ended, "weight"] == 0.0).all()
    reached = whole["t1_horizon"].between(0, last)
    columns = ["t1_horizon", "ret_horizon"]
    pd.testing.assert_frame_equal(
        whole.loc[reached, columns], short.loc[reached, columns], check_exact=True
    )
    assert (short.loc[~reached, "t1_horizon"] == -1).all()
    assert short.loc[~reached, "ret_horizon"].isna().all()


def test_sigma_and_horizon_by_definition(make_bars, make_settings):
    bars = make_bars(3, 60)
    found = labels.build(bars, make_settings())
    log_close = np.log(bars["close"])
    np.testing.assert_allclose(found["sigma_bar"], log_close.diff().rolling(10).std(), rtol=1e-9)
    expected = log_close.shift(-6) - log_close
    np.testing.assert_allclose(found["ret_horizon"], expected, rtol=0, atol=1e-13)
    assert found["t1_horizon"].tolist() == [*range(6, 60), *[-1] * 6]
    seconds = bars["ts_close"].diff(10) / 10 * 6 / 1e9
    np.testing.assert_allclose(found["horizon_s"][10:], seconds[10:], rtol=1e-12)
    # fewer bars than the look-back: the mean of those there are; the first has its own length
    assert found["horizon_s"][0] == 6 * 30.0
    assert found["horizon_s"][1] == 6 * (bars["ts_close"][1] - bars["ts_close"][0]) / 1e9


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 60),
    horizon=st.integers(1, 15),
    window=st.integers(1, 20),
)
def test_horizon_and_duration_are_the_plain_reference(make_bars, seed, n, horizon, window):
    bars = make_bars(seed, n, 0.1)
    close, gap, opened, closed = (
        bars[name].to_numpy() for name in ("close", "gap", "ts_open", "ts_close")
    )
    vertical = np.arange(n) + np.random.default_rng(seed).integers(1, horizon + 1, n)
    t1, ret = _kernels.horizon_targets(close, gap, vertical)
    expected = reference.horizon_targets(close, gap, vertical)
    assert t1.tolist() == expected[0]
    np.testing.assert_allclose(ret, expected[1], atol=1e-15)
    np.testing.assert_allclose(
        _kernels.mean_duration(opened, closed, gap, window),
        reference.mean_duration(opened, closed, gap, window),
        rtol=1e-14,
    )


@pytest.mark.parametrize(("scale", "factor"), [("horizon", np.sqrt(6)), ("bar", 1.0)])
def test_barriers_are_multiples_of_the_scale(make_bars, make_settings, scale, factor):
    bars = make_bars(3, 200)
    found = labels.build(bars, make_settings(scale=scale, profit=0.8, stop=0.5))
    unit = found["sigma_bar"] * factor
    at_barrier = bars["open"].to_numpy()[found["t1"].clip(lower=0)]
    opened = np.isclose(np.log(at_barrier / bars["close"]), found["ret"], atol=1e-12)
    for touch, multiple in ((1, 0.8), (-1, -0.5)):
        rows = (found["touch"] == touch) & ~opened
        assert rows.sum() > 5
        np.testing.assert_allclose(found["ret"][rows], multiple * unit[rows], rtol=1e-12)


def test_nothing_reaches_across_a_gap(make_bars, make_settings):
    bars = make_bars(9, 100)
    bars.loc[50, "gap"] = True
    found = labels.build(bars, make_settings())
    assert (found["t1"][:50] < 50).all()
    assert (found["t1_horizon"][44:50] == -1).all()
    assert (found["t1_horizon"][:44] == np.arange(6, 50)).all()
    assert found["sigma_bar"][50:60].isna().all()
    assert found["sigma_bar"][60:].notna().all()
    assert (found["weight"][50:60] == 0).all()
    spoiled = bars.copy()
    spoiled.loc[:49, ["open", "high", "low", "close"]] *= 7.0
    spoiled.loc[:49, "ts_close"] -= 10**15
    spoiled.loc[:49, "ts_open"] -= 10**15
    after = labels.build(spoiled, make_settings()).iloc[50:]
    pd.testing.assert_frame_equal(after, found.iloc[50:], check_exact=True)


def test_weights_count_every_event_that_is_alive(make_bars, make_settings):
    bars = make_bars(4, 80)
    found = labels.build(bars, make_settings())
    alive = found["touch"] != -2
    # away from the end every event ends with a touch or at its horizon
    t0, t1 = found["t0"][alive].to_numpy(), found["t1"][alive].to_numpy()
    inner = t1 < 70
    expected = np.array(
        [
            np.mean([1 / ((t0 <= t) & (t <= t1)).sum() for t in range(a, b + 1)])
            for a, b in zip(t0[inner], t1[inner], strict=True)
        ]
    )
    np.testing.assert_allclose(found["weight"][alive][inner], expected, rtol=1e-12)
    assert found["weight"][alive].between(0, 1).all()


def test_the_horizon_return_is_weighted_over_its_own_interval(make_bars, make_settings):
    bars = make_bars(4, 80)
    bars.loc[40, "gap"] = True
    found = labels.build(bars, make_settings())
    ends = found["t1_horizon"].to_numpy()
    horizon = int(make_settings()["labels"]["horizon"])
    # by the definition: who is alive at t, those included that a gap or the end cuts off
    alive = [(i, min([i + horizon, 79] + [39] * (i < 40))) for i in range(80)]
    counts = [sum(a <= t <= b for a, b in alive) for t in range(80)]
    for i in range(80):
        span = counts[i : ends[i] + 1]
        expected = np.mean([1 / c for c in span]) if ends[i] >= 0 else 0.0
        assert found["weight_horizon"][i] == pytest.approx(expected, rel=1e-12)
    # the touch ends earlier, so the two differ
    assert (found["weight_horizon"] < found["weight"]).any()


def test_no_weights_are_one_where_there_is_an_interval(make_bars, make_settings):
    found = labels.build(make_bars(4, 80), make_settings(weights="none"))
    assert found["weight"].tolist() == (found["t1"] >= 0).astype(float).tolist()


def test_types_and_order(make_bars, make_settings):
    for n in (0, 1, 40):
        found = labels.build(make_bars(1, n), make_settings())
        assert {name: str(kind) for name, kind in found.dtypes.items()} == {
            "t0": "int64",
            "t1": "int64",
            "label": "float64",
            "ret": "float64",
            "touch": "int8",
            "t1_horizon": "int64",
            "ret_horizon": "float64",
            "horizon_s": "float64",
            "sigma_bar": "float64",
            "weight": "float64",
            "weight_horizon": "float64",
        }
        assert len(found) == n


def test_summary_counts(make_bars, make_settings):
    found = labels.build(make_bars(8, 400, 0.01), make_settings(profit=0.3, stop=0.3))
    counts = labels.summary(found)
    assert counts["rows"] == 400
    assert counts["labelled"] + counts["missing"] + counts["dropped_ties"] == 400
    assert counts["dropped_ties"] == (found["touch"] == 2).sum() > 0
    assert counts["share_up"] + counts["share_zero"] + counts["share_down"] == pytest.approx(1)
    known = found["label"].notna()
    assert counts["mean_hold"] == pytest.approx((found["t1"] - found["t0"])[known].mean())
    empty = labels.summary(labels.build(make_bars(1, 3), make_settings()))
    assert empty["labelled"] == 0
    assert np.isnan(empty["share_up"])


def test_script_writes_what_the_package_gives(make_bars, make_settings, tmp_path):
    bars = make_bars(2, 90)
    artefact.write_table(bars, tmp_path / "bars.parquet")
    outputs = types.SimpleNamespace(
        **{name: tmp_path / name for name in ("labels", "stats", "spec")}
    )
    spec = {"stage": "labels", "id": "0" * 16, "settings": make_settings(), "upstream": {}}
    build_labels.main(types.SimpleNamespace(bars=tmp_path / "bars.parquet"), outputs, spec)
    expected = labels.build(bars, make_settings())
    pd.testing.assert_frame_equal(artefact.read_table(outputs.labels), expected, check_exact=True)
    assert artefact.read_json(outputs.stats) == labels.summary(expected)
    assert artefact.read_json(outputs.spec) == spec


def test_rows_that_are_no_events_are_missing(make_bars, make_settings):
    bars = make_bars(6, 300, 0.01)
    options = {"events": "cusum", "cusum_multiple": 1.5, "horizons": [3], "trend_scan": True}
    every, found = labels.build(bars, make_settings()), labels.build(bars, make_settings(**options))
    # by the definition, on its own
    log_close, events, up, down = np.log(bars["close"].to_numpy()), [], 0.0, 0.0
    for row in range(300):
        if row == 0 or bars["gap"][row]:
            up = down = 0.0
            continue
        move = log_close[row] - log_close[row - 1]
        up, down = max(0.0, up + move), min(0.0, down + move)
        limit = 1.5 * every["sigma_bar"][row]
        if down < -limit:
            down = 0.0
            events.append(row)
        elif up > limit:
            up = 0.0
            events.append(row)
    chosen = np.isin(np.arange(300), events)
    assert 20 < chosen.sum() < 250
    columns = ["t1", "label", "ret", "touch", "t1_horizon", "ret_horizon"]
    pd.testing.assert_frame_equal(found[columns][chosen], every[columns][chosen], check_exact=True)
    rest = found[~chosen]
    for name in ("t1", "t1_horizon", "t1_3", "t1_trend"):
        assert (rest[name] == -1).all()
    for name in ("label", "ret", "ret_horizon", "ret_3", "trend_t", "trend_label"):
        assert rest[name].isna().all()
    assert (rest["touch"] == -2).all()
    assert (rest[["weight", "weight_horizon"]] == 0.0).all(axis=None)
    # fewer events are alive, so each of them is more unique
    both = chosen & (every["weight"] > 0)
    assert (found["weight"][both] >= every["weight"][both]).all()
    assert found["weight"][both].mean() > every["weight"][both].mean()


def test_a_clock_in_seconds_ends_at_the_first_close_at_or_after_the_deadline(
    make_bars, make_settings
):
    bars = make_bars(7, 200, 0.01)
    settings = make_settings(clock="time", horizon_s=900.0)
    del settings["labels"]["horizon"]
    found = labels.build(bars, settings)
    ts, gap = bars["ts_close"].to_numpy(), bars["gap"].to_numpy()
    for row in range(200):
        later = [i for i in range(row + 1, 200) if ts[i] >= ts[row] + 900 * 10**9]
        whole = later and not gap[row + 1 : later[0] + 1].any()
        assert found["t1_horizon"][row] == (later[0] if whole else -1)
    assert (found["horizon_s"] == 900.0).all()
    limit = found["t1_horizon"].where(found["t1_horizon"] >= 0, 999)
    assert (found["t1"] <= limit).all()
    # the barrier's unit takes the horizon in bars as it is expected at the entry
    plain = labels.build(bars, make_settings())
    length = 900.0 / (plain["horizon_s"] / 6)
    stops = (found["touch"] == -1) & np.isclose(
        -found["ret"], found["sigma_bar"] * np.sqrt(length), rtol=1e-12
    )
    assert stops.sum() > 5


def test_further_horizons_are_further_targets(make_bars, make_settings):
    bars = make_bars(3, 90)
    bars.loc[40, "gap"] = True
    found = labels.build(bars, make_settings(horizons=[1, 6, 17]))
    pd.testing.assert_series_equal(found["ret_6"], found["ret_horizon"], check_names=False)
    for h in (1, 6, 17):
        for row in range(90):
            whole = row + h < 90 and not row < 40 <= row + h
            assert found[f"t1_{h}"][row] == (row + h if whole else -1)
            expected = np.log(bars["close"][row + h] / bars["close"][row]) if whole else np.nan
            assert found[f"ret_{h}"][row] == pytest.approx(expected, abs=1e-15, nan_ok=True)


def test_weights_by_return_are_in_units_of_the_barrier(make_bars, make_settings):
    bars = make_bars(4, 120)
    found = labels.build(bars, make_settings(weights="return"))
    returns = np.log(bars["close"]).diff()
    unit = found["sigma_bar"] * np.sqrt(6)
    # the horizon's own interval: rows with a volatility and a whole horizon, well inside
    for row in range(20, 100):
        alive = [sum(row_ < t <= row_ + 6 for row_ in range(120)) for t in range(row + 1, row + 7)]
        expected = abs((returns[row + 1 : row + 7] / alive).sum()) / unit[row]
        assert found["weight_horizon"][row] == pytest.approx(expected, rel=1e-10)
    assert (found["weight"][found["t1"] < 0] == 0).all()
    assert np.isfinite(found["weight"]).all()


@given(seed=st.integers(0, 2**32 - 1), cut=st.floats(0.2, 1))
@hypothesis_settings(max_examples=25)
def test_every_option_needs_no_later_bar(make_bars, make_settings, seed, cut):
    bars, last = make_bars(seed, 100, 0.02), int(cut * 99)
    settings = make_settings(
        clock="time", horizon_s=1000.0, events="cusum", cusum_multiple=1.0,
        weights="return", horizons=[4], trend_scan=True,
    )  # fmt: skip
    whole = labels.build(bars, settings).iloc[: last + 1]
    short = labels.build(bars.iloc[: last + 1], settings)
    for end, names in (
        ("t1", ["label", "ret", "touch", "weight"]),
        ("t1_horizon", ["ret_horizon", "weight_horizon"]),
        ("t1_4", ["ret_4"]),
        ("t1_trend", ["trend_label", "trend_t", "trend_bars"]),
    ):
        known = whole[end].between(0, last)
        columns = [end, *names]
        pd.testing.assert_frame_equal(
            whole.loc[known, columns], short.loc[known, columns], check_exact=True
        )
        assert (short.loc[~known, end] == -1).all()
