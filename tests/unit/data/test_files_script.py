"""The fetch script writes a whole market or nothing."""

from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace

import pytest

from ethpredict.data.market import CANDLE_COLUMNS, Chunks, empty_trades
from ethpredict.errors import DataError
from ethpredict.io.artefact import read_json, read_table

NAMES = {
    "candles": "parquet",
    "trades": "parquet",
    "book": "parquet",
    "orders": "parquet",
    "pool_events": "parquet",
    "blocks": "parquet",
    "tips": "parquet",
    "funding": "parquet",
    "onchain_daily": "parquet",
    "quarantined": "parquet",
    "quality": "json",
    "truth": "json",
    "spec": "json",
}


def load_script(root):
    description = spec_from_file_location("fetch_data", root / "scripts" / "fetch_data.py")
    module = module_from_spec(description)
    description.loader.exec_module(module)
    return module


def spec(path):
    data = {
        "source": "files",
        "symbol": "ETHUSDT",
        "interval": "1h",
        "start": None,
        "end": None,
        "max_gap": 3600.0,
        "on_bad_rows": "strict",
        "files": {"candles": str(path)},
    }
    return {"stage": "fetch", "id": "0" * 16, "settings": {"data": data}, "upstream": {}}


def outputs(folder):
    return SimpleNamespace(**{name: folder / f"{name}.{kind}" for name, kind in NAMES.items()})


def test_every_output_is_written_and_the_same_twice(root, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{1735689600 + i * 3600},2,3,1,2,5\n" for i in range(12)))
    script = load_script(root)
    for folder in ("x", "y"):
        script.main(SimpleNamespace(files=[path]), outputs(tmp_path / folder), spec(path), {})
    for name, kind in NAMES.items():
        first, second = (tmp_path / folder / f"{name}.{kind}" for folder in ("x", "y"))
        assert first.read_bytes() == second.read_bytes()
    candles = read_table(tmp_path / "x/candles.parquet")
    assert candles.dtypes.astype(str).to_dict() == CANDLE_COLUMNS
    assert len(candles) == 12
    assert read_table(tmp_path / "x/trades.parquet").empty
    assert read_json(tmp_path / "x/truth.json") is None
    assert read_json(tmp_path / "x/quality.json")["max_gap"] == 3600.0
    assert read_json(tmp_path / "x/spec.json") == spec(path)


def test_a_table_that_fails_in_pieces_leaves_no_output(root, tmp_path, monkeypatch):
    def broken():
        yield empty_trades()
        raise DataError("trades.zip", 7, "cut off")

    path = tmp_path / "a.csv"
    path.write_text("".join(f"{1735689600 + i * 3600},2,3,1,2,5\n" for i in range(12)))
    script = load_script(root)
    market = replace(script.fetch(spec(path)["settings"]), trades=Chunks(broken))
    monkeypatch.setattr(script, "fetch", lambda settings: market)
    with pytest.raises(DataError, match="cut off"):
        script.main(SimpleNamespace(files=[path]), outputs(tmp_path / "x"), spec(path), {})
    assert not any((tmp_path / "x").iterdir())


def test_bad_input_leaves_no_output(root, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1735689600,2,3,1,2,5\n1735693200,2,3\n")
    with pytest.raises(DataError, match="row 2"):
        load_script(root).main(
            SimpleNamespace(files=[path]), outputs(tmp_path / "x"), spec(path), {}
        )
    assert not (tmp_path / "x").exists()
