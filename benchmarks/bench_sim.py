"""Speed of the simulator: lanes, swaps, the matching engine, and the replay beside hftbacktest.

    python benchmarks/bench_sim.py [--only lanes swaps book replay] [--rows 100000]
        [--settings 1000] [--messages 1000000] [--data ../shared/data] [--hft PYTHON]

Prints a table of CPU seconds and ratios, all from one run. `--hft` names the Python of an own
environment that has hftbacktest; without it, or without the capture, that part says so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "unit" / "sim"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import book_streams
from dict_book import DictBook
from sim_market import make_rows, make_runs

from ethpredict.data.captures import read_capture
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _lob_kernels as lob
from ethpredict.sim import _order_kernels as orders
from ethpredict.sim import _tape_kernels as tk
from ethpredict.sim import _wide_kernels as wide
from ethpredict.sim import amm, reference_lob
from ethpredict.sim._account_kernels import N_DETAIL, VOLUME
from ethpredict.sim._amm_kernels import swap
from ethpredict.sim._l2_kernels import (
    N_EVENT_SETTINGS,
    N_FILL,
    V_BOOK,
    V_ENTRY,
    V_FEED,
    V_RESPONSE,
    V_RULE,
)
from ethpredict.sim._replay_kernels import run_replay
from ethpredict.sim.book import OrderBook
from ethpredict.sim.exact_swaps import swap_sequence
from ethpredict.sim.kept import Kept, kept_rows
from ethpredict.sim.lane_settings import LaneRows, lane_motion, read_lane
from ethpredict.sim.lanes import play_lanes, simulate_lanes
from ethpredict.sim.pack import simulate_run
from ethpredict.sim.quotes import Lattices, quote_rows, size_rows
from ethpredict.sim.rows import MarketRows, PathRows
from ethpredict.sim.run import Run
from ethpredict.sim.settings import lob_settings
from ethpredict.sim.tape import best_quotes, make_tape

Rows = tuple[MarketRows, PathRows]

ROOT = Path(__file__).resolve().parents[1]
TICK, LOT, ORDER, LIMIT, STEP = 0.01, 0.001, 0.01, 0.2, 100_000_000
LATENCY, CENTRE, SLOPE = 50_000_000, 0.05, 0.01
# Flags of hftbacktest's events.
DEPTH, TRADE, SNAPSHOT, BUY, SELL, BOTH = 1, 2, 4, 1 << 29, 1 << 28, (1 << 31) | (1 << 30)


def line(name: str, figure: str, note: str = "") -> None:
    sys.stdout.write(f"{name:<44} {figure:>16}  {note}\n")


def cpu(work: Callable[[], object], repeats: int) -> float:
    """Least CPU seconds of a few passes."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def bench_lanes(rows: int, settings: int) -> None:
    """Many settings side by side, against one at a time and against plain Python."""
    market, path = make_rows(rows)
    shared, short = LaneRows.of(market, path), make_rows(min(rows, 20_000))
    for name, least in (("near", (1.0, 5.0)), ("far", (20.0, 60.0))):
        runs = make_runs(settings, "glft", least)
        bench_case(f"lanes, {name}", runs, shared, short if name == "near" else None)
    bench_exact(*short)


