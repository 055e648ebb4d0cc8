"""Compound V2's three facts as data: what a comptroller rules, what its cTokens store for everyone, what one account has in each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapters.compound_v2.words import Words
from watcher.errors import MissingPrice
from watcher.formula.compound.exponential import Library
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import Curve
from watcher.model import Market, Moment, PositionKey, Token, Unit
from watcher.oracle.feed import Feed, Pulse

NATIVE: Final = to_checksum_address("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE")  # as the trade calls the native token


class Clock(Enum):
    """What a market's interest is counted in, by which of the two getters it has."""

    BLOCK = "block"
    SECOND = "second"

    def tick(self, at: Moment) -> int:
        return at.number if self is Clock.BLOCK else at.timestamp


@dataclass(frozen=True, slots=True)
class Listing:
    """One cToken. `id` is its place among all markets of the comptroller, which only grow.

    `token` is the underlying; where two cTokens have the same one, the later is named by its own address. Factors and shares are
    wads, caps raw units, None without one. `year` is how many ticks the model counts in a year. `snapshots` is the slot of the
    debts' mapping, None where it was not found. `curve` is None for a model of another make.
    """

    id: int
    address: ChecksumAddress
    symbol: str
    token: Token
    clock: Clock
    listed: bool
    factor: int
    reserve_factor: int
    share: int  # of a seizure, the protocol's
    borrow_cap: int | None
    supply_cap: int | None
    mint_paused: bool
    borrow_paused: bool
    deprecated: bool  # its debts may be liquidated without a shortfall
    model: ChecksumAddress
    year: int
    curve: Curve | None
    snapshots: int | None
    feed: ChecksumAddress | None  # what the oracle reads for it, where it says


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules of one comptroller. `listings` are in the order of their ids. `told` says that the library was told by an answer."""

    market: Market
    words: Words
    unit: Unit
    library: Library
    told: bool
    listings: tuple[Listing, ...]
    feeds: tuple[Feed, ...]

    def find(self, token: ChecksumAddress) -> Listing | None:
        """The market of an underlying, or the one at that very address."""
        return next((one for one in self.listings if token in (one.token.address, one.address)), None)


@dataclass(frozen=True, slots=True)
class State:
    """One market's books as `stored`, and as they are at the quote's moment, `now`: the same where nothing was accrued.

    `rate` is the model's answer for the stored books, a wad per tick; None where it answers none: nobody can touch that market then.
    `initial` is the exchange rate while there are no cTokens, 0 otherwise: then it is not known, and not needed.
    """

    stored: Pool
    now: Pool
    rate: int | None
    initial: int


@dataclass(frozen=True, slots=True)
class Quote:
    """`states` and `prices` follow the listings; a price is None where the oracle reverts or answers zero. `at` is set by accrue."""

    at: Moment | None
    states: tuple[State, ...]
    prices: tuple[int | None, ...]
    pulses: tuple[Pulse, ...]  # of the terms' feeds

    @property
    def moment(self) -> Moment:
        """When this quote holds. A quote straight from the chain has none: accrue it first."""
        if self.at is None:
            raise ValueError("this quote has not been accrued to a moment")
        return self.at

    def price(self, listing: Listing) -> int:
        """`MissingPrice` where the comptroller would answer PRICE_ERROR or revert."""
        answer = self.prices[listing.id]
        if answer is None:
            raise MissingPrice(listing.token.address, f"the oracle has no answer for {listing.symbol}")
        return answer


@dataclass(frozen=True, slots=True)
class Entry:
    """One market of one account: cTokens, and the debt as it was stored with the index of that time.

    An index of 0 beside a principal says that the contract's own balance is all that could be read.
    """

    id: int
    tokens: int
    principal: int
    index: int


@dataclass(frozen=True, slots=True)
class Holding:
    """`entered` has bit i for market i: only these count, as collateral and as debt. `entries` are those that are not empty, by id.

    Not `complete` means that cTokens in markets not entered were not read.
    """

    key: PositionKey
    entered: int
    entries: tuple[Entry, ...]
    complete: bool = True

    def counts(self, id: int) -> bool:
        return bool(self.entered >> id & 1)

    def entry(self, id: int) -> Entry:
        """What there is in one market, also if nothing."""
        return next((entry for entry in self.entries if entry.id == id), Entry(id, 0, 0, 0))
