"""Settings of one run as the vectors that the kernels read."""

from __future__ import annotations

import math

import numpy as np

from ethpredict.errors import TrialError
from ethpredict.sim import _lob_kernels as lob
from ethpredict.sim import _transaction_kernels as amm
from ethpredict.sim.fees import maker_bps, taker_bps
from ethpredict.sim.rows import Floats, MarketRows
from ethpredict.sim.run import AUCTIONS, BPS, SIGNALLED, STRATEGIES, Run


def whole_lots(run: Run, key: str, lot: float) -> float:
    """Size of a setting in whole lots, rounded down.

    Raises
    ------
    TrialError
        If it is less than one lot or too many to count.
    """
    size = run.number(key, 0.0, open_low=True)
    lots = float(np.floor(size / lot + 1e-9))
    if not 1.0 <= lots <= lob.LARGEST_TICK:
        raise TrialError(
            run.run_id,
            f"{key} = {size:g} ETH: must be 1 to 1e12 lots of sim.lob.lot_size = {lot:g} ETH",
        )
    return lots


def lob_settings(run: Run, market: MarketRows) -> Floats:
    """Vector of an order-book run.

    Parameters
    ----------
    run : Run
        The run.
    market : MarketRows
        Its rows (the tick must suit their prices).

    Returns
    -------
    ndarray, shape (N_LOB_SETTINGS,)

    Raises
    ------
    TrialError
        If a setting is out of its range.
    """
    values = np.zeros(lob.N_LOB_SETTINGS)
    strategy = run.strategy
    values[lob.S_STRATEGY] = STRATEGIES[strategy]
    values[lob.S_LAYERS] = 1.0
    values[[lob.S_ORDER_LOTS, lob.S_MAX_LOTS, lob.S_LOT, lob.S_TICK]] = 1.0
    limit = run.max_inventory
    if strategy == "none":
        return values
    values[lob.S_TAKER] = taker_bps(run) * BPS
    lot = run.number("sim.lob.lot_size", 0.0, open_low=True)
    values[lob.S_LOT] = lot
    values[lob.S_MAX_LOTS] = whole_lots(run, "quoting.max_inventory", lot)
    if strategy == "hold":
        return values
    values[lob.S_ORDER_LOTS] = whole_lots(run, "quoting.order_size", lot)
    if values[lob.S_ORDER_LOTS] > values[lob.S_MAX_LOTS]:
        raise TrialError(
            run.run_id,
            f"quoting.order_size = {run.get('quoting.order_size')}: must be <= "
            f"quoting.max_inventory = {limit:g} ETH, or no order is ever allowed",
        )
    tick = run.number("sim.lob.tick_size", 0.0, open_low=True)
    if not tick <= market.lowest <= market.highest <= lob.LARGEST_TICK * tick:
        raise TrialError(
            run.run_id,
            f"sim.lob.tick_size = {tick:g}: must be such that the prices of the segment, "
            f"{market.lowest:g} to {market.highest:g} USD, are 1 to 1e12 ticks",
        )
    values[lob.S_TICK] = tick
    values[lob.S_LATENCY] = run.number("sim.latency_ms", 0.0, 3.6e6) / 1000.0
    # A touch fills in the bracket of the best trials only.
    if run.settings["sim"]["lob"].get("fill") != "touch":
        values[lob.S_PENETRATION] = run.number("sim.lob.penetration_ticks", 1.0, 1e6, whole=True)
    values[lob.S_PARTICIPATION] = run.number("sim.lob.participation", 0.0, 1.0, open_low=True)
    values[lob.S_MAKER] = maker_bps(run) * BPS
    _spread_settings(run, values)
    _size_settings(run, market, values)
    return values


def _spread_settings(run: Run, values: Floats) -> None:
    """Bounds of the half spread and the layers."""
    values[lob.S_MOST] = np.inf
    if run.strategy in SIGNALLED:
        least = run.number("quoting.min_half_spread_bps", 0.0, 5000.0)
        most = run.optional("quoting.max_half_spread_bps", math.inf, 0.0, 5000.0)
        if least > most:
            raise TrialError(
                run.run_id,
                f"quoting.min_half_spread_bps = {least:g}: must be <= "
                f"quoting.max_half_spread_bps = {most:g}",
            )
        values[lob.S_LEAST], values[lob.S_MOST] = least * BPS, most * BPS
    values[lob.S_LAYERS] = run.number("quoting.layers.count", 1.0, 100.0, whole=True)
    if values[lob.S_LAYERS] > 1.0:
        values[lob.S_LAYER_STEP] = run.number("quoting.layers.step_bps", 0.0, 5000.0) * BPS


