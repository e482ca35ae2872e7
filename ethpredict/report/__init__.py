"""The HTML report: one file that opens anywhere and asks for nothing."""

from ethpredict.report.artefacts import Artefacts, load
from ethpredict.report.build import build

__all__ = ["Artefacts", "build", "load"]
