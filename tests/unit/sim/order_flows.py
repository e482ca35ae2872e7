"""Random order flow played by the dict book, and the same flow as exchanges write it."""

from __future__ import annotations

import importlib.util
import uuid
from pathlib import Path

import numpy as np

_spec = importlib.util.spec_from_file_location(
    "dict_book", Path(__file__).with_name("dict_book.py")
)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
DictBook = _module.DictBook
DAY = 1_340_236_800  # 2012-06-21, UTC s


def random_flow(n: int, seed: int) -> list[dict]:
    """What happens on an exchange: each with its moment (ns since midnight) and its trades."""
    rng, book, flow, alive, number = np.random.default_rng(seed), DictBook(), [], [], 0
    clock = 34_200_000_000_000
    for _ in range(n):
        # A third of the moments are shared with what came before.
        clock += int(rng.integers(1, 5)) * 1_000_000 * int(rng.random() > 0.33)
        draw = rng.random()
        alive = [other for other in alive if other in book.where]
        if draw < 0.6 or not alive:
            number += 1
            side = int(rng.choice([-1, 1]))
            market = draw < 0.05
            tick = 1000 - side * int(rng.integers(-2, 9))
            qty = int(rng.integers(1, 20))
            made = book.submit(number, side, tick, qty, "market" if market else "limit")
            rest = qty - sum(trade.qty for trade in made)
            if rest and not market:
                alive.append(number)
            flow.append(
                {"what": "new", "ts": clock, "id": number, "side": side, "tick": tick, "qty": qty,
                 "market": market, "trades": made, "rest": 0 if market else rest}
            )  # fmt: skip
            continue
        order = int(rng.choice(alive))
        side, tick = book.where[order]
        left = book.sides[side][tick][order][0]
        base = {"ts": clock, "id": order, "side": side, "tick": tick, "left": left, "trades": []}
        if draw < 0.85 or left == 1:
            book.cancel(order)
            flow.append(base | {"what": "cancel"})
        elif draw < 0.93:
            lost = int(rng.integers(1, left))
            book.reduce(order, left - lost)
            flow.append(base | {"what": "reduce", "lost": lost})
        else:
            # Another size at a price that cannot trade, under another number.
            number += 1
            new = tick - side * int(rng.integers(0, 4))
            qty = int(rng.integers(1, 20))
            book.cancel(order)
            book.submit(number, side, new, qty)
            alive.append(number)
            flow.append(base | {"what": "replace", "new": number, "to": new, "qty": qty})
    return flow


def trades_of(flow: list[dict]) -> list[tuple[int, int, int, int]]:
    """Trades of the flow: taker, maker, tick, lots."""
    return [tuple(trade) for event in flow for trade in event["trades"]]


def itch(flow: list[dict]) -> tuple[str, list[str]]:
    """Add, execute, cancel, delete, replace; the taker has no number; side and price once."""
    rows = []
    for e in flow:
        at, mark = f"{e['ts'] + DAY * 10**9}", "B" if e["side"] > 0 else "S"
        rows += [f"{at},E,{t.maker},,,,{t.qty}" for t in e["trades"]]
        if e["what"] == "new" and e["rest"]:
            rows.append(f"{at},A,{e['id']},,{mark},{e['tick'] * 100},{e['rest']}")
        elif e["what"] == "cancel":
            rows.append(f"{at},D,{e['id']},,,,")
        elif e["what"] == "reduce":
            rows.append(f"{at},X,{e['id']},,,,{e['lost']}")
        elif e["what"] == "replace":
            rows.append(f"{at},U,{e['id']},{e['new']},,{e['to'] * 100},{e['qty']}")
    return "timestamp,type,order_ref,new_order_ref,side,price,shares", rows


