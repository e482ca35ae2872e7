"""Speed of the simulator: the matching engine, and the event replay beside hftbacktest.

    python benchmarks/bench_sim.py [--data ../shared/data] [--hft PYTHON] [--messages 1000000]

Prints a table of CPU seconds and ratios, all from one run. `--hft` names the Python of an own
environment that has hftbacktest; without it, or without the capture, that part says so.
"""

from __future__ import annotations

import argparse
import json
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

from ethpredict.data.captures import read_capture
from ethpredict.sim import _lob_kernels as lob
from ethpredict.sim import _order_kernels as orders
from ethpredict.sim import _tape_kernels as tk
from ethpredict.sim._account_kernels import N_DETAIL, VOLUME
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
from ethpredict.sim.tape import best_quotes, make_tape

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
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--hft")
    parser.add_argument("--messages", type=int, default=1_000_000, help="0 leaves the book out")
    options = parser.parse_args()
    if options.messages:
        bench_book(options.messages)
    for name in ("binance_spot_ethusdt_20240808.gz", "binance_coinm_ethusd_perp_20240808.gz"):
        bench_replay(name, options.data, options.hft)


if __name__ == "__main__":
    main()
