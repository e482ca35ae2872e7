"""Axes: grids are exact, draws are prefix-stable and inside their bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.config.axes import parse_axis
from ethpredict.config.load import load
from ethpredict.config.schema import leaves
from ethpredict.errors import ConfigError
from ethpredict.sweep.space import assignments


def axis(key: str, raw: object):
    """Parse one axis."""
    found = parse_axis(leaves()[key], raw)
    assert found is not None
    return found


def test_linear_and_logarithmic_ranges_hit_their_ends() -> None:
    assert axis("quoting.gamma", {"low": 0.1, "high": 0.5, "step": 0.1}).grid() == (
        0.1,
        0.2,
        0.3,
        0.4,
        0.5,
    )
    log = axis("quoting.gamma", {"low": 0.001, "high": 10, "log": True, "step": 10})
    assert log.grid() == (0.001, 0.01, 0.1, 1.0, 10.0)
    assert axis("labels.horizon", {"low": 4, "high": 12, "step": 4}).grid() == (4, 8, 12)


def test_equal_values_merge_and_lists_of_lists_are_values() -> None:
    assert axis("quoting.gamma", [1, 1.0, 2]).values == (1.0, 2.0)
    assert axis("features.windows", {"grid": [[6], [6, 24]]}).values == ([6], [6, 24])
    assert parse_axis(leaves()["features.windows"], [6, 24]) is None


def test_a_grid_needs_a_step() -> None:
    with pytest.raises(ConfigError, match="step"):
        axis("quoting.gamma", {"low": 0.1, "high": 1}).grid()


@given(u=st.floats(0, 1, exclude_max=True))
def test_draws_stay_in_range(u: float) -> None:
    for key, raw in [
        ("quoting.gamma", {"low": 0.1, "high": 0.7}),
        ("quoting.gamma", {"low": 1e-4, "high": 1, "log": True}),
        ("labels.horizon", {"low": 3, "high": 9}),
        ("labels.horizon", {"low": 3, "high": 900, "log": True}),
        ("quoting.gamma", {"low": 0.1, "high": 0.5, "step": 0.1}),
    ]:
        found = axis(key, raw)
        assert found.low <= found.draw(u) <= found.high
    assert axis("quoting.gamma", [3, 5]).draw(u) == (3.0 if u < 0.5 else 5.0)


def draws(tmp_path: Path, text: str) -> list[dict[str, object]]:
    """Assignments of a study."""
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return list(assignments(load([path], {}, {})))


RANDOM = """
sweep: {{mode: random, trials: {trials}, seed: 5, distinct: {{labels: 3}}}}
labels: {{profit: {{low: 0.5, high: 3}}, stop: {{low: 0.5, high: 3}}}}
quoting: {{gamma: {{low: 0.001, high: 1, log: true}}}}
{more}
"""


VARIED = ("labels.profit", "labels.stop", "quoting.gamma")


def test_more_draws_and_more_axes_keep_the_earlier_values(tmp_path: Path) -> None:
    def values(trials: int, more: str = "") -> list[list[object]]:
        return [
            [d[k] for k in VARIED] for d in draws(tmp_path, RANDOM.format(trials=trials, more=more))
        ]

    few = values(10)
    assert values(40)[:10] == few
    assert values(10, "sim: {latency_ms: {low: 1, high: 900}}") == few


def test_distinct_bounds_the_artefacts_of_a_stage_and_recombines_them(tmp_path: Path) -> None:
    many = draws(tmp_path, RANDOM.format(trials=60, more=""))
    pairs = {(d["labels.profit"], d["labels.stop"]) for d in many}
    assert len(pairs) == 3
    assert len({d["quoting.gamma"] for d in many}) == 60
