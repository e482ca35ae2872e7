"""The simulator: strategies on an order book and on a constant-product pool."""

from ethpredict.sim.metrics import METRICS, PNL_PARTS
from ethpredict.sim.pack import SimResult, simulate_pack

__all__ = ["METRICS", "PNL_PARTS", "SimResult", "simulate_pack"]
