"""When a bar closes: by count, by signed flow or by the clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ethpredict.bars import _signed_kernels, _trade_kernels
from ethpredict.errors import ConfigError

MEASURES: dict[str, int] = {
    "trades": _trade_kernels.COUNT_TRADES,
    "volume": _trade_kernels.COUNT_VOLUME,
    "dollars": _trade_kernels.COUNT_DOLLARS,
}
SIGNED: dict[str, int] = {
    "imbalance": _signed_kernels.IMBALANCE,
    "run": _signed_kernels.RUN,
}


def check_at_least(key: str, value: float, lowest: float, above: bool = False) -> None:
    """Refuse a number that is not finite, below `lowest` or, if `above`, equal to it."""
    if not np.isfinite(value) or value < lowest or (above and value == lowest):
        legal = f"a finite number {'above' if above else 'of at least'} {lowest:g}"
        raise ConfigError(key, value, legal)


@dataclass(frozen=True)
class Count:
    """A bar closes with the trade that brings its count to the threshold.

    Parameters
    ----------
    measure : {"trades", "volume", "dollars"}
        What is counted.
    threshold : float
        Trades, ETH or USD, > 0; where it moves, the one that it starts from.
    per_day : float
        Bars a day that a moving threshold aims at, > 0; 0 = the threshold stays.
    average_days : float
        Time constant of the moving average of the market's turnover, days, > 0.

    Notes
    -----
    After a bar of count c that took h days, the rate R (count per day) is
    ``R = (R + c/tau) / (1 + h/tau)``, an implicit step of
    ``dR/dt = (flow - R)/tau``, and the next threshold is R / per_day. The rate
    starts at threshold x per_day. It follows the market and not the bars, so
    that it cannot run away. Its clock stands still during a long pause.
    """

    measure: str
    threshold: float
    per_day: float = 0.0
    average_days: float = 7.0

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        if self.measure not in MEASURES:
            raise ConfigError("measure", self.measure, f"one of {', '.join(MEASURES)}")
        check_at_least("threshold", self.threshold, 0.0, above=True)
        check_at_least("bars.per_day", self.per_day, 0.0)
        check_at_least("bars.average_days", self.average_days, 0.0, above=True)


@dataclass(frozen=True)
class SignedFlow:
    """A bar closes when its signed flow exceeds what was expected.

    Parameters
    ----------
    kind : {"imbalance", "run"}
        Buys less sells in absolute value, or the larger of the two.
    measure : {"trades", "volume", "dollars"}
        What is signed.
    expected_trades : float
        Trades of the first bar, >= 1, and the middle of what is expected later.
    bound : float
        >= 1: T below stays within ``expected_trades / bound .. x bound``, and a
        bar closes at the latest with ``expected_trades x bound`` trades.
    average_bars : float
        Span of the moving averages, bars, >= 1: the newest bar weighs
        ``2 / (average_bars + 1)``.

    Notes
    -----
    With the moving averages per closed bar of trades n, buys B, sells S and
    squares V of the signed amounts, T = n within its bounds and the noise of a
    random walk e = sqrt(V/n/T), a bar closes

    - imbalance: at ``|buys - sells| >= T max(|B - S|/n, e)``,
    - run: at ``max(buys, sells) >= T max(B/n, S/n, (B/n + S/n + sqrt(2/pi) e)/2)``.

    The published thresholds are the same without e. Then that of imbalance bars
    tends to 0 in a balanced market (each bar is one trade) and to infinity after
    a one-sided one, and run bars shrink from bar to bar, because the larger of
    two sums exceeds half of the total by noise. With e, a balanced market
    reaches the threshold after about T trades: a random walk leaves
    ``+-T e`` after T steps in the mean, and ``E max(buys, sells)`` is the run
    bars' bound. The longest bar ends what cannot be reached, and ``bound = 1``
    holds T constant.

    References
    ----------
    Lopez de Prado, M. (2018). Advances in Financial Machine Learning, ch. 2.3.2.
    """

    kind: str
    measure: str = "dollars"
    expected_trades: float = 500.0
    bound: float = 4.0
    average_bars: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what cannot be expected."""
        if self.kind not in SIGNED:
            raise ConfigError("bars.kind", self.kind, f"one of {', '.join(SIGNED)}")
        if self.measure not in MEASURES:
            raise ConfigError("bars.measure", self.measure, f"one of {', '.join(MEASURES)}")
        check_at_least("bars.expected_trades", self.expected_trades, 1.0)
        check_at_least("bars.bound", self.bound, 1.0)
        check_at_least("bars.average_bars", self.average_bars, 1.0)


@dataclass(frozen=True)
class Clock:
    """A bar closes at each multiple of its length.

    Parameters
    ----------
    length_ns : int
        ns, > 0.
    """

    length_ns: int

    def __post_init__(self) -> None:
        """Refuse a length that no clock has."""
        if self.length_ns <= 0:
            raise ConfigError("bars.interval", self.length_ns, "longer than 0 ns")


Rule = Count | SignedFlow | Clock
