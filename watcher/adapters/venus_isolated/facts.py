"""What is known about one isolated pool: its terms, its quote, a holding in it. A market is a comptroller, its assets are vTokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from eth_typing import ChecksumAddress

from watcher.adapters.venus_isolated.rates import Model
from watcher.errors import UsageError
from watcher.formula.compound.pool import Pool
from watcher.model import Market, Moment, PositionKey, Token
from watcher.oracle.feed import Feed, Pulse


class Deed(IntEnum):
    """`ComptrollerInterface.Action`: what can be paused for one vToken."""

    MINT = 0
    REDEEM = 1
    BORROW = 2
    REPAY = 3
    SEIZE = 4
    LIQUIDATE = 5
    TRANSFER = 6
    ENTER = 7
    EXIT = 8


@dataclass(frozen=True, slots=True)
class VToken:
    """One listed vToken. Factors, thresholds and shares are wads; caps are raw underlying units, None without one.

    `paused` has bit n set where `Deed` n is paused. `timed` says that it accrues by the second, else by the block; `ticks` are these in
    a year. `initial` is the exchange rate while there are no vTokens. `forced`: its debts can be liquidated without a shortfall.
    An accrual that comes `payout` ticks or more after the last payout sends the reserves away.
    """

    address: ChecksumAddress
    token: Token
    factor: int
    threshold: int
    supply_cap: int | None
    borrow_cap: int | None
    paused: int
    forced: bool
    reserve_factor: int
    seize_share: int
    timed: bool
    ticks: int
    initial: int
    payout: int
    model: Model

    def stopped(self, deed: Deed) -> bool:
        return bool(self.paused >> deed & 1)

    def tick(self, moment: Moment) -> int:
        return moment.timestamp if self.timed else moment.number


@dataclass(frozen=True, slots=True)
class Source:
    """What the resilient oracle asks for one asset. `feed` is the Chainlink feed below its main oracle, None where there is none."""

    main: ChecksumAddress
    pivot: ChecksumAddress | None
    fallback: ChecksumAddress | None
    feed: Feed | None


@dataclass(frozen=True, slots=True)
class Terms:
    """`close_factor` and `incentive` are wads. At or below `minimum` (USD, 18 decimals) only whole accounts are liquidated.

    `known` are all vTokens that were ever listed, `vtokens` those that still are: the comptroller looks at no other.
    """

    market: Market
    known: tuple[ChecksumAddress, ...]
    oracle: ChecksumAddress
    close_factor: int
    incentive: int
    minimum: int
    vtokens: tuple[VToken, ...]
    sources: tuple[Source, ...]  # in the order of `vtokens`

    def place(self, token: ChecksumAddress) -> int:
        """Where the vToken of an underlying is; a pool has one at most. `UsageError` for an asset that it does not list."""
        for place, one in enumerate(self.vtokens):
            if one.token.address == token:
                return place
        raise UsageError(f"{token} is not listed in {self.market.name}")

    def places(self) -> dict[ChecksumAddress, int]:
        """By the vToken's own address."""
        return {one.address: place for place, one in enumerate(self.vtokens)}


@dataclass(frozen=True, slots=True)
class State:
    """A vToken's books. `bad` is bad debt in raw underlying units. `rate`, a wad per tick, is what accrual from these books charges.

    `paid` is the tick at which the reserves were last paid out.
    """

    books: Pool
    bad: int
    rate: int
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """What the vTokens store and the oracle answers, in the order of the terms.

    A price is a wad of USD per raw underlying unit, shifted by 18 digits: 10 ** (36 - decimals) is one dollar; `reasons` say why there
    is none. `stored` keeps the books as the chain has them when some in `states` are accrued further.
    """

    states: tuple[State, ...]
    prices: tuple[int | None, ...]
    reasons: tuple[str | None, ...]
    pulses: tuple[Pulse | None, ...]
    stored: tuple[State, ...] | None = None
    at: Moment | None = None

    def unaccrued(self) -> Quote:
        """As it stood before accrual; prices stay as they are here."""
        return self if self.stored is None else replace(self, states=self.stored, stored=None)

    @property
    def moment(self) -> Moment:
        """When this quote holds. A quote straight from the chain has none: accrue it first."""
        if self.at is None:
            raise ValueError("this quote has not been accrued to a moment")
        return self.at


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has in one vToken: `tokens`, and its borrow snapshot: `principal` in raw units at interest index `since`."""

    vtoken: ChecksumAddress
    tokens: int
    principal: int
    since: int
    entered: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """Only entered vTokens protect debt, and only there is any. A holding read among thousands is not `complete`: it lacks the others."""

    key: PositionKey
    balances: tuple[Balance, ...]
    complete: bool = True

    def balance(self, vtoken: ChecksumAddress) -> Balance:
        return next((one for one in self.balances if one.vtoken == vtoken), Balance(vtoken, 0, 0, 0, False))
