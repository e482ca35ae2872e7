"""DefiLlama: total value locked on a chain and in protocols, per day."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import requests

from ethpredict.data.arrival import LOOK_BACK_NS, daily_facts
from ethpredict.data.sources.access import Access, moments, window_over, wrong_shape
from ethpredict.errors import DataError
from ethpredict.io.redact import public_url

logger = logging.getLogger(__name__)

# Exchanges are listed among the protocols; what they hold is not locked in any.
_NO_PROTOCOL = "CEX"


def fetch(access: Access) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """TVL of `data.tvl.chain` and, on that chain, of `data.tvl.protocols`.

    Returns
    -------
    DataFrame
        `FACT_COLUMNS`, in USD, names ``tvl`` and ``tvl_<protocol>``.
    list of dict
        Name and digest of the answers.
    """
    tvl = access.data["tvl"]
    base, chain = tvl["url"].rstrip("/"), tvl["chain"]
    rows, kept = _ask(access, f"{base}/v2/historicalChainTvl/{chain}", "data.tvl.chain")
    tables = [_facts(access, base, "tvl", rows, "tvl")]
    inputs = [kept]
    for slug in tvl["protocols"]:
        found, kept = _ask(access, f"{base}/protocol/{slug}", "data.tvl.protocols")
        inputs.append(kept)
        if found.get("category") == _NO_PROTOCOL:
            logger.warning("%s is an exchange, not a protocol; left out", slug)
            continue
        try:
            series = found["chainTvls"][chain]["tvl"]
        except (KeyError, TypeError):
            raise DataError(
                f"{base}/protocol/{slug}",
                None,
                f"the protocol has no TVL on {chain}; take it out of data.tvl.protocols",
            ) from None
        tables.append(_facts(access, base, f"tvl_{slug}", series, "totalLiquidityUSD"))
    return pd.concat(tables, ignore_index=True), inputs


def _ask(access: Access, url: str, key: str) -> tuple[Any, dict[str, Any]]:
    def final(answer: requests.Response) -> bool:
        if answer.status_code in (requests.codes.not_found, requests.codes.bad_request):
            raise DataError(public_url(url), None, f"DefiLlama has no such name; check {key}")
        return False

    found, kept = access.ask("defillama", url, window_over(access.end), final=final)
    return found, kept.record()


def _facts(access: Access, url: str, name: str, rows: Any, key: str) -> pd.DataFrame:
    try:
        ts = moments(url, [row["date"] for row in rows])
        value = np.array([float(row[key]) for row in rows])
    except (KeyError, TypeError, ValueError):
        raise wrong_shape(url, f"rows with date and {key}", rows) from None
    first = access.start - LOOK_BACK_NS
    inside = (ts >= first) & (ts < access.end)
    return daily_facts("defillama", name, ts[inside], value[inside])
