"""Daily fits of inclusion for the report."""

from __future__ import annotations

import numpy as np
import pytest

from ethpredict.quoting.inclusion import fit_inclusion
from ethpredict.stats.inclusion import DAY_NS, inclusion_fits
from tests.unit.report.study_fixture import START_DAY, transactions

TRIAL = {
    "settings": {"sim.venue": "amm", "sim.amm.bribe.window_days": 2.0},
    "runs": [{"id": "r", "fetch": "f"}],
}


def test_each_day_is_fitted_to_the_two_days_before_it() -> None:
    sent = transactions(6)
    days = {"r": range(START_DAY, START_DAY + 5)}
    (fit,) = inclusion_fits([TRIAL], days, {"f": sent.sample(frac=1.0, random_state=1)}.get)
    assert (fit["fetch"], fit["window_days"], fit["believed"]) == ("f", 2.0, False)
    assert np.isnan(fit["a"][0])
    assert "each must be >= 20" in fit["reason"][0]
    start = (START_DAY + 4) * DAY_NS
    seen = sent[(sent["ts"] >= start - 2 * DAY_NS) & (sent["ts"] < start)]
    own = fit_inclusion(seen["tip_gwei"], seen["included"])
    assert fit["s"][4] == pytest.approx(own.s)
    assert abs(fit["s"][4] - 1.5) < 4 * fit["s_se"][4]


def test_a_market_without_transactions_or_pool_has_no_fit() -> None:
    assert inclusion_fits([TRIAL], {"r": [1]}, lambda _: None) == []
    book = {"settings": {"sim.venue": "lob"}, "runs": TRIAL["runs"]}
    assert inclusion_fits([book], {"r": [START_DAY]}, {"f": transactions(2)}.get) == []
