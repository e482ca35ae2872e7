"""A real day of a Uniswap V3 pool: the constant product predicts each step, exactly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ethpredict.data.market import POOL_EVENT_COLUMNS
from ethpredict.data.swap_tape import pool_logs, read_swaps, tape
from ethpredict.errors import ConfigError, DataError
from ethpredict.io.raw_table import read_raw_table

RAW = "amm/uniswap_v3_usdc_weth_0.3pct_2024-01-05.raw.csv"
FEE = 0.003
Q96 = 2**96


@pytest.fixture(scope="module")
def logs(shared_data):
    found, aside = pool_logs(read_raw_table(shared_data / RAW), False)
    assert len(aside) == 0
    return found


@pytest.fixture(scope="module")
def events(shared_data):
    return read_swaps(shared_data / RAW)


def steps(logs):
    """Swaps that follow a known state of the same liquidity."""
    for before, after in itertools.pairwise(logs):
        if after.kind == "swap" and before.liquidity == after.liquidity:
            yield before, after


def test_the_day_is_read(logs, events) -> None:
    assert [sum(log.kind == kind for log in logs) for kind in ("swap", "mint", "burn")] == [
        267,
        4,
        17,
    ]
    assert list(events) == list(POOL_EVENT_COLUMNS)
    assert events["ts"].is_monotonic_increasing
    price = events["reserve1"] / events["reserve0"]
    assert price.between(2150, 2350).all()  # ETH in USD on that day
    assert (
        events.loc[events["kind"] == "swap", ["amount0_in", "amount1_in"]].min(axis=1) == 0
    ).all()


def test_the_amounts_are_those_of_the_integer_formulas(logs) -> None:
    """Uniswap v3 Core, (6.13)-(6.16): what moves the sqrt price, to the rounding of one unit."""
    seen = 0
    for before, after in steps(logs):
        low, high = sorted((before.sqrt_price_x96, after.sqrt_price_x96))
        amount0 = after.liquidity * Q96 * (high - low) // (high * low)
        amount1 = after.liquidity * (high - low) // Q96
        paid = max(after.amount0, after.amount1)
        exact = (amount0, amount1) if after.amount0 > 0 else (amount1, amount0)
        got = -min(after.amount0, after.amount1)
        assert abs(got - exact[1]) <= 1
        assert abs(paid * (10**6 - 3000) // 10**6 - exact[0]) <= 1 + exact[0] // 10**9
        seen += 1
    assert seen > 200


def test_the_constant_product_on_virtual_reserves_predicts_each_swap(logs, events) -> None:
    rows = {(log.block, log.log_index): at for at, log in enumerate(logs)}
    checked = 0
    for before, after in steps(logs):
        old, new = (events.iloc[rows[log.block, log.log_index]] for log in (before, after))
        given, taken = (0, 1) if new["amount0_in"] > 0 else (1, 0)
        net = new[f"amount{given}_in"] * (1 - FEE)
        out = old[f"reserve{taken}"] * net / (old[f"reserve{given}"] + net)
        # The chain rounds each amount to a unit of 1e-6 USDC.
        assert out == pytest.approx(new[f"amount{taken}_out"], rel=2e-8, abs=3e-6)
        assert old[f"reserve{given}"] + net == pytest.approx(new[f"reserve{given}"], rel=1e-9)
        checked += 1
    assert checked > 200


def test_liquidity_follows_mints_and_burns_in_range(logs) -> None:
    """What a swap reports is what the tape had reached, unless it crossed a tick."""
    known = [(a, b) for a, b in itertools.pairwise(logs) if b.kind == "swap" and a.liquidity]
    same = sum(a.liquidity == b.liquidity for a, b in known)
    after_changes = [(a, b) for a, b in known if a.kind != "swap"]
    assert same / len(known) > 0.8
    assert after_changes
    changed = [
        b.liquidity - a.liquidity
        for a, b in itertools.pairwise(logs)
        if b.kind in ("mint", "burn") and a.liquidity
    ]
    assert any(changed)


def test_tokens_may_stand_in_the_other_order(logs, events) -> None:
    turned = tape(logs, 6, 18, True)
    np.testing.assert_array_equal(turned["reserve0"], events["reserve1"])
    np.testing.assert_array_equal(turned["amount1_out"], events["amount0_out"])
    with pytest.raises(ConfigError, match=r"data\.files\.decimals0"):
        tape(logs, 99, 18, True)


def test_before_the_first_swap_nothing_is_known(shared_data, tmp_path) -> None:
    lines = (shared_data / RAW).read_text().splitlines()
    burn = next(line for line in lines if "0x0c396cd9" in line)
    path = tmp_path / "logs.csv"
    path.write_text("\n".join([lines[0], burn, ""]))
    table = read_swaps(path)
    assert table["kind"].tolist() == ["burn"]
    assert np.isnan(table["reserve0"]).all()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0xc42079f9", "0xd78ad95f", "is no Swap, Mint, Burn or Collect"),
        ("30978", "978", "bytes instead of 160"),
        ("18937547", "late", "invalid literal"),
        ("2024-01-05 00:33:23", "2024-13-05", "block_timestamp"),
    ],
)
def test_a_row_that_is_no_log_is_named_or_left_out(shared_data, tmp_path, old, new, words) -> None:
    lines = (shared_data / RAW).read_text().splitlines()[:3]
    lines[1] = lines[1].replace(old, new)
    path = tmp_path / "logs.csv"
    path.write_text("\n".join([*lines, ""]))
    with pytest.raises(DataError) as caught:
        read_swaps(path)
    assert caught.value.row == 2
    assert words in caught.value.reason
    assert len(read_swaps(path, quarantine=True)) == 1


def test_a_file_without_the_columns_is_refused(tmp_path) -> None:
    path = tmp_path / "logs.csv"
    path.write_text("block_number,data\n1,0x\n")
    with pytest.raises(DataError, match="no column block_timestamp, log_index, topics"):
        read_swaps(path)