def lobster(flow: list[dict]) -> tuple[str, list[str]]:
    """LOBSTER's message file: no header, seconds since midnight, prices times 10,000."""
    rows, sides = [], {}
    for e in flow:
        at, price = f"{e['ts'] / 1e9:.9f}", e["tick"] * 100
        for t in e["trades"]:
            rows.append(f"{at},4,{t.maker},{t.qty},{t.price_tick * 100},{sides[t.maker]}")
        sides |= {e["id"]: e["side"], e.get("new", e["id"]): e["side"]}
        if e["what"] == "new" and e["rest"]:
            rows.append(f"{at},1,{e['id']},{e['rest']},{price},{e['side']}")
        elif e["what"] in ("cancel", "replace"):
            rows.append(f"{at},3,{e['id']},{e['left']},{price},{e['side']}")
        elif e["what"] == "reduce":
            rows.append(f"{at},2,{e['id']},{e['lost']},{price},{e['side']}")
        if e["what"] == "replace":
            rows.append(f"{at},1,{e['new']},{e['qty']},{e['to'] * 100},{e['side']}")
    return "", rows


def name_of(number: int) -> str:
    """A text id."""
    return str(uuid.UUID(int=number * 2**64 + 7))


def coinbase(flow: list[dict]) -> tuple[str, list[str]]:
    """received, open, match, done, change; text ids; in the order of another clock."""
    rows, left = [], {}
    for e in flow:
        at, name = f"{DAY + e['ts'] / 1e9:.6f}", name_of(e["id"])
        side, price = ("buy", "sell")[e["side"] < 0], f"{e['tick'] / 100:.2f}"
        other = ("sell", "buy")[e["side"] < 0]
        if e["what"] == "new":
            limit = "" if e["market"] else price
            rows.append(f"received,{name},,,{side},{limit},{e['qty']},,,,{at}")
            for t in e["trades"]:
                maker, paid = name_of(t.maker), f"{t.price_tick / 100:.2f}"
                rows.append(f"match,,{maker},{name},{other},{paid},{t.qty},,,,{at}")
                left[t.maker] -= t.qty
                if not left[t.maker]:
                    rows.append(f"done,{maker},,,{other},{paid},,0,,filled,{at}")
            if e["rest"]:
                rows.append(f"open,{name},,,{side},{price},,{e['rest']},,,{at}")
            elif e["market"] or not e["rest"]:
                rows.append(f"done,{name},,,{side},{limit},,,,filled,{at}")
            left[e["id"]] = e["rest"]
        elif e["what"] == "reduce":
            now = left[e["id"]] = e["left"] - e["lost"]
            rows.append(f"change,{name},,,{side},{price},,,{now},,{at}")
        else:
            rows.append(f"done,{name},,,{side},{price},,{e['left']},,canceled,{at}")
        if e["what"] == "replace":
            new, to = name_of(e["new"]), f"{e['to'] / 100:.2f}"
            rows.append(f"open,{new},,,{side},{to},,{e['qty']},,,{at}")
            left[e["new"]] = e["qty"]
    rows = [f"{k},{row}" for k, row in enumerate(rows)]
    # Within a moment the file is shuffled: the sequence numbers tell the order.
    rng, mixed = np.random.default_rng(3), {}
    for row in rows:
        mixed.setdefault(row.rsplit(",", 1)[1], []).append(row)
    shuffled = [r for burst in mixed.values() for r in rng.permutation(burst).tolist()]
    columns = "sequence,type,order_id,maker_order_id,taker_order_id,side,price,size,"
    return columns + "remaining_size,new_size,reason,time", shuffled