def bench_case(name: str, runs: list[Run], shared: LaneRows, short: Rows | None) -> None:
    market, path = shared.market, shared.path
    rows, run, lattices = len(market.close), runs[0], Lattices()
    play_lanes(runs[:2], lambda _: (market, path), {}, lattices)
    whole = cpu(lambda: play_lanes(runs, lambda _: (market, path), {}, lattices), 3)
    lanes = [lane for lane in (read_lane(run, shared) for run in runs[:64]) if lane]
    motion, kept = lane_motion(run, shared), kept_rows(market)
    step = cpu(lambda: simulate_lanes(lanes, shared, motion, kept, lattices), 9) / rows / len(lanes)
    results = simulate_lanes(lanes, shared, motion, kept, lattices)
    fills = np.mean([r.accounts[[acc.N_BUYS, acc.N_SELLS]].sum() for r in results]) / rows
    alone = simulate_run(run, market, path, lattices)
    scalar = cpu(lambda: simulate_run(run, market, path, lattices), 5)
    scalar = (scalar - cpu(lambda: quote_rows(run, market, path, lattices), 5)) / rows
    same = np.array_equal(alone.accounts, results[0].accounts)
    note = f"{rows:,} rows, {fills:.0%} of a lane's rows fill; goal 0.4 s"
    line(f"{name}: {len(runs):,} settings, CPU s", f"{whole:.2f}", note)
    line("  a lane-step, ns", f"{step * 1e9:.2f}", f"{len(lanes)} lanes; goal 4")
    line("  ratio to the scalar kernel", f"{scalar / step:.1f}", f"goal 5; same bits: {same}")
    if short is not None:
        plain = plain_step(run, *short)
        line("  ratio to plain Python", f"{plain / step:.0f}", f"goal 300; {plain * 1e6:.1f} us")


def bench_exact(market: MarketRows, path: PathRows) -> None:
    """Quotes of a lattice, once its nodes are solved."""
    runs, lattices = make_runs(64, "glft_exact", (1.0, 5.0)), Lattices()
    rows = len(market.close)

    def play() -> dict[str, Kept]:
        return play_lanes(runs, lambda _: (market, path), {}, lattices)

    first, together = cpu(play, 1), cpu(play, 2)
    alone = cpu(lambda: simulate_run(runs[0], market, path, lattices), 3)
    each = together / rows / len(runs)
    line("exact quotes: a lane-step, ns", f"{each * 1e9:.0f}", f"{rows:,} rows, {len(runs)} runs")
    line("  ratio to the scalar run", f"{alone / rows / each:.1f}", f"nodes first: {first:.1f} s")


def plain_step(run: Run, market: MarketRows, path: PathRows) -> float:
    """Seconds of one row of the plain reference."""
    quotes, sizes = quote_rows(run, market, path, Lattices()), size_rows(run, market, path)
    settings = lob_settings(run, market)
    work = cpu(lambda: reference_lob.run_lob(market, quotes, sizes, settings), 3)
    return work / len(market.close)


def float_swaps(shares: np.ndarray, reserve0: float, reserve1: float) -> float:
    """Sales and purchases of ETH in turn, each on what the last one left."""
    total = 0.0
    for share in shares:
        got, reserve0, reserve1, _ = swap(share * reserve0, reserve0, reserve1, 0.003, True)
        back, reserve1, reserve0, _ = swap(got, reserve1, reserve0, 0.003, True)
        total += back
    return total


