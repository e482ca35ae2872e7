"""Settings of a liquidity provider's run, checked, as the vector that its kernel reads."""

from __future__ import annotations

import numpy as np

from ethpredict.errors import TrialError
from ethpredict.quoting._bribe_kernels import inclusion_chance
from ethpredict.sim import _provider_kernels as lp
from ethpredict.sim.rows import Floats, MarketRows
from ethpredict.sim.run import BPS, Run

DAY_S = 86_400.0


def provides(run: Run) -> bool:
    """Whether a run mints and burns rather than swaps."""
    return (
        run.venue == "amm"
        and run.strategy not in ("none", "hold", "fixed_spread")
        and run.word("sim.amm.mode", ("taker", "lp")) == "lp"
    )


def lp_settings(run: Run, market: MarketRows) -> Floats:
    """Vector of a provider's run.

    Parameters
    ----------
    run : Run
        The run.
    market : MarketRows
        Its rows.

    Returns
    -------
    ndarray, shape (N_LP_SETTINGS,)

    Raises
    ------
    TrialError
        If a setting is out of its range, or a row has too many blocks to count.
    """
    values = np.zeros(lp.N_LP_SETTINGS)
    values[lp.L_DEPOSIT] = run.number("sim.amm.lp.deposit", 0.0, 1e12, open_low=True)
    values[lp.L_FEE] = run.number("sim.amm.fee_bps", 0.0, 300.0) * BPS
    values[lp.L_KEEP] = run.word("sim.amm.lp.fees", ("reserves", "vault")) == "reserves"
    values[lp.L_ALWAYS] = run.word("sim.amm.lp.policy", ("always", "income")) == "always"
    values[lp.L_LIMIT] = run.max_inventory
    values[lp.L_BLOCK_TIME] = run.block_time
    if not run.driven:
        _flow_settings(run, market, values)
    values[lp.L_GAS_UNITS] = run.number("sim.amm.gas_units", 21_000.0, 1e7, whole=True)
    values[lp.L_TIP] = tip = run.number("sim.amm.tip_gwei", 0.0, 1e5)
    if run.chain.l1_data_fee:
        values[lp.L_DATA_FEE] = run.number("sim.amm.data_fee_gwei", 0.0, 1e12)
    values[lp.L_INCLUSION] = inclusion_chance(
        run.number("sim.amm.inclusion_a", -100.0, 100.0),
        run.number("sim.amm.inclusion_s", 0.0, 1e6),
        tip,
    )
    values[lp.L_LATENCY] = run.number("sim.latency_ms", 0.0, 3.6e6) / 1000.0
    days = 1.0
    if not values[lp.L_ALWAYS]:
        days = run.number("sim.amm.lp.income_days", 0.0, open_low=True)
    values[[lp.L_HORIZON, lp.L_INCOME_WINDOW]] = days * DAY_S
    values[lp.L_SEED] = run.number("sim.seed", 0.0, 2.0**32 - 1.0, whole=True)
    values[lp.L_REPLICATE] = run.replicate
    return values


def _flow_settings(run: Run, market: MarketRows, values: Floats) -> None:
    """Depth of the simulated pool, and who trades on it besides us, block by block."""
    values[lp.L_LIQUIDITY] = run.number("sim.amm.liquidity", 0.0, 1e12, open_low=True)
    values[lp.L_TURNOVER] = run.number("sim.amm.noise_turnover", 0.0, 1000.0)
    values[lp.L_ARBITRAGE] = run.number("sim.amm.arbitrage_probability", 0.0, 1.0)
    block = run.block_time
    most = float(market.duration.max()) / block
    if most >= lp.MOST_BLOCKS:
        raise TrialError(
            run.run_id,
            f"sim.amm.block_time = {block:g} s: the longest row has {most:g} blocks, at most "
            f"{lp.MOST_BLOCKS} can be played; use shorter bars or longer blocks",
        )
