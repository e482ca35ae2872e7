"""Base fees against published cases, real blocks and the bounds of the rule."""

from __future__ import annotations

import csv
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.sim.amounts import AmountError
from ethpredict.sim.chain import (
    CHAINS,
    chain_by_name,
    l1_data_fee,
    l1_data_fee_ecotone,
    next_base_fee,
)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1_000_000_000, 10_000_000, 10_000_000), 1_125_000_000),
        ((1_000_000_000, 5_000_000, 10_000_000), 1_000_000_000),
        ((1_049_238_967, 0, 2_000_000), 918_084_097),
        ((0, 10_000_000, 18_000_000), 1),
        ((1_000_000_000, 10_000_000, 10_000_000, 6, 50), 1_100_000_048),
    ],
)
def test_stated_cases(arguments, expected):
    assert next_base_fee(*arguments) == expected


def test_vectors(shared_vectors):
    data = json.loads((shared_vectors / "eip1559.json").read_text())
    inputs = [(c["base_fee"], c["gas_used"], c["gas_limit"]) for c in data["cases"]]
    for arguments, case in zip(inputs, data["cases"], strict=True):
        assert next_base_fee(*arguments) == case["next"]
    for chain in data["other_chains"].values():
        for arguments, expected in zip(inputs, chain["next"], strict=True):
            got = next_base_fee(*arguments, chain["elasticity"], chain["denominator"])
            assert got == expected


def test_real_blocks_stay_within_the_bounds(shared_data):
    path = shared_data / "gas" / "base_fee_mainnet_21527387_21527726.csv"
    with path.open(newline="") as handle:
        fees = [float(row["base_fee_gwei"]) for row in csv.DictReader(handle)]
    limit, rounding = 30_000_000, 2e-6
    for before, after in pairwise(fees):
        wei = round(before * 1e9)
        low, high = (next_base_fee(wei, used, limit) / 1e9 for used in (0, limit))
        assert low - rounding <= after <= high + rounding


@given(
    st.integers(0, 10**13),
    st.floats(0, 1),
    st.integers(5_000_000, 400_000_000),
    st.sampled_from([(2, 8), (6, 50), (6, 250), (10, 50)]),
)
def test_rule(base_fee, share, gas_limit, chain):
    elasticity, denominator = chain
    used, target = int(gas_limit * share), gas_limit // elasticity
    after = next_base_fee(base_fee, used, gas_limit, elasticity, denominator)
    exact = base_fee * (1 + (used - target) / target / denominator)
    assert after == pytest.approx(exact, rel=1e-12, abs=1.5)
    assert (after > base_fee) == (used > target)
    assert next_base_fee(base_fee, used, gas_limit, *chain, floor=10**14) == 10**14


def test_illegal_values():
    for arguments in ((-1, 0, 10), (1, -1, 10), (1, 1, 1), (1.0, 1, 10), (1, 1, 10, 0)):
        with pytest.raises(AmountError, match="must be"):
            next_base_fee(*arguments)


def rule_125(fee, used, limit):
    """The rule with elasticity 6 and denominator 125, written as a change in wei."""
    target = limit // 6
    size = fee * abs(used - target) // target // 125
    return fee - size if used <= target else fee + max(1, size)


def test_chains_by_name(shared_vectors):
    data = json.loads((shared_vectors / "eip1559.json").read_text())
    inputs = [(c["base_fee"], c["gas_used"], c["gas_limit"]) for c in data["cases"]]
    others = {name.split(" ")[0]: case["next"] for name, case in data["other_chains"].items()}
    expected = {
        "mainnet": [c["next"] for c in data["cases"]],
        "op": others["optimism"],
        "op_canyon": others["optimism_canyon"],
        "base": [max(2_000_000, rule_125(*arguments)) for arguments in inputs],
        "base_sepolia": others["base_sepolia"],
        "bsc": [c["base_fee"] for c in data["cases"]],
    }
    assert set(expected) == set(CHAINS)
    for name, fees in expected.items():
        chain = chain_by_name(name)
        assert [chain.next_base_fee(*arguments) for arguments in inputs] == fees
        assert chain.flat == (name == "bsc")


def test_a_floor_holds_on_every_chain():
    for name in CHAINS:
        chain = chain_by_name(name, floor=10**8)
        assert chain.next_base_fee(10**7, 0, 30_000_000) == 10**8
    assert chain_by_name("mainnet").floor == 0
    with pytest.raises(ConfigError, match=r"sim.chain = 'solana'"):
        chain_by_name("solana")
    with pytest.raises(AmountError):
        chain_by_name("base", floor=-1)


@given(
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
)
def test_data_fee_until_fjord(zeros, others, base, blob, by_base, by_blob):
    fee = l1_data_fee_ecotone(zeros, others, base, blob, by_base, by_blob)
    # Gas of the calldata by the Yellow Paper, over 16, times the weighted price in millionths.
    gas = sum([4] * zeros + [16] * others)
    exact = gas / 16 * (16 * by_base * base + by_blob * blob) / 1e6
    assert fee == pytest.approx(exact, rel=1e-12, abs=1.0)
    assert fee >= l1_data_fee_ecotone(zeros, others, base // 2, blob // 2, by_base, by_blob)


def test_data_fee_by_hand():
    # 100 bytes are the least; beyond, 0.8365 bytes per compressed byte less 42.5856.
    assert l1_data_fee(0, 10**9) == l1_data_fee(170, 10**9) == 100 * 16 * 10**9
    assert l1_data_fee(1000, 10**9) == 16 * 793_914_400 * 10**3
    assert l1_data_fee(1000, 0, 7, 0, 3_000_000) == 793_914_400 * 21 // 10**6


def test_illegal_data_fees():
    with pytest.raises(AmountError):
        l1_data_fee_ecotone(1, 1, -1)
    with pytest.raises(AmountError):
        l1_data_fee(-1, 1)
