"""Santiment: daily on-chain, development and social metrics, by GraphQL."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import requests

from ethpredict.data.arrival import DAY_NS, LOOK_BACK_NS, daily_facts
from ethpredict.data.market import FACT_COLUMNS, typed_table
from ethpredict.data.sources.access import Access, moments, window_over, wrong_shape
from ethpredict.data.timestamps import iso
from ethpredict.errors import ConfigError, DataError
from ethpredict.io.redact import public_url

KEY = "SANTIMENT_API_KEY"
_QUERY = """query($metric: String!, $slug: String!, $from: DateTime!, $to: DateTime!) {
  getMetric(metric: $metric) {
    timeseriesDataJson(slug: $slug, from: $from, to: $to, interval: "1d")
  }
}"""


class _TooLargeError(Exception):
    """The answer would be too large: ask for less at once."""


def fetch(access: Access) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """`data.santiment.metrics` of `data.santiment.slug`, one value a day.

    Returns
    -------
    DataFrame
        `FACT_COLUMNS`; the row of a day holds its closing value, so it is
        known at the end of that day. Days without a value have no row: the
        free plan hides the last 30.
    list of dict
        Name and digest of the answers.

    Raises
    ------
    ConfigError
        If the environment holds no key.
    DataError
        If the key or the metric is refused, also where that is said in an
        answer with HTTP status 200.
    """
    key = os.environ.get(KEY)
    if not key:
        raise ConfigError(
            f"environment variable {KEY}",
            None,
            "an API key when data.extras has santiment",
            "Export it; it is never read from a YAML and never written anywhere.",
        )
    first = access.start - LOOK_BACK_NS
    low, high = first // DAY_NS * DAY_NS, -(-access.end // DAY_NS) * DAY_NS
    tables = [typed_table(FACT_COLUMNS)]
    inputs: list[dict[str, Any]] = []
    for metric in access.data["santiment"]["metrics"]:
        rows = _series(access, key, metric, low, high, inputs)
        url = access.data["santiment"]["url"]
        try:
            ts = moments(url, [row["datetime"] for row in rows])
            raw = [row["value"] for row in rows]
            value = np.array([np.nan if number is None else float(number) for number in raw])
        except (KeyError, TypeError, ValueError):
            raise wrong_shape(url, "rows with datetime and value", rows) from None
        tables.append(daily_facts("santiment", metric, ts, value))
    return pd.concat(tables, ignore_index=True), inputs


def _series(
    access: Access, key: str, metric: str, low: int, high: int, inputs: list[dict[str, Any]]
) -> list[Any]:
    """Rows of [low, high), in halves where the whole is too large."""
    try:
        value, kept = _ask(access, key, metric, low, high)
    except _TooLargeError:
        days = (high - low) // DAY_NS
        if days <= 1:
            raise DataError(
                public_url(access.data["santiment"]["url"]),
                None,
                f"{metric}: even one day exceeds the plan's response size; leave it out",
            ) from None
        middle = low + days // 2 * DAY_NS
        return [
            *_series(access, key, metric, low, middle, inputs),
            *_series(access, key, metric, middle, high, inputs),
        ]
    inputs.append(kept)
    return value["data"]["getMetric"]["timeseriesDataJson"] or []


def _ask(access: Access, key: str, metric: str, low: int, high: int) -> tuple[Any, dict[str, Any]]:
    url = access.data["santiment"]["url"]

    def final(answer: requests.Response) -> bool:
        if answer.status_code == requests.codes.too_many_requests:
            if "response size" in answer.text.lower():
                raise _TooLargeError
            return False  # the rate limit: wait
        if answer.status_code in (requests.codes.bad_request, requests.codes.forbidden):
            raise _refused(url, answer.text[:200])
        return False

    def check(_: requests.Response, value: Any) -> None:
        said = value.get("errors") or value.get("details") if isinstance(value, dict) else value
        if said:
            raise _refused(url, _message(said))
        try:
            value["data"]["getMetric"]["timeseriesDataJson"]
        except (KeyError, TypeError):
            raise wrong_shape(url, "data.getMetric.timeseriesDataJson", value) from None

    variables = {
        "metric": metric,
        "slug": access.data["santiment"]["slug"],
        "from": iso(low),
        "to": iso(high - 10**9),
    }
    found, kept = access.ask(
        f"santiment/{metric}",
        url,
        window_over(high),
        check,
        body={"query": _QUERY, "variables": variables},
        headers={"Authorization": f"Apikey {key}"},
        final=final,
    )
    return found, kept.record()


def _refused(url: str, said: str) -> DataError:
    return DataError(
        public_url(url),
        None,
        f"Santiment refuses: {said}; check that {KEY} is valid and not expired, that the plan "
        "covers the period, and data.santiment.metrics",
    )


def _message(said: Any) -> str:
    """Text of an error in any of the forms that it comes in."""
    if isinstance(said, list):
        return "; ".join(_message(item) for item in said)
    if isinstance(said, dict):
        return str(said.get("message") or said.get("details") or said)
    return str(said)
