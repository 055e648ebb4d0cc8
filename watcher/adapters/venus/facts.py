"""What is known about a Venus core pool: its terms, its quote, a holding in it. One comptroller is one market with many vTokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Final

from eth_typing import ChecksumAddress

from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import Curve, TwoKinks
from watcher.model import Market, Moment, PositionKey, Token, Unit

USD: Final = Unit("USD", 18)
CORE: Final = 0  # the pool that everybody is in who has not chosen another


class Paused(IntFlag):
    """The comptroller's `Action`, one bit each, in the order of its numbers."""

    MINT = 1
    REDEEM = 2
    BORROW = 4
    REPAY = 8
    SEIZE = 16
    LIQUIDATE = 32
    TRANSFER = 64
    ENTER = 128
    EXIT = 256


@dataclass(frozen=True, slots=True)
class Factors:
    """Wads. `factor` limits borrowing, `threshold` is the line of liquidation, `incentive` is what a liquidator gets for one."""

    factor: int
    threshold: int
    incentive: int
    borrowable: bool


NOTHING: Final = Factors(
    0, 0, 0, False
)  # what a market comes to in a pool that does not have it and does not fall back


@dataclass(frozen=True, slots=True)
class Asset:
    """One vToken. `snapshots` is the storage slot of its mapping of debts, `initial` its exchange rate (a wad) before anybody deposits.

    `token` is the underlying; where two vTokens have the same one, the later goes by its own address. Caps are raw underlying units;
    `year` are the blocks of one as its rate model counts them; `reserve_factor` is a wad. At most one of `curve` and `kinks` is known.
    """

    v: ChecksumAddress
    token: Token
    native: bool
    listed: bool
    core: Factors
    paused: Paused
    forced: bool  # debts of it may be liquidated without a shortfall
    supply_cap: int
    borrow_cap: int
    model: ChecksumAddress
    reserve_factor: int
    year: int
    curve: Curve | None
    kinks: TwoKinks | None
    snapshots: int
    initial: int


@dataclass(frozen=True, slots=True)
class Category:
    """An e-mode pool. `members` are (place of the asset, its factors here); of others those of the core pool hold where it falls back."""

    id: int
    label: str
    active: bool
    fallback: bool
    members: tuple[tuple[int, Factors], ...]


@dataclass(frozen=True, slots=True)
class Vai:
    """The stablecoin that is minted against collateral. `stamp` is the storage slot of the block of its last accrual, `year` the blocks
    of one as its controller counts them.
    """

    controller: ChecksumAddress
    token: Token
    paused: Paused
    forced: bool
    stamp: int
    year: int


@dataclass(frozen=True, slots=True)
class Terms:
    """`close_factor` and `redeem_fee` are wads. Only `liquidator` may liquidate, where there is one."""

    market: Market
    oracle: ChecksumAddress
    bounded: ChecksumAddress | None  # the oracle of borrowing power; None: the same oracle
    close_factor: int
    redeem_fee: int
    liquidator: ChecksumAddress | None
    stopped: bool  # the whole protocol is paused
    assets: tuple[Asset, ...]
    categories: tuple[Category, ...]
    vai: Vai | None

    def place(self, token: ChecksumAddress) -> int | None:
        """Of the asset with that underlying token."""
        return next((place for place, asset in enumerate(self.assets) if asset.token.address == token), None)

    def category(self, mode: int) -> Category | None:
        return next((category for category in self.categories if category.id == mode), None)


@dataclass(frozen=True, slots=True)
class Books:
    """VAI's own interest: `index` is a wad that grows by `rate` (wad) for each block since `stamp`."""

    index: int
    stamp: int
    rate: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What accrual changes, as the chain stores it."""

    pools: tuple[Pool, ...]
    vai: Books | None


@dataclass(frozen=True, slots=True)
class Quote:
    """What vTokens, oracles and VAI's controller store for everyone, in the order of the terms' assets.

    `rates` are wads per block on the stored books, None where the model has none: such a market is not accrued, nor can it be touched.
    `prices` and `bounds` (of collateral, of debt) are dollars per raw unit, scaled by 1e36, None where the oracle has none.
    """

    pools: tuple[Pool, ...]
    rates: tuple[int | None, ...]
    prices: tuple[int | None, ...]
    bounds: tuple[tuple[int, int] | None, ...]
    vai: Books | None
    at: Moment | None = None
    stored: Stored | None = None  # set on an accrued quote
    guessed: bool = False  # accrued to a later time whose block number nobody knows

    def unaccrued(self) -> Quote:
        """As it stood before accrual; prices stay as they are here."""
        if self.stored is None:
            return self
        return replace(self, pools=self.stored.pools, vai=self.stored.vai, stored=None)

    @property
    def moment(self) -> Moment:
        """When this quote holds. A quote straight from the chain has none: accrue it first."""
        if self.at is None:
            raise ValueError("this quote has not been accrued to a moment")
        return self.at


@dataclass(frozen=True, slots=True)
class Entry:
    """One vToken of a position: its balance in vTokens, and its debt as principal and the index of its last change.

    Only what is `entered` counts, on either side. `forced`: this account's debt of it may be liquidated without a shortfall.
    """

    place: int
    tokens: int
    principal: int
    index: int
    entered: bool
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Minted:
    """VAI that an account owes: `amount` with the interest up to the last change, `past` of which is that interest, `index` then."""

    amount: int
    past: int
    index: int
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """Entries that were entered or have something in them, by place. Without `complete`, deposits that do not count were not read."""

    key: PositionKey
    mode: int
    entries: tuple[Entry, ...]
    vai: Minted | None = None
    complete: bool = True

    def entry(self, place: int) -> Entry:
        """That asset's, an empty one where there is none."""
        return next((entry for entry in self.entries if entry.place == place), Entry(place, 0, 0, 0, entered=False))

    def entered(self) -> Iterator[Entry]:
        return (entry for entry in self.entries if entry.entered)
