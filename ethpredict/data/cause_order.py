"""Order of the rows of one moment, where a feed tells a trade before the order that made it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
# Sums of sizes are equal within this share.
NEAR = 1e-9
NEVER = np.iinfo(np.int64).max


def causes_first(
    ts: Ints, created: npt.NDArray[np.bool_], ids: Ints, side: Ints, price: Floats, size: Floats
) -> Ints:
    """Put orders before what they did, within one timestamp.

    A row that creates an order comes before the other rows of that order. An order that
    loses size in the moment in which it is created traded as a taker; where the rows after
    it do not lose enough on the other side, it comes before the nearest rows above it that do.

    Parameters
    ----------
    ts, created, ids, side, price, size : shape (n,)
        Time, whether the row creates its order, order id, side, price and what is left.

    Returns
    -------
    ndarray of int64, shape (n,)
        The rows in the order in which to play them. Rows of different moments stay as they
        are. Of several takers in one shuffled moment nothing can be told: then give the
        file's sequence numbers.
    """
    order = _own_rows_last(ts, created, ids)
    ts, created, ids = ts[order], created[order], ids[order]
    side, price, size = side[order], price[order], size[order]
    table = pd.DataFrame({"id": ids, "ts": ts, "q": size, "life": created.astype(np.int64)})
    # A number may be used again: each creation begins another life.
    table["life"] = table.groupby("id", sort=False)["life"].cumsum()
    by_id = table.groupby(["id", "life"], sort=False)
    before = by_id["q"].shift().to_numpy(np.float64)
    after = by_id["q"].shift(-1).to_numpy(np.float64)
    then = by_id["ts"].shift(-1, fill_value=NEVER).to_numpy(np.int64)
    lost = np.where(created | np.isnan(before), 0.0, np.maximum(before - size, 0.0))
    least = table.groupby(["id", "life", "ts"], sort=False)["q"].transform("min").to_numpy()
    taken = np.where(created & (then == ts) & (after < size), size - least, 0.0)
    place = np.arange(len(ts), dtype=np.float64)
    for moment in np.unique(ts[taken > 0]).tolist():
        span = slice(*np.searchsorted(ts, [moment, moment + 1]))
        place[span] = _takers_first(place[span], taken[span], lost[span], side[span], price[span])
    return order[np.argsort(place, kind="stable")]


def _takers_first(place: Floats, taken: Floats, lost: Floats, side: Ints, price: Floats) -> Floats:
    """Places of the rows of one moment."""
    # Losses that no order above them explains look like cancels until their taker is found.
    credit, loose = {1: 0.0, -1: 0.0}, np.zeros(len(place), np.bool_)
    for row in range(len(place)):
        credit[int(side[row])] += taken[row]
        other = -int(side[row])
        loose[row] = lost[row] > credit[other] * (1.0 + NEAR)
        if not loose[row]:
            credit[other] -= lost[row]
    place = place.copy()
    for row in np.flatnonzero(taken > 0).tolist():
        met = (side == -side[row]) & (lost > 0) & ((price - price[row]) * side[row] <= 0)
        need, least = taken[row] - lost[row:][met[row:]].sum(), NEAR * taken[row]
        for above in np.flatnonzero(met[:row] & loose[:row])[::-1] if need > least else ():
            need -= lost[above]
            loose[above] = False
            if need <= least:
                place[row] = place[above] - 0.5
                break
    return place


def _own_rows_last(ts: Ints, created: npt.NDArray[np.bool_], ids: Ints) -> Ints:
    """Rows with each order's creation before its other rows of that moment."""
    place = np.arange(len(ts), dtype=np.float64)
    table = pd.DataFrame({"id": ids, "ts": ts, "created": created})
    early = ~created & ~table.duplicated("id").to_numpy()
    if early.any():
        firsts = pd.DataFrame({"id": ids[early], "ts": ts[early], "first": np.flatnonzero(early)})
        rows = np.flatnonzero(created)
        made = pd.DataFrame({"id": ids[rows], "ts": ts[rows], "row": rows})
        both = firsts.merge(made.drop_duplicates(["id", "ts"]), on=["id", "ts"])
        place[both["row"].to_numpy()] = both["first"].to_numpy() - 0.5
    return np.argsort(place, kind="stable")
