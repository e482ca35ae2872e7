"""Return models: trained in packs, walk forward, each with its own seed."""

from ethpredict.models.pack import PackResult, train_pack
from ethpredict.models.seed import model_seed
from ethpredict.models.store import Model, load_model, save_models

__all__ = [
    "Model",
    "PackResult",
    "load_model",
    "model_seed",
    "save_models",
    "train_pack",
]