def _size_settings(run: Run, market: MarketRows, values: Floats) -> None:
    """Capital, leverage, target and age of the position."""
    limit = run.max_inventory
    values[lob.S_WHOLE] = run.sizing == "fixed"
    values[lob.S_CAPITAL] = run.optional(
        "quoting.sizing.capital", limit * float(market.close[0]), 0.0, 1e15
    )
    values[lob.S_LEVERAGE] = run.optional("quoting.sizing.max_leverage", math.inf, 0.0, 1000.0)
    values[lob.S_WHOLE] *= math.isinf(values[lob.S_LEVERAGE])
    values[lob.S_TARGET] = run.number("quoting.inventory_target", -limit, limit)
    values[lob.S_TIMEOUT] = run.optional("quoting.inventory_timeout", math.inf, 0.0)


def amm_settings(run: Run, market: MarketRows) -> Floats:
    """Vector of a pool run, or of the hedges of a run that quotes.

    Parameters
    ----------
    run : Run
        The run.
    market : MarketRows
        Its rows (the pool must be deep enough at their first mid).

    Returns
    -------
    ndarray, shape (N_AMM_SETTINGS,)

    Raises
    ------
    TrialError
        If a setting is out of its range or the strategy needs an order book.
    """
    strategy = run.strategy
    if run.venue == "amm" and strategy in ("fixed_spread", "avellaneda_stoikov"):
        raise TrialError(
            run.run_id,
            f"quoting.strategy = {strategy!r}: must be glft_exact, glft, hold or none with "
            "sim.venue amm (a pool takes no limit orders); use sim.venue lob",
        )
    values = np.zeros(amm.N_AMM_SETTINGS)
    values[amm.P_STRATEGY] = amm.GLFT if strategy in SIGNALLED else STRATEGIES[strategy]
    values[amm.P_MAX] = run.max_inventory
    values[[amm.P_LIQUIDITY, amm.P_BLOCK_TIME, amm.P_RISK_HORIZON]] = 1.0
    if strategy == "none":
        return values
    values[amm.P_FEE] = run.number("sim.amm.fee_bps", 0.0, 300.0) * BPS
    if not run.driven:
        _flow_settings(run, market, values)
    values[amm.P_BLOCK_TIME] = run.block_time
    values[amm.P_GAS_UNITS] = run.number("sim.amm.gas_units", 21_000.0, 1e7, whole=True)
    values[amm.P_TIP] = run.number("sim.amm.tip_gwei", 0.0, 1e5)
    values[amm.P_TRUE_A] = run.number("sim.amm.inclusion_a", -100.0, 100.0)
    values[amm.P_TRUE_S] = run.number("sim.amm.inclusion_s", 0.0, 1e6)
    if run.chain.l1_data_fee:
        values[amm.P_DATA_FEE] = run.number("sim.amm.data_fee_gwei", 0.0, 1e12)
    auction = run.word("sim.amm.bribe.auction", AUCTIONS)
    values[amm.P_ALL_PAY] = auction == "all_pay"
    values[amm.P_ON_SUCCESS] = auction == "builder_tip"
    values[amm.P_OPTIMAL] = run.bribe == "optimal"
    values[amm.P_SLIPPAGE] = run.number("sim.amm.slippage_bps", 0.0, 10_000.0) * BPS
    values[amm.P_FRONT_RUN] = run.number("sim.amm.frontrun_probability", 0.0, 1.0)
    values[amm.P_SANDWICH] = run.number("sim.amm.sandwich_probability", 0.0, 1.0)
    values[amm.P_SEED] = run.number("sim.seed", 0.0, 2.0**32 - 1.0, whole=True)
    values[amm.P_REPLICATE] = run.replicate
    values[amm.P_LATENCY] = run.number("sim.latency_ms", 0.0, 3.6e6) / 1000.0
    if strategy in SIGNALLED:
        values[amm.P_REVERT] = run.number("sim.amm.revert_probability", 0.0, 1.0)
        values[amm.P_MIN_TRADE] = run.number("sim.amm.min_trade", 0.0, 1e6)
        if run.venue == "amm":
            # A hedge takes the value of inventory from the quotes instead.
            values[amm.P_GAMMA] = run.number("quoting.gamma", 0.0, open_low=True)
            values[amm.P_RISK_HORIZON] = run.number(
                "sim.amm.risk_horizon", 0.0, 31_536_000.0, open_low=True
            )
    return values


def _flow_settings(run: Run, market: MarketRows, values: Floats) -> None:
    """Depth of the simulated pool, and who trades on it besides us."""
    values[amm.P_LIQUIDITY] = pool = run.number("sim.amm.liquidity", 0.0, 1e12, open_low=True)
    values[amm.P_TURNOVER] = run.number("sim.amm.noise_turnover", 0.0, 1000.0)
    values[amm.P_ARBITRAGE] = run.number("sim.amm.arbitrage_probability", 0.0, 1.0)
    reserve = 0.5 * pool / float(market.close[0])
    if run.max_inventory > 0.25 * reserve:
        raise TrialError(
            run.run_id,
            f"quoting.max_inventory = {run.max_inventory:g} ETH: must be <= a quarter of the "
            f"pool's {reserve:g} ETH; raise sim.amm.liquidity",
        )
