"""DefiLlama and Santiment: days, keys, errors inside answers that look fine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ethpredict.data import fetch
from ethpredict.data.arrival import DAY_NS
from ethpredict.data.sources import defillama, santiment
from ethpredict.data.timestamps import parse_moment
from ethpredict.errors import ConfigError, DataError
from tests.local_server import Asked, Reply, kline, serving

START_S = parse_moment("2025-01-01") // 10**9


def llama(asked: Asked) -> Reply:
    """Dates are numbers in one endpoint and text in another, as they may be."""
    days = range(START_S - 80 * 86_400, START_S + 20 * 86_400, 86_400)
    if asked.path == "/v2/historicalChainTvl/Ethereum":
        return Reply([{"date": str(day), "tvl": 5e10 + day} for day in days])
    series = {"Ethereum": {"tvl": [{"date": d, "totalLiquidityUSD": 1e9} for d in days]}}
    found = {
        "/protocol/lido": {"category": "Liquid Staking", "chainTvls": series},
        "/protocol/binance-cex": {"category": "CEX", "chainTvls": series},
        "/protocol/raydium": {"category": "Dexs", "chainTvls": {}},
    }
    if asked.path in found:
        return Reply(found[asked.path])
    return Reply("Chain not found", 404)


def tvl_access(make_access, url: str, protocols: list[str], chain: str = "Ethereum"):
    tvl = {"chain": chain, "protocols": protocols, "url": url}
    return make_access(source="binance_rest", tvl=tvl)


def test_tvl_of_a_day_is_known_at_its_end(make_access) -> None:
    with serving(llama) as server:
        facts, inputs = defillama.fetch(tvl_access(make_access, server.url, ["lido"]))
    assert set(facts["name"]) == {"tvl", "tvl_lido"}
    assert (facts["ts_known"] - facts["ts"] == DAY_NS).all()
    # What the first candle may use: a change over 7 days, and values carried on for weeks.
    assert facts["ts"].min() == (START_S - 60 * 86_400) * 10**9
    assert facts["ts"].max() == (START_S + 86_400) * 10**9
    assert len(inputs) == 2


def test_an_exchange_is_no_protocol(make_access, caplog) -> None:
    with serving(llama) as server:
        facts, _ = defillama.fetch(tvl_access(make_access, server.url, ["binance-cex"]))
    assert set(facts["name"]) == {"tvl"}
    assert "binance-cex is an exchange, not a protocol; left out" in caplog.text


def test_names_that_are_not_there_are_errors(make_access) -> None:
    with serving(llama) as server:
        with pytest.raises(DataError, match=r"no such name; check data.tvl.chain"):
            defillama.fetch(tvl_access(make_access, server.url, [], "Ethereal"))
        with pytest.raises(DataError, match=r"no TVL on Ethereum; take it out"):
            defillama.fetch(tvl_access(make_access, server.url, ["raydium"]))


class Metrics:
    """Santiment as it is: refuses ranges over `most` days."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != "Apikey right":
            return Reply({"errors": {"details": "Apikey 'wrong' is not valid"}}, 400)
        words = asked.body["variables"]
        low, high = (parse_moment(words[k]) // 10**9 for k in ("from", "to"))
        days = range(low, high + 1, 86_400)
        if words["metric"] == "no_metric":
            said = "The metric 'no_metric' is not supported or is mistyped."
            return Reply({"data": {"getMetric": None}, "errors": [{"message": said}]})
        if len(days) > self.most:
            return Reply("API Rate Limit: response size of 1 MB limit exceeded", 429)
        rows = [
            {"datetime": f"{_iso(d)}", "value": d / 86_400 if i % 4 else None}
            for i, d in enumerate(days)
        ]
        return Reply({"data": {"getMetric": {"timeseriesDataJson": rows}}})


def _iso(seconds: int) -> str:
    from ethpredict.data.timestamps import iso

    return iso(seconds * 10**9)


def metric_access(make_access, url: str, metrics: list[str], **data):
    words = {"slug": "ethereum", "metrics": metrics, "url": f"{url}/graphql"}
    return make_access(source="binance_rest", santiment=words, **data)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANTIMENT_API_KEY", "right")


@pytest.mark.usefixtures("key")
def test_a_range_that_is_too_large_is_halved(make_access) -> None:
    with serving(Metrics()) as server:
        whole, _ = santiment.fetch(metric_access(make_access, server.url, ["mvrv"]))
    with serving(Metrics(most=2)) as server:
        split, inputs = santiment.fetch(metric_access(make_access, server.url, ["mvrv"]))
    assert set(whole["ts"]) <= set(
        range(int(whole["ts"].min()), int(whole["ts"].max()) + 1, DAY_NS)
    )
    assert len(inputs) > 2
    assert split["ts"].is_monotonic_increasing
    assert (split["value"] == split["ts"] / DAY_NS).all()  # days without a value have no row
    assert (split["ts_known"] == split["ts"] + DAY_NS).all()


@pytest.mark.usefixtures("key")
def test_one_day_that_is_too_large_is_an_error(make_access) -> None:
    with serving(Metrics(most=0)) as server, pytest.raises(DataError, match="even one day"):
        santiment.fetch(metric_access(make_access, server.url, ["mvrv"]))


@pytest.mark.usefixtures("key")
def test_an_error_with_status_200_is_an_error(make_access) -> None:
    with serving(Metrics()) as server, pytest.raises(DataError, match="'no_metric' is not supp"):
        santiment.fetch(metric_access(make_access, server.url, ["no_metric"]))


@pytest.mark.usefixtures("key")
def test_the_rate_limit_is_waited_for(make_access, clock) -> None:
    plain, first = Metrics(), [True]

    def answer(asked: Asked) -> Reply:
        if first.pop() if first else False:
            return Reply("API Rate Limit Reached", 429, {"Retry-After": "30"})
        return plain(asked)

    with serving(answer) as server:
        santiment.fetch(metric_access(make_access, server.url, ["mvrv"]))
    assert 30.0 in clock.slept


def test_a_key_that_expired_says_so_and_is_written_nowhere(
    make_access, monkeypatch, tmp_path: Path, caplog
) -> None:
    monkeypatch.setenv("SANTIMENT_API_KEY", "wrong")
    with serving(Metrics()) as server:
        with pytest.raises(DataError, match="SANTIMENT_API_KEY is valid and not expired"):
            santiment.fetch(metric_access(make_access, server.url, ["mvrv"]))
        monkeypatch.setenv("SANTIMENT_API_KEY", "right")
        santiment.fetch(metric_access(make_access, server.url, ["mvrv"]))
    texts = [p.read_text() for p in (tmp_path / "downloads").rglob("*.json")]
    assert texts
    assert not any("Apikey" in text or "right" in text for text in [*texts, caplog.text])


def test_no_key_names_the_variable(make_access, monkeypatch) -> None:
    monkeypatch.delenv("SANTIMENT_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="SANTIMENT_API_KEY"):
        santiment.fetch(metric_access(make_access, "http://127.0.0.1:9", ["mvrv"]))


def test_extras_join_the_market_and_its_report(make_access, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SANTIMENT_API_KEY", "right")
    plain = Metrics()

    def answer(asked: Asked) -> Reply:
        if asked.path == "/api/v3/klines":
            low, high = int(asked.query["startTime"]), int(asked.query["endTime"])
            return Reply([kline(t, 3_600_000) for t in range(low, high, 3_600_000)])
        return plain(asked) if asked.path == "/graphql" else llama(asked)

    with serving(answer) as server:
        access = make_access(
            source="binance_rest",
            extras=["tvl", "santiment"],
            binance={"trades": "none", "rest_url": server.url},
            tvl={"chain": "Ethereum", "protocols": [], "url": server.url},
            santiment={"slug": "x", "metrics": ["mvrv"], "url": f"{server.url}/graphql"},
        )
        market = fetch({"data": {**access.data, "http": {}}}, tmp_path / "store")
    assert market.quality["source"] == "binance_rest"
    assert set(market.onchain_daily["name"]) == {"tvl", "mvrv"}
    assert market.quality["facts"]["tvl"]["missing_share"] == 0.0
    assert len(market.quality["inputs"]) == 3
    assert market.funding.empty
