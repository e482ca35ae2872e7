"""PriceGRU, level 0: as :class:`~ethpredict.models.lstm.PriceLstm` with GRU layers."""

from __future__ import annotations

from ethpredict.models.lstm import PriceLstm


class PriceGru(PriceLstm):
    """GRU layers, dropout after each, one linear output; weighted squared error."""

    name = kind = "gru"
