"""Base fees against published cases, real blocks and the bounds of the rule."""

from __future__ import annotations

import csv
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.sim.amounts import AmountError
from ethpredict.sim.chain import next_base_fee


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
