"""Stateless, causal features of bars; nothing here is fitted."""

from ethpredict.features.block import Column, Market, Missing
from ethpredict.features.entropy import shannon_entropy
from ethpredict.features.fractional import fracdiff, fracdiff_weights
from ethpredict.features.registry import BLOCKS
from ethpredict.features.stage import FeatureSet, build
from ethpredict.rolling.cusum import cusum_events

__all__ = [
    "BLOCKS",
    "Column",
    "FeatureSet",
    "Market",
    "Missing",
    "build",
    "cusum_events",
    "fracdiff",
    "fracdiff_weights",
    "shannon_entropy",
]
