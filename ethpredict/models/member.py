"""One model to train, as its settings describe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ethpredict.models.registry import LEVEL0
from ethpredict.models.seed import model_seed


@dataclass(frozen=True, slots=True)
class Member:
    """One model to train.

    Parameters
    ----------
    id : str
        Model id.
    settings : mapping
        ``model`` and ``validation`` sections.
    replicate : int
        Which of the trial's seeds.
    """

    id: str
    settings: Mapping[str, Any]
    replicate: int = 0

    @property
    def model(self) -> Mapping[str, Any]:
        """The ``model`` section."""
        section: Mapping[str, Any] = self.settings["model"]
        return section

    @property
    def algo(self) -> str:
        """Name of the level-0 algorithm."""
        return str(self.model["level0"]["algo"])

    @property
    def bases(self) -> tuple[str, ...]:
        """Algorithms of level 0: the first, and its partners in an ensemble."""
        partners = self._word("ensemble", "partners")
        return (self.algo, *(partners.split("+") if partners != "none" else ()))

    @property
    def ensemble(self) -> str:
        """How the bases are put together; "none" where there is one."""
        return self._word("ensemble", "kind") if len(self.bases) > 1 else "none"

    @property
    def level1(self) -> str:
        """Algorithm of level 1, or "none"."""
        return self._word("level1", "algo")

    @property
    def level2(self) -> str:
        """Algorithm of level 2, or "none"."""
        return self._word("level2", "algo")

    @property
    def chained(self) -> bool:
        """Whether out-of-sample predictions inside the training window are needed."""
        return len(self.bases) > 1 or self.level1 != "none" or self.level2 != "none"

    @property
    def blocks(self) -> int:
        """Forward-chained blocks of a training window."""
        return int(self.model["blocks"])

    @property
    def reach(self) -> int:
        """Bars of the longest training sequence of level 0."""
        return max(LEVEL0[name].reach(self.model) for name in self.bases)

    @property
    def uses_features(self) -> bool:
        """False for the model that predicts without."""
        return LEVEL0[self.algo].uses_features

    @property
    def target(self) -> str:
        """Name of the target; the zero model has none and is scored against the horizon."""
        return str(self.model.get("target", "horizon"))

    @property
    def seed(self) -> int:
        """Seed of this model."""
        return model_seed(self.settings, self.replicate)

    def _word(self, section: str, key: str) -> str:
        # Settings that do not count are left out of a specification; none of these is on then.
        return str(self.model.get(section, {}).get(key, "none"))