def bench_swaps(count: int) -> None:
    """Swaps of one pool after another, in floats and in the contract's integers."""
    # After the package, which says where compiled kernels are kept.
    from numba import njit

    shares = np.random.default_rng(3).uniform(1e-6, 1e-3, count // 2)
    swaps = njit(error_model="numpy")(float_swaps)
    swaps(shares[:2], 1e4, 3e7)
    fast = cpu(lambda: swaps(shares, 1e4, 3e7), 9)
    line("float swaps/s", f"{2 * len(shares) / fast:,.0f}", "goal 50,000,000")
    rng = np.random.default_rng(4)
    paid = [int(x) * 10**6 for x in rng.integers(10**9, 10**13, count // 10)]
    sides, reserves = rng.random(len(paid)) < 0.5, (10**22, 3 * 10**25)
    swap_sequence(paid[:2], sides[:2], *reserves)
    digits = np.array([[x >> 32 * i & 0xFFFFFFFF for i in range(8)] for x in paid], np.uint32)
    got = np.empty_like(digits)

    def kernel() -> None:
        pool = np.array([[x >> 32 * i & 0xFFFFFFFF for i in range(8)] for x in reserves], np.uint64)
        wide.swap_all(digits, sides, pool, 30, False, got)

    whole, inner = cpu(lambda: swap_sequence(paid, sides, *reserves), 5), cpu(kernel, 5)
    line("exact swaps/s", f"{len(paid) / inner:,.0f}", "goal 1,000,000; 256-bit integers")
    line("  from and to Python integers", f"{len(paid) / whole:,.0f}")
    one = cpu(lambda: [amm.uniswap_v2_amount_out(x, *reserves) for x in paid], 3)
    line("  one call each, all in Python", f"{len(paid) / one:,.0f}")


def bench_book(count: int) -> None:
    messages = book_streams.market_stream(count, 1)
    OrderBook().apply(messages[:1000])
    fast = cpu(lambda: OrderBook().apply(messages), 5)
    part = messages[: count // 10]
    plain = cpu(lambda: book_streams.play(DictBook(), part), 1) * 10
    same = OrderBook().apply(part).tolist() == book_streams.play(DictBook(), part)
    line("book, messages/s", f"{count / fast:,.0f}", "goal 15,000,000")
    line("book, ratio to the dict book", f"{plain / fast:.1f}", f"goal 15; same trades: {same}")


def replay_case(tape, steps: int, rule: int = orders.QUEUE) -> Callable[[], tuple[float, int]]:
    """Our side: closed-form quotes every STEP ns; volume (ETH) and number of fills."""
    times = np.arange(steps + 1, dtype=np.int64) * STEP
    flat = np.zeros(steps)
    settings = np.zeros(lob.N_LOB_SETTINGS)
    for place, value in (
        (lob.S_STRATEGY, lob.GLFT), (lob.S_ORDER_LOTS, ORDER / LOT), (lob.S_MAX_LOTS, LIMIT / LOT),
        (lob.S_LOT, LOT), (lob.S_TICK, TICK), (lob.S_LAYERS, 1), (lob.S_PENETRATION, 1),
        (lob.S_MAKER, 1.5e-4), (lob.S_TAKER, 4.5e-4), (lob.S_MOST, np.inf), (lob.S_WHOLE, 1),
        (lob.S_LEVERAGE, np.inf), (lob.S_TIMEOUT, np.inf), (lob.S_CAPITAL, 1e6),
    ):  # fmt: skip
        settings[place] = round(value) if place in (lob.S_ORDER_LOTS, lob.S_MAX_LOTS) else value
    rules = np.zeros(N_EVENT_SETTINGS)
    rules[[V_RULE, V_BOOK]] = rule, tape.has_book
    rules[[V_ENTRY, V_FEED, V_RESPONSE]] = LATENCY

    def play() -> tuple[float, int]:
        accounts, count = run_replay(
            times, np.zeros(steps, bool), tape.events, tape.quotes, tape.ranks,
            np.empty(0, np.int64), np.empty(0), flat, flat + CENTRE, flat + SLOPE, flat, flat,
            flat + 1.0, np.empty((0, 0)), np.full((steps, 8), -1), np.zeros((steps, 3)),
            np.zeros(steps, bool), np.full(steps, np.inf), flat, settings, rules,
            np.zeros((16, orders.N_OWN), np.int64), np.zeros((100_000, N_FILL)),
            np.empty(steps), np.empty(steps), np.empty((N_DETAIL, 0)),
        )  # fmt: skip
        return float(accounts[VOLUME]), count

    return play


def hft_case(tape, steps: int, first: int, path: Path) -> None:
    """The same events and terms as a file for hftbacktest."""
    kinds = {"names": ["ev", "exch_ts", "local_ts", "px", "qty", "order_id", "ival", "fval"]}
    kinds["formats"] = ["<u8", "<i8", "<i8", "<f8", "<f8", "<u8", "<i8", "<f8"]
    shown = tape.events[tape.events[:, tk.E_KIND] != tk.CLEAR]
    table = np.zeros(len(shown), np.dtype(kinds, align=True))
    side = np.where(shown[:, tk.E_SIDE] > 0, BUY, SELL)
    table["ev"] = np.where(shown[:, tk.E_KIND] == tk.TRADE, TRADE, DEPTH) | side | BOTH
    table["exch_ts"] = shown[:, tk.E_TS] + first
    table["local_ts"] = table["exch_ts"] + LATENCY
    table["px"] = shown[:, tk.E_TICK] * TICK
    table["qty"] = shown[:, tk.E_UNITS] * (LOT / orders.UNITS)
    low, high = table["px"].min() - 1.0, table["px"].max() + 1.0
    np.savez(
        path, events=table, start=first, step=STEP, steps=steps, tick=TICK, lot=LOT, order=ORDER,
        limit=LIMIT, centre=CENTRE, slope=SLOPE, entry=LATENCY, response=LATENCY, maker=1.5e-4,
        taker=4.5e-4, low=low, high=high, repeats=5,
    )  # fmt: skip


def bench_replay(name: str, data: Path, python: str | None) -> None:
    file = data / "l2_capture" / name
    if not file.exists():
        line(f"replay of {name}", "skipped", f"no file {file}")
        return
    capture = read_capture(file)
    first = int(max(capture.book["ts"].iloc[0], capture.trades["ts"].iloc[0])) + STEP
    last = int(min(capture.book["ts"].iloc[-1], capture.trades["ts"].iloc[-1]))
    steps = (last - first) // STEP
    stop = first + steps * STEP

    def tape():
        return make_tape("bench", capture.trades, capture.book, TICK, LOT, first, stop)

    market = tape()
    play = replay_case(market, steps)
    volume, fills = play()
    ours, prepare = cpu(play, 5), cpu(tape, 3)
    count = len(market.events)
    line(f"{name[:20]}: events", f"{count:,}", f"{steps:,} decisions")
    line("  fills, l2 queue", f"{fills}", f"{volume:.3f} ETH, {volume / ORDER:.1f} whole orders")
    prints = make_tape("bench", capture.trades, None, TICK, LOT, first, stop)
    for what, tape_ in (("best quotes", best_quotes(market)), ("trades alone", prints)):
        size, found = replay_case(tape_, steps, orders.STRICT)()
        note = f"{size:.3f} ETH: {size / volume:.3f} of l2"
        line(f"  fills, {what}, strict", f"{found / fills:.3f} of l2", f"{found}, {note}")
    line("  replay, events/s", f"{count / ours:,.0f}", f"preparing once: {prepare:.3f} s")
    if python is None or not Path(python).exists():
        line("  ratio to hftbacktest", "skipped", "no environment; name it with --hft")
        return
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.npz"
        hft_case(market, steps, first, case)
        done = subprocess.run(
            [python, str(ROOT / "benchmarks" / "hft_replay.py"), str(case)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        line("  ratio to hftbacktest", "skipped", done.stderr.strip().splitlines()[-1][:60])
        return
    theirs = json.loads(done.stdout.splitlines()[-1])
    line(
        "  hftbacktest, events/s",
        f"{count / theirs['seconds']:,.0f}",
        f"{theirs['decisions']:,} decisions, {theirs['trades']} fills, {theirs['volume']:.3f} ETH",
    )
    line("  ratio, replay alone", f"{theirs['seconds'] / ours:.1f}", "goal 1")
    line("  ratio, preparation included", f"{theirs['seconds'] / (ours + prepare):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ("lanes", "swaps", "book", "replay")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--settings", type=int, default=1000)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--hft")
    parser.add_argument("--messages", type=int, default=1_000_000)
    options = parser.parse_args()
    line("load average at the start", f"{os.getloadavg()[0]:.1f}")
    if "lanes" in options.only:
        bench_lanes(options.rows, options.settings)
    if "swaps" in options.only:
        bench_swaps(2_000_000)
    if "book" in options.only and options.messages:
        bench_book(options.messages)
    for name in ("binance_spot_ethusdt_20240808.gz", "binance_coinm_ethusd_perp_20240808.gz"):
        if "replay" in options.only:
            bench_replay(name, options.data, options.hft)
    line("load average at the end", f"{os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
