"""Sections on the signal, calibration, bribes and fidelity."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ethpredict.io.artefact import read_table
from ethpredict.quoting.glft import closed_form_quotes, exact_quotes
from ethpredict.report import build, load
from ethpredict.report.artefacts import Artefacts
from ethpredict.report.calibrations import closed_form_table, fit_list, fit_table
from ethpredict.report.fills import fidelity_part
from ethpredict.report.grid import Grid
from ethpredict.report.hedges import hedge_table
from ethpredict.report.pool import bribe_table, inclusion_part
from ethpredict.report.signal import signal_part


@pytest.fixture
def found(study: SimpleNamespace) -> Artefacts:
    return load(study, study.document)


def cell(table: Grid, row: int, head: str) -> str:
    """Cell below the first head of that text."""
    return table.rows[row][[item.text for item in table.heads].index(head)]


def test_signal_section_shows_the_paired_means(found: Artefacts, study: SimpleNamespace) -> None:
    part = signal_part(found, 200)
    assert part is not None
    assert found.trials is not None
    daily = read_table(study.daily[0]).pivot(index="day", columns="run_id", values="per_capital")
    plan = {trial["id"]: trial for trial in found.plan["trials"]}
    trials = found.trials[found.trials["rank"].notna() & found.trials["vs_no_signal"].notna()]
    on_pool = [i for i in trials["trial_id"] if plan[i]["settings"]["sim.venue"] == "amm"]
    twins = trials.set_index("trial_id").loc[on_pool, "no_signal_trial"]
    own, off = (
        np.mean([daily[plan[i]["runs"][0]["id"]].to_numpy() for i in names], axis=0)
        for names in (on_pool, twins)
    )
    names = [row[0] for row in part["groups"].rows]
    assert names == ["glft, pool", "glft, order book"]
    assert cell(part["groups"], 0, "Settings") == str(len(on_pool))
    shown = cell(part["groups"], 0, "Difference").replace("\u2212", "-")
    assert float(shown.split("\u00a0")[0]) == pytest.approx(1000 * (own - off).mean(), abs=6e-4)
    assert part["n_settings"] == len(trials)


@pytest.mark.parametrize(
    ("difference", "word", "hollow"),
    [
        (1.01, "better than without", False),
        (-1.01, "worse than without", False),
        (0.99, "not distinguishable from zero", True),
        (-0.99, "not distinguishable from zero", True),
    ],
)
def test_two_errors_make_a_difference(
    found: Artefacts, difference: float, word: str, hollow: bool
) -> None:
    assert found.leaderboard is not None
    gain = found.leaderboard["signal"][0] | {"difference": difference, "error": 0.5}
    part = signal_part(dataclasses.replace(found, leaderboard={"signal": [gain]}), 10)
    assert part is not None
    assert word in part["sentence"]
    assert cell(part["groups"], 0, "The signal is") == word
    assert part["levels"][0]["hollow"] is hollow


def test_few_days_are_a_warning_and_one_fidelity_is_not_repeated(found: Artefacts) -> None:
    assert found.leaderboard is not None
    gains = [
        found.leaderboard["signal"][0] | {"venue": venue, "fidelity": kind, "n_days": days}
        for venue, kind, days in (("amm", "", 40), ("lob", "bars", 12))
    ]
    few = signal_part(dataclasses.replace(found, leaderboard={"signal": gains}), 10)
    many = signal_part(dataclasses.replace(found, leaderboard={"signal": gains[:1]}), 10)
    assert few is not None
    assert many is not None
    assert "With only 12 days the errors themselves are rough" in few["sentence"]
    assert "the errors themselves are rough" not in many["sentence"]
    assert [row[0] for row in few["groups"].rows] == ["glft, pool", "glft, order book"]


def test_fits_are_told_once_by_bars_and_calibration(found: Artefacts) -> None:
    table = fit_table(found)
    assert table is not None
    assert [row[0] for row in table.rows[::2]] == ["interval 15m", "interval 1h"]
    assert cell(table, 0, "Source") == "bars (approximate)"
    assert cell(table, 0, "Paths") == "2"  # two models share bars and calibration
    assert found.fits is not None
    quote = found.plan["trials"][0]["runs"][0]["quote"]
    rows = found.fits[(found.fits["quote_id"] == quote) & (found.fits["side"] == "bid")]
    assert cell(table, 0, "A (1/s)").startswith(f"{rows['A'].median():.4g}\u00a0±\u00a0")


def test_the_naive_estimate_stands_beside_the_fit(found: Artefacts) -> None:
    """Also of a refused fit; and several fits a day show their times."""
    assert found.fits is not None
    table = fit_table(found)
    assert table is not None
    assert "Naive A" not in [head.text for head in table.heads]  # bars have none
    fits = found.fits.assign(A_naive=0.0123, mid_source="book", approximate=False)
    table = fit_table(dataclasses.replace(found, fits=fits.assign(A=np.nan)))
    assert table is not None
    assert cell(table, 0, "Naive A") == "0.0123"
    assert cell(table, 0, "Source") == "bars, mid of book"
    assert found.calibration is not None
    daily = fit_list(found)
    assert daily is not None
    assert daily.heads[0].text == "Day (UTC)"
    quick = found.calibration.assign(ts=1723161384 * 10**9 + np.arange(len(found.calibration)))
    often = fit_list(dataclasses.replace(found, calibration=quick))
    assert often is not None
    assert (often.heads[0].text, often.rows[0][0]) == ("Time (UTC)", "2024-08-08 23:56:24")


def test_refused_fits_say_why(found: Artefacts) -> None:
    assert found.fits is not None
    found.fits.loc[found.fits["ts"] == found.fits["ts"].max(), ["A", "A_se", "k", "k_se"]] = np.nan
    table = fit_table(found)
    assert table is not None
    assert cell(table, 0, "Made") == "29 of 30"
    assert cell(table, 0, "Refused because") == "fewer than 50 would-be fills (most: 258)"
    reason = "12 fills: must be >= 50"
    found.fits["reason"] = np.where(found.fits["A"].isna(), reason, "")
    table = fit_table(found)
    assert table is not None
    assert cell(table, 0, "Refused because") == reason


def test_closed_form_error_is_that_of_the_public_functions(found: Artefacts) -> None:
    told = closed_form_table(found)
    assert told is not None
    table, count = told
    assert count == len(table.rows) == 6  # 2 bars x 3 gammas; models share a set
    at = {"gamma": 0.05, "sigma": 0.3, "A": 0.02, "k": 0.4, "xi": 0.1}
    row = next(i for i, cells in enumerate(table.rows) if cells[1] == "0.1")
    bid, ask = exact_quotes(**at, Q=20)
    closed_bid, closed_ask = closed_form_quotes(**at, q=np.array([0.0, 16.0]))
    assert cell(table, row, "q of Q") == "16 of 20"
    assert cell(table, row, "δ at q = 0") == f"{bid[20]:.4f}"
    assert cell(table, row, "δ bid at q") == f"{bid[36]:.4f}"
    errors = [closed_bid[0] / bid[20] - 1, closed_bid[1] / bid[36] - 1]
    errors.append((closed_ask[1] - ask[36]) / abs(ask[36]))
    shown = [
        cells
        for cells, head in zip(table.rows[row], table.heads, strict=True)
        if head.text == "error"
    ]
    for text, error in zip(shown, errors, strict=True):
        assert float(text.replace("\u2212", "-").rstrip("%")) == pytest.approx(
            100 * error, abs=5.1e-3
        )


def test_bribes_are_weighted_by_transactions(found: Artefacts) -> None:
    table = bribe_table(found)
    assert table is not None
    assert found.trials is not None
    rows = found.trials[(found.trials["status"] == "ok") & (found.trials["n_sent"] > 0)]
    sent = rows["n_sent"].to_numpy()
    assert len(table.rows) == 1
    assert cell(table, 0, "Trials") == str(len(rows))
    assert cell(table, 0, "Mean tip") == f"{(sent * sent / 10).sum() / sent.sum():.4f}"
    assert cell(table, 0, "Included") == f"{1 - 4 * len(rows) / sent.sum():.1%}"
    assert cell(table, 0, "Reverts") == str(3 * len(rows))
    assert cell(table, 0, "Front-run") == str(len(rows))
    assert cell(table, 0, "Sandwiched") == str(2 * len(rows))
    assert cell(table, 0, "Sandwiches (USD)") == "−7.50"


def test_inclusion_is_told_with_its_errors(found: Artefacts) -> None:
    part = inclusion_part(found)
    assert part is not None
    assert part["believed"]
    assert cell(part["table"], 0, "Made") == "59 of 60"
    value, error = cell(part["table"], 0, "s (1/gwei)").split("\u00a0±\u00a0")
    assert abs(float(value) - 1.5) < 2 * float(error)
    (line,) = part["s"]
    assert line["y"][0] is None
    assert len(line["x"]) == 60
    text = build(found)
    assert 'id="chart-inclusion-s"' in text


def test_sign_flips_between_fidelities_are_a_warning(found: Artefacts) -> None:
    assert fidelity_part(found) is None
    assert found.leaderboard is not None
    level = {"value": "bars", "n": 2, "mean": 1.0, "fills": 10.0, "markout": float("nan")}
    pair = {"first": "bars", "second": "l2, queue", "n": 7, "flips": 3, "correlation": 0.25}
    pair |= {"first_mean": 1.0, "second_mean": -1.0}
    found.leaderboard["fidelity"] = {"levels": [level], "pairs": [pair]}
    text = build(found)
    assert "3 of 7 settings change the sign of their P&amp;L between bars and l2, queue" in text
    assert 'href="#fidelity"' in text


def test_sections_are_left_out_where_nothing_is_there(found: Artefacts) -> None:
    assert found.leaderboard is not None
    bare = dataclasses.replace(found, leaderboard={}, quotes=None, fits=None)
    assert signal_part(bare, 10) is None
    assert inclusion_part(bare) is None
    assert closed_form_table(bare) is None
    assert fit_table(bare) is None
    assert bare.trials is not None
    book = bare.trials.assign(mean_tip_gwei=np.nan)
    kept = [t for t in bare.plan["trials"] if t["settings"]["sim.venue"] == "lob"]
    only = dataclasses.replace(bare, trials=pd.DataFrame(book), plan=bare.plan | {"trials": kept})
    assert bribe_table(only) is None


def hybrid_study(unhedged: bool) -> Artefacts:
    """Two bands on the hybrid venue, and perhaps the same quotes on the book."""
    shared = {"quoting.gamma": 0.1, "quoting.strategy": "glft"}
    venues = [{"sim.venue": "hybrid", "quoting.hedge": True, "sim.amm.fee_bps": 5, "sim.seed": 1}]
    trials = [
        {"id": f"h{band}", "settings": shared | venues[0] | {"quoting.hedge_band": float(band)}}
        for band in (1, 4)
    ]
    if unhedged:
        trials.append({"id": "b", "settings": shared | {"sim.venue": "lob"}})
    trials.append({"id": "other", "settings": shared | {"sim.venue": "lob", "quoting.gamma": 0.2}})
    names = [trial["id"] for trial in trials]
    rows = pd.DataFrame({"trial_id": names, "status": "ok", "baseline": ""})
    hedged = rows["trial_id"].str.startswith("h")
    for k, name in enumerate(("n_hedges", "hedge_volume", "hedge_cost", "book_pnl", "pool_pnl")):
        rows[name] = np.where(hedged, 10.0 * (k + 1) + np.arange(len(rows)), np.nan)
    rows["mean_abs_inventory"] = np.arange(len(rows)) + 0.5
    rows["pnl_1k"] = np.arange(len(rows)) - 2.0
    axes = [{"key": "quoting.hedge_band"}, {"key": "sim.venue"}]
    return Artefacts(plan={"trials": trials, "axes": axes}, trials=rows)


def test_hedges_stand_beside_the_same_quotes_without() -> None:
    table = hedge_table(hybrid_study(unhedged=True))
    assert table is not None
    assert [row[0] for row in table.rows] == ["1", "4"]
    assert cell(table, 1, "Cost (USD/ETH)") == f"{31 / 21:.2f}"
    assert cell(table, 1, "Book P&L (USD)") == "41.00"
    assert cell(table, 1, "Pool P&L (USD)") == "51.00"
    heads = [head.text for head in table.heads]
    assert heads.count("unhedged") == 2
    assert table.rows[1][heads.index("unhedged")] == "2.50"
    assert table.rows[1][-1] == "0.000"


def test_hedges_without_a_twin_are_not_compared() -> None:
    table = hedge_table(hybrid_study(unhedged=False))
    assert table is not None
    assert "unhedged" not in [head.text for head in table.heads]


def test_no_hedges_no_table(found: Artefacts) -> None:
    assert hedge_table(found) is None
