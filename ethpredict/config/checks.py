"""Rules between settings that a schema cannot state; each names key, value and remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ethpredict.config.axes import Axis
from ethpredict.errors import ConfigError

SECONDS = {
    "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14400, "1d": 86400,
}  # fmt: skip


def check_study(values: Mapping[str, Any], axes: Sequence[Axis]) -> None:
    """Refuse a sweep mode that does not fit the axes, and a hedge without its venue."""
    if values["sweep.mode"] == "single" and axes:
        raise ConfigError(
            axes[0].key,
            axes[0].given(),
            "one value in sweep.mode single",
            "Set sweep.mode to grid or random.",
        )
    varied = {axis.key: axis.values for axis in axes}
    venues = varied.get("sim.venue", (values["sim.venue"],))
    hedges = varied.get("quoting.hedge", (values["quoting.hedge"],))
    if True in hedges and "hybrid" not in venues:
        raise ConfigError(
            "quoting.hedge",
            True,
            f"false on sim.venue {' and '.join(venues)}",
            "There is no second venue to hedge on; use sim.venue hybrid.",
        )
    if "hybrid" in venues and True not in hedges:
        raise ConfigError(
            "quoting.hedge",
            False,
            "true on sim.venue hybrid",
            "Without a hedge hybrid is the book alone: use sim.venue lob.",
        )


def check_trial(values: Mapping[str, Any]) -> None:
    """Refuse one assignment whose settings contradict each other.

    Parameters
    ----------
    values : Mapping
        The applicable settings of a trial, dotted keys.

    Raises
    ------
    ConfigError
        On the first contradiction.
    """
    candle = SECONDS[values["data.interval"]]
    if values["data.source"] == "files" and not (
        values["data.files.candles"] or values["data.files.trades"]
    ):
        raise ConfigError(
            "data.files.candles",
            None,
            "a path when data.source is files",
            "Give the candle file, or data.files.trades to make candles from.",
        )
    _check_period(values)
    _check_remote(values)
    bar = SECONDS[values.get("bars.interval", values["data.interval"])]
    if bar % candle:
        raise ConfigError(
            "bars.interval",
            values["bars.interval"],
            f"a multiple of data.interval ({values['data.interval']})",
        )
    if values["data.max_gap"] < candle:
        raise ConfigError(
            "data.max_gap", values["data.max_gap"], f"at least one candle ({candle} s)"
        )
    _check_signed_bars(values)
    _check_quotes(values)
    _check_fees(values)
    size, limit = values.get("quoting.order_size"), values["quoting.max_inventory"]
    if size is not None and size > limit:
        raise ConfigError("quoting.order_size", size, f"at most quoting.max_inventory ({limit:g})")


def _check_signed_bars(values: Mapping[str, Any]) -> None:
    """Refuse bars of signed flow where the source is known to give no trades."""
    kind, source = values["bars.kind"], values["data.source"]
    trades = values.get("data.binance.trades", values.get("data.files.trades"))
    if kind not in ("imbalance", "run") or trades not in (None, "none"):
        return
    remedies = {
        "files": "Give a file of trades.",
        "binance_archive": "Set data.binance.trades to agg or raw.",
        "binance_rest": "Set data.binance.trades to agg.",
        "lighter": "Take another data.source.",
    }
    if source in remedies:
        legal = f"time, tick, volume or dollar when data.source {source} gives no trades"
        raise ConfigError("bars.kind", kind, legal, remedies[source])


def _check_fees(values: Mapping[str, Any]) -> None:
    """Tiers of fees begin at 0 and rise, with rates that a venue can have."""
    tiers = values.get("sim.lob.fees")
    if tiers is None:
        return
    volumes = [tier[0] for tier in tiers]
    rates = all(-100 <= maker <= 1000 and 0 <= taker <= 1000 for _, maker, taker in tiers)
    if not rates or volumes[0] != 0 or volumes != sorted(set(volumes)):
        raise ConfigError(
            "sim.lob.fees",
            tiers,
            "tiers [volume, maker, taker] whose volumes begin at 0 and rise, with maker fees from "
            "-100 to 1000 and taker fees from 0 to 1000 bps",
        )


def _check_quotes(values: Mapping[str, Any]) -> None:
    """Refuse quotes that the venue cannot take, and bounds that contradict each other."""
    strategy, limit = values["quoting.strategy"], values["quoting.max_inventory"]
    if values["sim.venue"] == "amm" and strategy in ("fixed_spread", "avellaneda_stoikov"):
        raise ConfigError(
            "quoting.strategy",
            strategy,
            "glft_exact, glft, hold or none on sim.venue amm",
            "A pool has no resting quotes; use sim.venue lob.",
        )
    if values["sim.venue"] == "hybrid" and values["sim.fidelity"] != "bars":
        raise ConfigError(
            "sim.fidelity",
            values["sim.fidelity"],
            "bars on sim.venue hybrid",
            "The pool leg is played by bars; use sim.venue lob.",
        )
    least, most = (values.get(f"quoting.{side}_half_spread_bps") for side in ("min", "max"))
    if least is not None and most is not None and least > most:
        raise ConfigError(
            "quoting.min_half_spread_bps", least, f"at most max_half_spread_bps ({most:g})"
        )
    target = values.get("quoting.inventory_target", 0.0)
    if abs(target) > limit:
        raise ConfigError(
            "quoting.inventory_target", target, f"within +-quoting.max_inventory ({limit:g})"
        )


def _check_period(values: Mapping[str, Any]) -> None:
    """Refuse moments that no calendar has, and a period that ends before it starts."""
    moments = {}
    for key in ("data.start", "data.end"):
        text = values.get(key)
        if text is not None:
            try:
                moments[key] = datetime.fromisoformat(text.removesuffix("Z"))
            except ValueError as error:
                raise ConfigError(key, text, f"a moment that exists ({error})") from error
    if len(moments) == 2 and moments["data.start"] >= moments["data.end"]:
        raise ConfigError(
            "data.end", values["data.end"], f"later than data.start ({values['data.start']})"
        )


def _check_remote(values: Mapping[str, Any]) -> None:
    """Refuse a remote source without a period, or one that cannot give what is asked."""
    source = values["data.source"]
    if source in ("synthetic", "files"):
        return
    for key in ("data.start", "data.end"):
        if not values[key]:
            raise ConfigError(key, None, f"a date when data.source is {source}", "Give the period.")
    if source == "binance_rest" and "funding" in values["data.extras"]:
        raise ConfigError(
            "data.extras",
            values["data.extras"],
            "without funding when data.source is binance_rest",
            "The archive has funding: data.source binance_archive.",
        )
    if "pool" in values["data.extras"] and not values["data.evm.pool"]:
        raise ConfigError(
            "data.evm.pool", None, "an address when data.extras has pool", "Give the pool."
        )
    if values.get("data.binance.trades") == "raw" and source == "binance_rest":
        raise ConfigError(
            "data.binance.trades",
            "raw",
            "none or agg when data.source is binance_rest",
            "Single trades are in the archive: data.source binance_archive.",
        )
