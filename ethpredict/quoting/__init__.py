"""From predictions to quotes: closed forms, calibration, paths and bribes."""

from ethpredict.quoting.paths import build_paths

__all__ = ["build_paths"]
