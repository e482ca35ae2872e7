"""The same settings at several fidelities."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from scipy.stats import spearmanr

from ethpredict.stats.fidelity import fidelity_effects


def study(kinds: dict[str, list[float]]) -> tuple[list[dict[str, object]], pd.DataFrame]:
    trials, rows = [], []
    for kind, scores in kinds.items():
        for place, score in enumerate(scores):
            name = f"{kind}{place}"
            settings: dict[str, object] = {"sim.venue": "lob", "quoting.gamma": 0.1 * place}
            settings["sim.fidelity"] = kind.split("-")[0]
            if "-" in kind:
                settings["sim.lob.fill"] = kind.split("-")[1]
            trials.append({"id": name, "baseline": "", "settings": settings})
            rows.append((name, "ok", score, 10.0 * place))
    table = pd.DataFrame(rows, columns=["trial_id", "status", "pnl_1k", "n_fills"])
    return trials, table.set_index("trial_id")


def test_pairs_count_sign_flips_and_rank_correlation() -> None:
    first, second = [1.0, -2.0, 3.0, 0.5], [-0.5, -3.0, 2.0, 0.7]
    trials, table = study({"bars": first, "trades-touch": second})
    told = fidelity_effects(trials, table)
    assert told is not None
    (pair,) = told["pairs"]
    assert (pair["first"], pair["second"]) == ("bars", "trades, touch")
    assert (pair["n"], pair["flips"]) == (4, 1)
    assert pair["correlation"] == pytest.approx(spearmanr(first, second).statistic)
    assert [level["mean"] for level in told["levels"]] == pytest.approx([0.625, -0.2])


def test_failed_and_ambiguous_settings_are_not_paired() -> None:
    trials, table = study({"bars": [1.0, 2.0, 3.0], "trades": [1.0, 2.0, 3.0]})
    table.loc["trades0", "status"] = "failed"
    trials[1]["settings"] |= {"quoting.gamma": 0.2}  # type: ignore[operator]
    told = fidelity_effects(trials, table)
    assert told is not None
    assert told["pairs"][0]["n"] == 0
    assert math.isnan(told["pairs"][0]["correlation"])


def test_one_fidelity_is_no_comparison() -> None:
    assert fidelity_effects(*study({"bars": [1.0, 2.0]})) is None
