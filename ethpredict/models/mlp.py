"""MetaMLP, level 1: refines the out-of-sample level-0 prediction with the last features.

Its inputs are the feature columns and, behind them, the level-0 prediction.
"""

from __future__ import annotations

from ethpredict.models.base import Settings
from ethpredict.models.network import Network


class MetaMlp(Network):
    """ReLU layers, dropout after each, one linear output; weighted squared error."""

    name = kind = "mlp"

    def section(self, settings: Settings) -> Settings:
        """Hyper-parameters of level 1."""
        section: Settings = settings["level1"]["mlp"]
        return section
