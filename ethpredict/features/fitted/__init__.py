"""Transforms that learn from training rows: fitted per window, stored with the model."""

from ethpredict.features.fitted.base import FitError, Fitted
from ethpredict.features.fitted.registry import KINDS, fit, load

__all__ = ["KINDS", "FitError", "Fitted", "fit", "load"]
