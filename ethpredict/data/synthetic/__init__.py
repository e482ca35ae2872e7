"""The embedded synthetic market: seeded, without a network, with planted truths."""

from ethpredict.data.synthetic.generate import generate, mid_path, stream
from ethpredict.data.synthetic.signal import planted_drift, planted_signal

__all__ = ["generate", "mid_path", "planted_drift", "planted_signal", "stream"]
