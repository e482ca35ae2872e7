"""Errors of daily means and day-by-day comparison with a baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ethpredict.errors import ConfigError

EQUAL_PREFIXES = ("data.", "bars.", "validation.", "quoting.", "sim.")
DEFINING = ("quoting.strategy", "quoting.alpha")
MARKET_PREFIXES = ("data.", "sim.venue")
MIN_OBSERVATIONS = 2


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences with its error.

    Attributes
    ----------
    mean, error : float
        Mean difference and its Newey-West standard error; nan when not known.
    n_obs : int
        Number of pairs.
    """

    mean: float
    error: float
    n_obs: int


def mean_error(values: ArrayLike, lags: int | None = None) -> float:
    """Standard error of a mean of serially dependent values (Newey-West, Bartlett weights).

    Parameters
    ----------
    values : array_like, shape (T,)
        Observations in time order; nan are left out.
    lags : int, optional
        Autocovariances that count; by default floor(4 (T/100)^(2/9)).

    Returns
    -------
    float
        Standard error; nan with fewer than two values. Never below the least weight that
        the Bartlett kernel allows: the variance estimate is non-negative by construction.

    Raises
    ------
    ConfigError
        If `lags` is negative.

    References
    ----------
    Newey, W. and West, K. (1987). Econometrica 55(3). doi:10.2307/1913610

    Examples
    --------
    >>> round(mean_error([1.0, 2.0, 3.0, 4.0], lags=0), 4)
    0.6455
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    n = x.size
    if n < MIN_OBSERVATIONS:
        return math.nan
    if lags is None:
        lags = math.floor(4.0 * (n / 100.0) ** (2.0 / 9.0))
    if lags < 0:
        raise ConfigError("lags", lags, "at least 0")
    centred = x - x.mean()
    # Not a dot product: the bits of one depend on the threads of the linear algebra library.
    variance = float((centred * centred).sum())
    for lag in range(1, min(lags, n - 1) + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1.0)) * float((centred[lag:] * centred[:-lag]).sum())
    return math.sqrt(max(variance, 0.0) / (n * (n - 1)))


def paired_difference(first: ArrayLike, second: ArrayLike) -> Difference:
    """Mean of `first - second` over pairs that are both known.

    Parameters
    ----------
    first, second : array_like, shape (T,)
        Values of the same periods, in time order.

    Returns
    -------
    Difference
        In the unit of the values.
    """
    gap = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    gap = gap[np.isfinite(gap)]
    if not gap.size:
        return Difference(math.nan, math.nan, 0)
    return Difference(float(gap.mean()), mean_error(gap), int(gap.size))


def market(settings: Mapping[str, Any]) -> str:
    """Text that is equal for trials of the same data at the same venue.

    Examples
    --------
    >>> market({"sim.venue": "lob", "data.symbol": "ETHUSDT", "quoting.gamma": 0.1})
    "[('data.symbol', 'ETHUSDT'), ('sim.venue', 'lob')]"
    """
    return repr(
        [(key, settings[key]) for key in sorted(settings) if key.startswith(MARKET_PREFIXES)]
    )


def _compared(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys that a trial and its baseline must agree on."""
    return tuple(
        sorted(key for key in settings if key.startswith(EQUAL_PREFIXES) and key not in DEFINING)
    )


class BaselineIndex:
    """Baselines of one kind, to be found by the settings of trials.

    Parameters
    ----------
    baselines : sequence of mapping
        Trials of one kind of baseline, each with ``id`` and ``settings``.
    """

    def __init__(self, baselines: Sequence[Mapping[str, Any]]) -> None:
        self._forms: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for baseline in baselines:
            self._forms.setdefault(_compared(baseline["settings"]), []).append(baseline)
        self._tables: dict[tuple[Any, ...], dict[str, list[Mapping[str, Any]]]] = {}

    def match(self, settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """As :func:`match_baseline`; many trials cost one table each form of settings."""
        own = frozenset(_compared(settings))
        found: list[Mapping[str, Any]] = []
        for form, members in self._forms.items():
            shared = tuple(key for key in form if key in own)
            table = self._tables.get((form, shared))
            if table is None:
                table = self._tables[form, shared] = {}
                for member in members:
                    values = repr([member["settings"][key] for key in shared])
                    table.setdefault(values, []).append(member)
            found += table.get(repr([settings[key] for key in shared]), [])
        if len(found) > 1:
            # Without a signal, but else the same quotes.
            strategy = settings.get("quoting.strategy")
            found = [m for m in found if m["settings"].get("quoting.strategy") == strategy]
        return found[0] if len(found) == 1 else None


def match_baseline(
    settings: Mapping[str, Any], baselines: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """Find the baseline at equal settings.

    Parameters
    ----------
    settings : mapping
        Flat dotted settings of the trial.
    baselines : sequence of mapping
        Trials of one kind of baseline, each with ``id`` and ``settings``.

    Returns
    -------
    mapping or None
        The baseline that agrees with the trial on every setting of data, bars, validation,
        quoting and simulation that both have, but for strategy and alpha, which make it a
        baseline. None where there is none, and where several agree because what tells them
        apart does not apply to the trial: neither of them is the one at equal settings.

    Examples
    --------
    >>> kind = [{"id": name, "settings": {"quoting.gamma": gamma, "quoting.alpha": "off"}}
    ...         for name, gamma in (("a", 0.01), ("b", 0.1))]
    >>> match_baseline({"quoting.gamma": 0.1, "quoting.alpha": "drift"}, kind)["id"]
    'b'
    >>> match_baseline({"quoting.gamma": 0.5, "quoting.alpha": "drift"}, kind) is None
    True
    """
    return BaselineIndex(baselines).match(settings)
