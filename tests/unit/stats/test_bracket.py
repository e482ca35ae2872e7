"""The best trials at other fidelities and fill rules."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy.stats import spearmanr

from ethpredict.stats.bracket import FILLS, bracket_board, comparison, rank_correlation, variants
from ethpredict.stats.reveal import RevealedRun


def revealed(name: str, fidelity: str = "bars", baseline: str = "", **sim: object) -> RevealedRun:
    settings = {"quoting": {}, "sim": {"venue": "lob", "fidelity": fidelity, **sim}}
    member = {"id": f"r{name}", "settings": settings, "upstream": {}, "replicate": 0}
    return RevealedRun(name, f"t-{name}", baseline, member, "b", "f", True)


@pytest.mark.parametrize(
    ("fidelity", "filled", "wanted"),
    [
        ("bars", (), ["bars-strict", "bars-touch"]),
        (
            "bars",
            ("trades",),
            ["bars-strict", "bars-touch", "trades-strict", "trades-touch"],
        ),
        (
            "trades",
            ("trades", "book"),
            ["trades-strict", "trades-touch", "l2-queue", "l2-strict", "l2-touch"],
        ),
        ("l2", ("trades", "book"), ["l2-queue", "l2-strict", "l2-touch"]),
    ],
)
def test_a_run_is_played_from_its_fidelity_on_where_there_are_events(
    fidelity, filled, wanted
) -> None:
    runs = [
        revealed("a", fidelity, lob={"tick_size": 0.1, "block_ms": 7}),
        revealed("h", fidelity, "hold"),
    ]
    members, table = variants(runs, filled, {"block_ms": 1, "queue_model": "log"})
    assert table["member"].tolist() == [f"ra-{name}" for name in wanted]
    for member, row in zip(members, table.itertuples(), strict=True):
        sim = member["settings"]["sim"]
        assert sim["fidelity"] == row.fidelity
        lob = {"block_ms": 7, "queue_model": "log", "tick_size": 0.1, "fill": row.fill}
        assert sim["lob"] == lob
    assert "fill" not in runs[0].member["settings"]["sim"]["lob"]


def test_pools_are_left_out() -> None:
    assert variants([revealed("a", venue="amm")], ("trades", "book"), {})[0] == []


def played(pnl: dict[str, list[float]]) -> pd.DataFrame:
    """A comparison table of trials a, b, ... with the given P&L per variant."""
    runs = [revealed(name) for name in "abcd"]
    members, table = variants(runs, ("trades", "book"), {})
    values = [pnl[f"{r.fidelity}-{r.fill}"]["abcd".index(r.run_id[1])] for r in table.itertuples()]
    metrics = pd.DataFrame({"run_id": [member["id"] for member in members], "status": "ok"})
    metrics = metrics.assign(error="", pnl=values, pnl_1k=values, n_fills=9.0)
    return comparison(metrics, table, runs)


def test_sign_flips_and_rank_correlations() -> None:
    pnl = {
        "bars-strict": [4.0, 3.0, 2.0, 1.0], "trades-strict": [5.0, 7.0, 1.0, -2.0],
        "trades-touch": [6.0, 8.0, 2.0, 3.0], "l2-queue": [1.0, 1.0, 2.0, -1.0],
        "bars-touch": [5.0, -3.0, 2.5, 2.0], "l2-strict": [1.0, 1.0, 1.0, -3.0],
        "l2-touch": [2.0, 2.0, 2.0, -0.5],
    }  # fmt: skip
    board = bracket_board(played(pnl), list("abcd"), "pnl_1k")
    assert board["sign_flips"] == ["b", "d"]
    flips = [(b["trial_id"], b["fidelity"]) for b in board["brackets"] if b["sign_flip"]]
    assert flips == [("b", "bars"), ("d", "trades")]
    assert [rank["n"] for rank in board["ranks"]] == [4, 4]
    own = [pnl["bars-strict"], pnl["trades-strict"], pnl["l2-queue"]]
    for rank, first, second in zip(board["ranks"], own, own[1:], strict=False):
        assert rank["spearman"] == pytest.approx(spearmanr(first, second).statistic)
    assert rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None


def test_what_failed_is_named_and_ranks_nothing() -> None:
    names = [f"{level}-{fill}" for level, fills in FILLS.items() for fill in fills]
    table = played({name: [1.0, 2.0, 3.0, 4.0] for name in names})
    lost = (table["trial_id"] == "a") & (table["fidelity"] == "trades")
    table.loc[lost, ["status", "error"]] = "failed", "no trades"
    table.loc[lost, ["pnl", "pnl_1k", "n_fills"]] = float("nan")
    board = bracket_board(table, list("abcd"), "pnl_1k")
    assert board["brackets"][1]["fills"]["strict"] == {"status": "failed", "error": "no trades"}
    assert [rank["n"] for rank in board["ranks"]] == [3, 3]
    empty = bracket_board(table[:0], ["a"], "pnl_1k")
    assert empty["brackets"] == []
    assert empty["ranks"][0] == {"coarse": "bars", "fine": "trades", "n": 0, "spearman": None}
