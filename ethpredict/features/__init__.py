"""Causal features of bars; what must be fitted stands in :mod:`ethpredict.features.fitted`."""

from ethpredict.features.block import Column, Input, Item, Market, Missing
from ethpredict.features.entropy import (
    kontoyiannis,
    lempel_ziv,
    plug_in_entropy,
    shannon_entropy,
)
from ethpredict.features.explosiveness import chu_stinchcombe_white, sadf
from ethpredict.features.fractional import fracdiff, fracdiff_weights
from ethpredict.features.registry import BLOCKS
from ethpredict.features.stage import FeatureSet, build
from ethpredict.rolling.cusum import cusum_events

__all__ = [
    "BLOCKS",
    "Column",
    "FeatureSet",
    "Input",
    "Item",
    "Market",
    "Missing",
    "build",
    "chu_stinchcombe_white",
    "cusum_events",
    "fracdiff",
    "fracdiff_weights",
    "kontoyiannis",
    "lempel_ziv",
    "plug_in_entropy",
    "sadf",
    "shannon_entropy",
]
