"""The canonical tables keep their columns and types, with and without rows."""

import numpy as np
import pyarrow as pa
import pytest

from ethpredict.data import market


@pytest.mark.parametrize("name", ["candles", "trades", "pool_events", "blocks", "quarantined"])
def test_empty_tables_store_as_full_ones_do(name):
    empty = getattr(market, f"empty_{name}")()
    columns = {
        "candles": market.CANDLE_COLUMNS,
        "trades": market.TRADE_COLUMNS,
        "pool_events": market.POOL_EVENT_COLUMNS,
        "blocks": market.BLOCK_COLUMNS,
        "quarantined": market.QUARANTINED_COLUMNS,
    }[name]
    full = market.typed_table(
        columns, {key: ["x"] if kind == "str" else [1] for key, kind in columns.items()}
    )
    assert len(empty) == 0
    assert len(full) == 1
    assert list(empty.columns) == list(columns)
    assert empty.dtypes.astype(str).to_dict() == dict(columns)
    stored = pa.Table.from_pandas(empty, preserve_index=False).schema
    assert (
        stored.remove_metadata()
        == pa.Table.from_pandas(full, preserve_index=False).schema.remove_metadata()
    )


def test_a_table_needs_every_column():
    with pytest.raises(KeyError, match="price"):
        market.typed_table(market.TRADE_COLUMNS, {"ts": [1]})


def test_a_gap_is_longer_than_the_limit_not_equal_to_it():
    second = 10**9
    ts_open = np.array([0, 10, 20, 31]) * second
    ts_close = ts_open + 5 * second
    assert market.mark_gaps(ts_open, ts_close, 5.0).tolist() == [False, False, False, True]
    assert not market.mark_gaps(ts_open[:0], ts_close[:0], 5.0).size
