"""One simulation: its settings, each checked where it is read."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ethpredict.errors import TrialError
from ethpredict.sim import _lob_kernels as lob
from ethpredict.sim.chain import CHAINS, Chain, chain_by_name

STRATEGIES = {
    "none": lob.NONE,
    "hold": lob.HOLD,
    "fixed_spread": lob.FIXED_SPREAD,
    "glft": lob.GLFT,
    "glft_exact": lob.GLFT_EXACT,
    "avellaneda_stoikov": lob.AVELLANEDA_STOIKOV,
}
NAMES = tuple(sorted(STRATEGIES))
# Strategies that a prediction can move.
SIGNALLED = ("glft", "glft_exact", "avellaneda_stoikov")
BRIBES = ("optimal", "percentile", "fixed", "off")
FLOWS = ("synthetic", "tape")
AUCTIONS = ("first_price", "all_pay", "builder_tip")
SIZINGS = ("fixed", "volatility_target", "kelly", "bet_size")
BPS = 1e-4


@cache
def _names(key: str) -> tuple[str, ...]:
    """Parts of a dotted key: a sweep reads the same few a million times."""
    return tuple(key.split("."))


@dataclass(frozen=True)
class Run:
    """One simulation.

    Parameters
    ----------
    run_id : str
        Id of the member.
    quote_id : str
        Quote path that it reads.
    settings : Mapping
        ``{"quoting": {...}, "sim": {...}}``; only the keys that apply are needed.
    replicate : int
        Number of the replicate, >= 0.
    """

    run_id: str
    quote_id: str
    settings: Mapping[str, Any]
    replicate: int = 0

    @classmethod
    def from_member(cls, member: Mapping[str, Any]) -> Run:
        """Read a member of a pack's specification."""
        return cls(
            run_id=str(member["id"]),
            quote_id=str(member["upstream"]["quote"]),
            settings=member["settings"],
            replicate=int(member.get("replicate", 0)),
        )

    def get(self, key: str) -> Any:
        """Value of a dotted key.

        Raises
        ------
        TrialError
            If the key is missing.
        """
        node: Any = self.settings
        try:
            for name in _names(key):
                node = node[name]
        except (KeyError, TypeError) as error:
            raise TrialError(
                self.run_id, f"setting {key} is missing; it applies to this run"
            ) from error
        return node

    def word(self, key: str, legal: tuple[str, ...]) -> str:
        """Value of an enumeration."""
        value = self.get(key)
        if value not in legal:
            raise TrialError(self.run_id, f"{key} = {value!r}: must be one of {', '.join(legal)}")
        return str(value)

    def number(
        self,
        key: str,
        low: float,
        high: float = math.inf,
        *,
        open_low: bool = False,
        whole: bool = False,
    ) -> float:
        """Value of a number, checked against its range.

        Parameters
        ----------
        key : str
            Dotted key.
        low, high : float
            Legal range.
        open_low : bool
            Whether `low` itself is outside.
        whole : bool
            Whether a fraction is refused.

        Raises
        ------
        TrialError
            If the value is no finite number of that range.
        """
        value = self.get(key)
        number = not isinstance(value, bool) and isinstance(value, (int, float))
        # Integers of Python have no end, floats do.
        inside = number and low <= value <= min(high, sys.float_info.max)
        inside = inside and not (open_low and value == low)
        if inside and not (whole and value != math.floor(value)):
            return float(value)
        sign, kind = ">" if open_low else ">=", "whole number" if whole else "number"
        legal = f"a {kind} {sign} {low:g}" + (f" and <= {high:g}" if math.isfinite(high) else "")
        raise TrialError(self.run_id, f"{key} = {value!r}: must be {legal}")

    @property
    def venue(self) -> str:
        """``lob``, ``amm`` or ``hybrid``."""
        return self.word("sim.venue", ("lob", "amm", "hybrid"))

    @property
    def on_book(self) -> bool:
        """Whether the run quotes on an order book."""
        return self.venue != "amm"

    @property
    def on_pool(self) -> bool:
        """Whether the run sends transactions to a pool, be it hedges alone."""
        return self.venue == "amm" or self.hedges

    @property
    def hedges(self) -> bool:
        """Whether a run quotes on the book and hedges on the pool.

        A fixed spread puts no value on inventory, and what is held is not hedged: on the hybrid
        venue both are on the book alone.
        """
        if self.venue != "hybrid" or self.strategy not in SIGNALLED:
            return False
        if self.get("quoting.hedge") is not True:
            raise TrialError(
                self.run_id,
                f"quoting.hedge = {self.get('quoting.hedge')!r}: must be true with sim.venue "
                "hybrid; without a hedge use sim.venue lob",
            )
        return True

    @property
    def strategy(self) -> str:
        """Name of the strategy."""
        return self.word("quoting.strategy", NAMES)

    @property
    def max_inventory(self) -> float:
        """Inventory limit, ETH."""
        return self.number("quoting.max_inventory", 0.0, open_low=True)

    @property
    def uses_prediction(self) -> bool:
        """Whether the path's drift moves the quotes."""
        return (
            self.strategy in SIGNALLED
            and self.word("quoting.alpha", ("drift", "shift", "off")) != "off"
        )

    @property
    def sizing(self) -> str:
        """How the largest position is set."""
        return self.word("quoting.sizing.mode", SIZINGS)

    @property
    def bribe(self) -> str:
        """How a pool run sets its tip; a position that is held is worth no choice."""
        return "fixed" if self.strategy == "hold" else self.word("sim.amm.bribe.mode", BRIBES)

    @property
    def driven(self) -> bool:
        """Whether recorded events drive the pool of a run."""
        if not self.on_pool or self.strategy == "none":
            return False
        return self.word("sim.amm.flow", FLOWS) == "tape"

    @property
    def chain(self) -> Chain:
        """Gas rules of the pool's chain."""
        floor = self.get("sim.amm.base_fee_floor_wei")
        if floor is not None:
            floor = int(self.number("sim.amm.base_fee_floor_wei", 0.0, 1e18, whole=True))
        return chain_by_name(self.word("sim.amm.chain", tuple(sorted(CHAINS))), floor)

    @property
    def block_time(self) -> float:
        """Seconds between blocks: the setting, or the chain's."""
        return self.optional("sim.amm.block_time", self.chain.block_time_s, 0.0, 3600.0)

    def optional(self, key: str, absent: float, low: float, high: float = math.inf) -> float:
        """Value of a number > `low`, or `absent` where it is null."""
        if self.get(key) is None:
            return absent
        return self.number(key, low, high, open_low=True)
