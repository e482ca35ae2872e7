"""PriceLSTM, level 0: a stacked LSTM over the last bars predicts the log return."""

from __future__ import annotations

from ethpredict.models.base import Settings
from ethpredict.models.network import Network


class PriceLstm(Network):
    """LSTM layers, dropout after each, one linear output; weighted squared error."""

    name = kind = "lstm"

    def section(self, settings: Settings) -> Settings:
        """Shared by the sequence models of level 0."""
        section: Settings = settings["level0"]["network"]
        return section

    def window(self, settings: Settings) -> tuple[int, int]:
        """Bars up to a row, and windows that one segment trains."""
        own = self.section(settings)
        return int(own["bars"]), int(own["segment"]) if own["mode"] == "segments" else 1
