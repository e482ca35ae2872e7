"""ETHPredict: the on-chain market-making experiment matrix."""

__version__ = "0.1.0"