def mbo(flow: list[dict]) -> tuple[str, list[str]]:
    """Market by order: add, modify, cancel, trade, fill; long ids; prices in 1e-9."""
    rows, left, big = [f"{flow[0]['ts'] + DAY * 10**9},R,N,0,0,0"], {}, 6_412_345_678_000
    for e in flow:
        at, mark = e["ts"] + DAY * 10**9, "B" if e["side"] > 0 else "A"
        other, price = "A" if e["side"] > 0 else "B", e["tick"] * 10_000_000
        for t in e["trades"]:
            paid = t.price_tick * 10_000_000
            rows += [f"{at},T,{mark},{paid},{t.qty},0"]
            rows += [f"{at},F,{other},{paid},{t.qty},{big + t.maker}"]
            left[t.maker] -= t.qty
            if left[t.maker] and t.maker % 2:
                rows.append(f"{at},M,{other},{paid},{left[t.maker]},{big + t.maker}")
            else:
                rows.append(f"{at},C,{other},{paid},{t.qty},{big + t.maker}")
        if e["what"] == "new" and e["rest"]:
            left[e["id"]] = e["rest"]
            rows.append(f"{at},A,{mark},{price},{e['rest']},{big + e['id']}")
        elif e["what"] in ("cancel", "replace"):
            rows.append(f"{at},C,{mark},{price},{e['left']},{big + e['id']}")
        elif e["what"] == "reduce":
            left[e["id"]] = e["left"] - e["lost"]
            rows.append(f"{at},C,{mark},{price},{e['lost']},{big + e['id']}")
        if e["what"] == "replace":
            left[e["new"]] = e["qty"]
            rows.append(f"{at},A,{mark},{e['to'] * 10_000_000},{e['qty']},{big + e['new']}")
    return "ts_event,action,side,price,size,order_id", rows


def both_told(flow: list[dict]) -> tuple[str, list[str]]:
    """Orders are added before they trade, and each trade is told of both orders; codes 0 and 1."""
    rows, sides = [], {}
    for e in flow:
        at, price, code = f"{DAY * 1000 + e['ts'] // 10**6}", e["tick"], int(e["side"] < 0)
        if e["what"] == "new":
            limit = price if not e["market"] else 1000 + 500 * e["side"]
            rows.append(f"{at},new,{e['id']},{code},{limit},{e['qty']}")
            for t in e["trades"]:
                rows.append(f"{at},execute,{t.maker},{sides[t.maker]},{t.price_tick},{t.qty}")
                rows.append(f"{at},execute,{t.taker},{code},{t.price_tick},{t.qty}")
            gone = e["qty"] - sum(t.qty for t in e["trades"])
            if e["market"] and gone:
                rows.append(f"{at},cancel,{e['id']},{code},{limit},{gone}")
        elif e["what"] in ("cancel", "replace"):
            rows.append(f"{at},cancel,{e['id']},{code},{price},{e['left']}")
        elif e["what"] == "reduce":
            rows.append(f"{at},reduce,{e['id']},{code},{price},{e['lost']}")
        if e["what"] == "replace":
            rows.append(f"{at},new,{e['new']},{code},{e['to']},{e['qty']}")
        sides |= {e["id"]: code, e.get("new", e["id"]): code}
    return "time,event,id,side,price,size", rows


def resting(flow: list[dict]) -> tuple[str, list[str]]:
    """What is left of each order after each row, takers too, as Bitstamp's ``live_orders``."""
    rows, left, where = [], {}, {}
    for e in flow:
        at, name = f"{DAY * 10**6 + e['ts'] // 1000}", e["id"]
        side, price = ("bid", "ask")[e["side"] < 0], e["tick"]
        if e["what"] == "new":
            limit = price if not e["market"] else 1000 + 500 * e["side"]
            if e["trades"] or e["rest"]:
                rows.append(f"{at},created,{name},{side},{limit},{e['qty']}")
            left[name], where[name] = e["qty"], (side, limit)
            for t in e["trades"]:
                for one in (t.maker, t.taker):
                    left[one] -= t.qty
                    kind = "changed" if left[one] else "deleted"
                    rows.append(f"{at},{kind},{one},{where[one][0]},{where[one][1]},{left[one]}")
            if e["market"] and e["trades"] and left[name]:
                rows.append(f"{at},deleted,{name},{side},{limit},{left[name]}")
        elif e["what"] in ("cancel", "replace"):
            rows.append(f"{at},deleted,{name},{side},{price},{e['left']}")
        elif e["what"] == "reduce":
            left[name] = e["left"] - e["lost"]
            rows.append(f"{at},changed,{name},{side},{price},{left[name]}")
        if e["what"] == "replace":
            left[e["new"]], where[e["new"]] = e["qty"], (side, e["to"])
            rows.append(f"{at},created,{e['new']},{side},{e['to']},{e['qty']}")
    return "microtimestamp,event,id,direction,price,amount", rows
