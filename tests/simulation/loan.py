"""What is true of one borrower's market at one block, by Morpho's source and the specification's bands, with nothing of the watcher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from watcher.model import Status

WAD: Final = 10**18
COIN: Final = 10**18
PAR: Final = 10**36  # price of one raw unit in the other
LLTV: Final = WAD * 8 // 10
SHARES: Final = 10**6  # virtual shares, and what a unit borrowed first is in shares
DAY: Final = 86_400

# The bands of the specification, in hundredths, and the clock of positions whose sides move together, in days.
VOLATILE: Final = ((103, Status.CRITICAL), (110, Status.DANGER), (125, Status.WARN), (150, Status.WATCH))
CORRELATED: Final = ((101, Status.CRITICAL), (102, Status.DANGER), (103, Status.WARN), (105, Status.WATCH))
CLOCK: Final = ((1, Status.CRITICAL), (7, Status.DANGER), (30, Status.WARN))
WORSE: Final = (
    Status.NO_DEBT,
    Status.SAFE,
    Status.WATCH,
    Status.WARN,
    Status.DANGER,
    Status.CRITICAL,
    Status.UNKNOWN,
    Status.LIQUIDATABLE,
)


@dataclass(frozen=True, slots=True)
class Lie:
    """What an endpoint makes of every oracle's price and every market's debt, in hundredths of the truth."""

    price: int = 100
    debt: int = 100


HONEST: Final = Lie()


@dataclass(frozen=True, slots=True)
class Loan:
    """`borrowed` was owed at the time `since`, all of it by the one borrower; `rate` is charged a second, a wad. `now` is the block's time.

    `price` None: the oracle reverts. `readable` False: the market itself does. `paired`: both its tokens are in one group.
    """

    price: int | None
    borrowed: int
    shares: int
    collateral: int
    since: int
    now: int
    rate: int
    paired: bool
    readable: bool = True

    @property
    def interest(self) -> int:
        """Morpho._accrueInterest: ⌊borrowed · wTaylorCompounded(rate, time) / 1e18⌋, each of the three terms rounded down."""
        first = self.rate * (self.now - self.since)
        second = first * first // (2 * WAD)
        third = second * first // (3 * WAD)
        return self.borrowed * (first + second + third) // WAD

    @property
    def debt(self) -> int:
        """SharesMathLib.toAssetsUp of all shares."""
        if not self.shares:
            return 0
        return -(-self.shares * (self.borrowed + self.interest + 1) // (self.shares + SHARES))

    @property
    def bound(self) -> int:
        assert self.price is not None
        return self.collateral * self.price // PAR * LLTV // WAD

    @property
    def health(self) -> int | None:
        """Morpho._isHealthy as a fraction: collateral · price / 1e36, then · lltv / 1e18, each rounded down, over what is owed."""
        return self.bound * WAD // self.debt if self.debt else None

    @property
    def statuses(self) -> frozenset[Status]:
        """What may be said of it. Without debt the price does not matter to the contract, so that both answers are right."""
        if not self.readable:
            return frozenset({Status.UNKNOWN})
        if not self.debt:
            return frozenset({Status.NO_DEBT, *([Status.UNKNOWN] if self.price is None else [])})
        if self.price is None:
            return frozenset({Status.UNKNOWN})
        if self.bound < self.debt:
            return frozenset({Status.LIQUIDATABLE})
        level = next(
            (name for step, name in self._bands if self.bound * WAD // self.debt < step * WAD // 100), Status.SAFE
        )
        return frozenset({max(level, self._clock, key=WORSE.index)})

    @property
    def _bands(self) -> Sequence[tuple[int, Status]]:
        return CORRELATED if self.paired else VOLATILE

    @property
    def _clock(self) -> Status:
        """How many days of interest alone it is from its line; the prices of a volatile one say more than its clock."""
        if not self.paired:
            return Status.SAFE
        return next((name for days, name in CLOCK if self._crossed(days * DAY - 1)), Status.SAFE)

    def _crossed(self, seconds: int) -> bool:
        x = Fraction(self.rate * seconds, WAD)
        return self.bound < self.debt * (1 + x + x**2 / 2 + x**3 / 6)

    def accrued(self) -> Loan:
        """After somebody has called `accrueInterest` in this block."""
        return replace(self, borrowed=self.borrowed + self.interest, since=self.now)

    def told(self, lie: Lie) -> Loan:
        """As an endpoint tells it that lies."""
        price = None if self.price is None else self.price * lie.price // 100
        return self if lie == HONEST else replace(self, price=price, borrowed=self.borrowed * lie.debt // 100)
