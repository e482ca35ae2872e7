"""Fees of an Aerodrome pool that wait for its shareholders, in the contract's integers."""

from __future__ import annotations

from dataclasses import dataclass, field

from ethpredict.sim.amounts import AmountError, uint256, whole

SCALE = 10**18
NOTHING = (0, 0)


@dataclass
class FeeVault:
    """Shares of a pool, and the fees that each of them has earned.

    A fee raises an index of fees per share; what a holder may claim is settled from it whenever
    the holder's shares change. Both divisions round down, so the vault never owes more than it has.

    Attributes
    ----------
    shares : dict of int
        Shares of every holder.
    balance : tuple of int
        Fees of tokens 0 and 1 that the vault holds, smallest units.

    References
    ----------
    aerodrome-finance/contracts, ``Pool.sol`` (``_update0``, ``_updateFor``, ``claimFees``).

    Examples
    --------
    >>> vault = FeeVault()
    >>> vault.change("a", 3 * 10**18)
    >>> vault.change("b", 10**18)
    >>> vault.collect(1000, 0)
    >>> vault.change("b", -10**18)
    >>> vault.collect(60, 7)
    >>> vault.claim("a"), vault.claim("b"), vault.balance
    ((810, 6), (250, 0), (0, 1))
    """

    shares: dict[str, int] = field(default_factory=dict)
    balance: tuple[int, int] = NOTHING
    _index: tuple[int, int] = NOTHING
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    _owed: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Shares outstanding."""
        return sum(self.shares.values())

    def collect(self, fee0: int, fee1: int) -> None:
        """Take the fees of a swap.

        Parameters
        ----------
        fee0, fee1 : int
            Smallest units, >= 0.

        Raises
        ------
        AmountError
            If an amount is out of range, or there are fees and nobody has shares.
        """
        fees = whole("fee0", fee0), whole("fee1", fee1)
        if fees == NOTHING:
            return
        total = self.total
        if total == 0:
            raise AmountError("shares outstanding", 0, "positive", "Mint before the first swap.")
        rise = tuple(uint256(fee * SCALE, "fee x 1e18") // total for fee in fees)
        self._index = self._index[0] + rise[0], self._index[1] + rise[1]
        self.balance = self.balance[0] + fees[0], self.balance[1] + fees[1]

    def change(self, holder: str, shares: int) -> None:
        """Mint (> 0) or burn (< 0) shares of a holder; what they earned so far stays owed.

        Parameters
        ----------
        holder : str
            Who.
        shares : int
            Signed.

        Raises
        ------
        AmountError
            If more are burned than there are.
        """
        self._settle(holder)
        held = self.shares.get(holder, 0)
        self.shares[holder] = whole(f"shares of {holder} after the change", held + shares)

    def claim(self, holder: str) -> tuple[int, int]:
        """Pay a holder all fees owed.

        Parameters
        ----------
        holder : str
            Who.

        Returns
        -------
        amount0, amount1 : int
            Smallest units.
        """
        self._settle(holder)
        paid = self._owed.pop(holder, NOTHING)
        self.balance = self.balance[0] - paid[0], self.balance[1] - paid[1]
        return paid

    def _settle(self, holder: str) -> None:
        """Write down what a holder has earned since the last time."""
        held, seen = self.shares.get(holder, 0), self._seen.get(holder, NOTHING)
        owed = self._owed.get(holder, NOTHING)
        earned = tuple(
            uint256(held * (now - then), "shares x index") // SCALE
            for now, then in zip(self._index, seen, strict=True)
        )
        self._seen[holder] = self._index
        self._owed[holder] = owed[0] + earned[0], owed[1] + earned[1]
