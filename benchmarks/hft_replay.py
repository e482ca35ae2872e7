"""The other side of `bench_sim.py`: the same quotes on the same events, by hftbacktest.

    <python with hftbacktest> benchmarks/hft_replay.py CASE.npz

Reads events, grid, latencies and quote terms from the file; prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from hftbacktest import GTX, LIMIT, BacktestAsset, ROIVectorMarketDepthBacktest
from numba import njit


@njit
def quote(hbt, start, step, steps, tick, lot, order, limit, centre, slope):
    """Closed-form quotes every `step` ns; an order at an unchanged price stays."""
    first = hbt.current_timestamp
    if start > first:
        hbt.elapse(start - first)
    for _ in range(steps):
        if hbt.elapse(step) != 0:
            return
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        mid = 0.5 * (depth.best_bid_tick + depth.best_ask_tick) * tick
        position = hbt.position(0)
        skew = position / order
        below = min(
            int(np.floor((mid - (centre + (skew + 0.5) * slope)) / tick + 1e-9)),
            depth.best_ask_tick - 1,
        )
        above = max(
            int(np.ceil((mid + (centre - (skew - 0.5) * slope)) / tick - 1e-9)),
            depth.best_bid_tick + 1,
        )
        buys = position + order <= limit + 1e-9
        sells = position - order >= -limit - 1e-9
        orders = hbt.orders(0)
        values = orders.values()
        has_bid, has_ask = False, False
        while values.has_next():
            standing = values.get()
            at = round(standing.price / tick)
            if standing.side == 1 and at == below and buys:
                has_bid = True
            elif standing.side == -1 and at == above and sells:
                has_ask = True
            elif standing.cancellable:
                hbt.cancel(0, standing.order_id, False)
        if buys and not has_bid:
            hbt.submit_buy_order(0, 2 * below, below * tick, order, GTX, LIMIT, False)
        if sells and not has_ask:
            hbt.submit_sell_order(0, 2 * above + 1, above * tick, order, GTX, LIMIT, False)


def main() -> None:
    case = np.load(sys.argv[1])
    value = {name: case[name].item() for name in case.files if name != "events"}
    best, state = np.inf, None
    for _ in range(int(value["repeats"]) + 1):
        asset = (
            BacktestAsset()
            .data([case["events"]])
            .linear_asset(1.0)
            .constant_order_latency(int(value["entry"]), int(value["response"]))
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(value["maker"], value["taker"])
            .tick_size(value["tick"])
            .lot_size(value["lot"])
            .roi_lb(value["low"])
            .roi_ub(value["high"])
        )
        hbt = ROIVectorMarketDepthBacktest([asset])
        start = time.process_time()
        quote(
            hbt, int(value["start"]), int(value["step"]), int(value["steps"]), value["tick"],
            value["lot"], value["order"], value["limit"], value["centre"], value["slope"],
        )  # fmt: skip
        # The first pass compiles.
        best = min(best, time.process_time() - start) if state is not None else best
        found = hbt.state_values(0)
        state = {"trades": int(found.num_trades), "volume": float(found.trading_volume)}
        hbt.close()
    sys.stdout.write(json.dumps({"seconds": best, **state}) + "\n")


if __name__ == "__main__":
    main()
