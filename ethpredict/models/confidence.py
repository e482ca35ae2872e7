"""ConfidenceGRU, level 2: the probability that following the prediction pays.

Its inputs are the feature columns and, behind them, the prediction of the
level below and its size, over the last bars; its target is the meta-label. The
size stands by itself because whether a signal pays depends on it first, and a
small net that must learn ``|m|`` from few labels does not.
"""

from __future__ import annotations

from ethpredict.models.base import Settings
from ethpredict.models.network import Network


class ConfidenceGru(Network):
    """GRU layers, dropout after each, one linear output in log-odds; weighted log-loss."""

    name = kind = "gru"
    loss = "logistic"

    def section(self, settings: Settings) -> Settings:
        """Hyper-parameters of level 2."""
        section: Settings = settings["level2"]["gru"]
        return section

    def window(self, settings: Settings) -> tuple[int, int]:
        """Bars up to a row, and windows that one segment trains."""
        own = self.section(settings)
        return int(own["bars"]), int(own["segment"])
