"""Refusal of quote parameters outside their range."""

from __future__ import annotations

from typing import Any

import numpy as np

from ethpredict.errors import ConfigError


def check_positive(zero_allowed: tuple[str, ...] = (), **values: Any) -> None:
    """Refuse a parameter that is not positive; nan passes (it gives nan quotes).

    Parameters
    ----------
    zero_allowed : tuple of str
        Names that may be 0.
    **values : array_like
        The parameters by name.

    Raises
    ------
    ConfigError
        If a value is negative, or 0 where that is not allowed.
    """
    for name, value in values.items():
        array = np.asarray(value, dtype=np.float64)
        bad = array < 0.0 if name in zero_allowed else array <= 0.0
        if np.any(bad):
            legal = ">= 0" if name in zero_allowed else "> 0"
            raise ConfigError(f"quoting.{name}", float(array[bad].ravel()[0]), legal)


def check_finite(**values: Any) -> None:
    """Refuse an infinite parameter; nan passes (it gives nan quotes).

    Parameters
    ----------
    **values : array_like
        The parameters by name.

    Raises
    ------
    ConfigError
        If a value is infinite.
    """
    for name, value in values.items():
        array = np.asarray(value, dtype=np.float64)
        if np.any(np.isinf(array)):
            raise ConfigError(f"quoting.{name}", float(array[np.isinf(array)].ravel()[0]), "finite")
