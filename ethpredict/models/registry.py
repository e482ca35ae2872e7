"""The algorithms by their name in ``model.level0.algo``."""

from __future__ import annotations

from ethpredict.models.base import Algorithm
from ethpredict.models.gbt import Xgboost
from ethpredict.models.gru import PriceGru
from ethpredict.models.lstm import PriceLstm
from ethpredict.models.ridge import Ridge
from ethpredict.models.zero import Zero

LEVEL0: dict[str, Algorithm] = {
    "gru": PriceGru(),
    "lstm": PriceLstm(),
    "ridge": Ridge(),
    "xgboost": Xgboost(),
    "zero": Zero(),
}
