"""Volatility regimes, fitted in training: quantile bins or a hidden Markov model."""

from __future__ import annotations

from ethpredict import rolling
from ethpredict.features.block import Input, Item, Market, Part, Settings

HMM_BLOCK, HMM_STEPS = 256, 200


def regime(market: Market, settings: Settings) -> list[Part]:
    """What the regime transforms read, and which of them training fits.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``regime_methods`` (of ``quantiles`` and ``hmm``), ``regime_window`` w
        (bars), ``regime_bins``, ``regime_states``.

    Returns
    -------
    list of Input and Item
        ``quantiles``: the input ``input_volatility`` (sample standard
        deviation of w one-bar log returns; warm-up and memory w rows), and
        the fitted ``volatility_regime``: its bin among the quantiles of the
        training rows (:mod:`ethpredict.features.fitted.quantiles`).

        ``hmm``: the input ``input_return`` (log return of one bar; warm-up
        and memory 1 row), and the fitted ``hmm_1 …``: filtered probabilities
        of the more volatile states (:mod:`ethpredict.features.fitted.hmm`).
    """
    parts: list[Part] = []
    if "quantiles" in settings["regime_methods"]:
        window = int(settings["regime_window"])
        _, sd = rolling.window_mean_sd(market.returns, market.returns_run, window, ddof=1)
        options = {"bins": int(settings["regime_bins"])}
        parts += [
            Input("input_volatility", sd, window, window),
            Item("volatility_regime", "quantile_bins", ("input_volatility",), options),
        ]
    if "hmm" in settings["regime_methods"]:
        options = {
            "states": int(settings["regime_states"]),
            "block": HMM_BLOCK,
            "steps": HMM_STEPS,
        }
        parts += [
            Input("input_return", market.returns, 1, 1),
            Item("hmm", "hmm", ("input_return",), options),
        ]
    return parts
