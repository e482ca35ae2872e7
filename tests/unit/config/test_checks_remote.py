"""What a remote source needs is asked for before any job starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ethpredict.config.load import load
from ethpredict.errors import ConfigError
from ethpredict.sweep.trials import build_trials

PERIOD = "start: '2025-01-01', end: '2025-02-01'"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("source: binance_archive", "data.start = None.*Give the period"),
        ("source: lighter, start: '2025-01-01'", "data.end = None.*Give the period"),
        (
            f"source: binance_rest, {PERIOD}, binance: {{trades: raw}}",
            "data.binance.trades = 'raw'.*binance_archive",
        ),
        (f"source: binance_rest, {PERIOD}, extras: [funding]", "data.extras.*binance_archive"),
        (f"source: lighter, {PERIOD}, extras: [pool]", "data.evm.pool = None.*Give the pool"),
        (f"source: lighter, {PERIOD}, extras: [weather]", "data.extras.*funding, tvl"),
    ],
)
def test_a_contradiction_names_key_and_remedy(tmp_path: Path, data: str, words: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(f"data: {{{data}}}\nsweep: {{mode: single}}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        build_trials(load([path], {}, {}))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (f"source: lighter, {PERIOD}", "Take another data.source"),
        (f"source: binance_rest, {PERIOD}", "Set data.binance.trades to agg"),
        ("source: files, files: {candles: a.csv}", "Give a file of trades"),
        (f"source: binance_rest, {PERIOD}, binance: {{trades: agg}}", None),
        ("source: synthetic", None),
    ],
)
def test_signed_bars_need_a_source_of_trades(tmp_path: Path, data: str, words: str | None) -> None:
    path = tmp_path / "study.yaml"
    text = f"data: {{{data}}}\nbars: {{kind: run}}\nsweep: {{mode: single}}\n"
    path.write_text(text, encoding="utf-8")
    if words is None:
        assert build_trials(load([path], {}, {}))
        return
    with pytest.raises(ConfigError, match=f"bars.kind = 'run'.*{words}"):
        build_trials(load([path], {}, {}))
