"""The feature blocks by name, in the order of their columns."""

from __future__ import annotations

from ethpredict.features.block import Block
from ethpredict.features.bollinger import bollinger
from ethpredict.features.breaks import breaks
from ethpredict.features.entropy import entropy
from ethpredict.features.fractional import fractional
from ethpredict.features.funding import funding
from ethpredict.features.liquidity import liquidity
from ethpredict.features.macd import macd
from ethpredict.features.microstructure import microstructure
from ethpredict.features.onchain import onchain
from ethpredict.features.regime import regime
from ethpredict.features.returns import returns
from ethpredict.features.rsi import rsi
from ethpredict.features.seasonality import seasonality
from ethpredict.features.vol_adj_flow import vol_adj_flow
from ethpredict.features.volatility import volatility
from ethpredict.features.volume_profile import volume_profile

BLOCKS: dict[str, Block] = {
    "returns": returns,
    "volatility": volatility,
    "vol_adj_flow": vol_adj_flow,
    "rsi": rsi,
    "macd": macd,
    "bollinger": bollinger,
    "volume_profile": volume_profile,
    "fracdiff": fractional,
    "entropy": entropy,
    "breaks": breaks,
    "regime": regime,
    "microstructure": microstructure,
    "onchain": onchain,
    "liquidity": liquidity,
    "funding": funding,
    "seasonality": seasonality,
}
