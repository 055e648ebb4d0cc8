"""Aave V3's three facts as data: Terms, Quote and Holding, with the words of the pool decoded and nothing computed."""

from __future__ import annotations

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from watcher.adapters.aave_v3.words import Words
from watcher.errors import AnswerError
from watcher.formula.aave.rate import Strategy
from watcher.formula.aave.version import Version
from watcher.model import Market, Moment, PositionKey, Token, Unit
from watcher.oracle.feed import Feed, Pulse
from watcher.units import Raw, Ray


def bits(word: int, start: int, length: int) -> int:
    return word >> start & (1 << length) - 1


@dataclass(frozen=True, slots=True)
class Configuration:
    """A reserve's configuration word (ReserveConfiguration). Thresholds, bonus, factor and fee are basis points; caps are whole tokens, 0
    for none; `ceiling` has two decimals of USD, 0 where the reserve is not isolated collateral. `mode` ended with 3.1."""

    word: int
    ltv: int
    threshold: int
    bonus: int
    decimals: int
    active: bool
    frozen: bool
    borrowing: bool
    paused: bool
    isolation_borrowable: bool
    siloed: bool
    factor: int
    borrow_cap: int
    supply_cap: int
    fee: int
    mode: int
    ceiling: int
    accounted: bool  # keeps a virtual balance (3.1 on)


def configuration(word: int) -> Configuration:
    """Source: ReserveConfiguration.sol; the positions are the same in every version, some of them only empty later."""
    return Configuration(
        word=word,
        ltv=bits(word, 0, 16),
        threshold=bits(word, 16, 16),
        bonus=bits(word, 32, 16),
        decimals=bits(word, 48, 8),
        active=bool(bits(word, 56, 1)),
        frozen=bool(bits(word, 57, 1)),
        borrowing=bool(bits(word, 58, 1)),
        paused=bool(bits(word, 60, 1)),
        isolation_borrowable=bool(bits(word, 61, 1)),
        siloed=bool(bits(word, 62, 1)),
        factor=bits(word, 64, 16),
        borrow_cap=bits(word, 80, 36),
        supply_cap=bits(word, 116, 36),
        fee=bits(word, 152, 16),
        mode=bits(word, 168, 8),
        ceiling=bits(word, 212, 40),
        accounted=bool(bits(word, 252, 1)),
    )


@dataclass(frozen=True, slots=True)
class Reserve:
    """One asset of the pool. `id` is its place in users' flag words. `stable` is the stable debt token, None from 3.2."""

    id: int
    token: Token
    deposit: ChecksumAddress  # aToken
    debt: ChecksumAddress  # variable debt token
    stable: ChecksumAddress | None
    rules: Configuration
    strategy: Strategy | None  # None: a strategy of another make
    grace_until: int  # seconds; no liquidation up to and including it

    @property
    def unit(self) -> int:
        return int(10**self.rules.decimals)


@dataclass(frozen=True, slots=True)
class Category:
    """An e-mode. Bit i of a bitmap stands for the reserve with id i. `price_source` replaces the assets' prices (3.0 and 3.1)."""

    id: int
    ltv: int
    threshold: int
    bonus: int
    collateral: int
    borrowable: int
    ltv_zero: int
    isolated: bool
    price_source: ChecksumAddress | None


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules of one pool.

    `reserves` are ordered by id. `assets` are what the oracle is asked for: the reserves' tokens in the same order, then the price
    sources of e-modes. `sentinel` is None where there is none, and from 3.7. `words` is what all this was made from.
    """

    market: Market
    version: Version
    words: Words
    unit: Unit  # of the oracle's answers
    sentinel: ChecksumAddress | None
    reserves: tuple[Reserve, ...]
    categories: tuple[Category, ...]
    assets: tuple[Token, ...]
    sources: tuple[ChecksumAddress, ...]  # of the prices of `assets`; zero where the fallback oracle is asked
    feeds: tuple[Feed, ...]  # what stands behind `sources`, each once

    def reserve(self, token: ChecksumAddress) -> Reserve | None:
        return next((reserve for reserve in self.reserves if reserve.token.address == token), None)

    def place(self, asset: ChecksumAddress) -> int:
        """Where an asset stands in `assets`, and its price in a quote. `KeyError` for one that the market does not know."""
        for place, known in enumerate(self.assets):
            if known.address == asset:
                return place
        raise KeyError(asset)

    def category(self, mode: int) -> Category | None:
        """The e-mode `mode`, None for 0. `AnswerError` for one that these terms do not know: they are out of date."""
        if mode == 0:
            return None
        for category in self.categories:
            if category.id == mode:
                return category
        raise AnswerError(f"e-mode {mode} of {self.market.name} is not in these terms: read them again")


@dataclass(frozen=True, slots=True)
class State:
    """What the pool stores for one reserve. The first block is stored words; `income` and `owed` are the indices at the quote's moment.

    Rates and indices are rays. `free` is the liquidity: the virtual balance, or the aToken's balance of the asset in 3.0.
    """

    index: Ray  # liquidity index
    rate: Ray  # earned, yearly
    debt_index: Ray
    debt_rate: Ray  # paid, yearly
    updated: int  # seconds
    deposits: int  # scaled supply of the aToken
    debts: int  # scaled supply of the variable debt token
    treasury: int  # scaled aTokens not yet minted
    unbacked: Raw
    deficit: Raw
    isolated: int  # debt against this isolated collateral, two decimals of USD
    free: Raw
    stable_principal: Raw
    stable_rate: Ray  # average
    stable_updated: int  # seconds
    income: Ray
    owed: Ray


@dataclass(frozen=True, slots=True)
class Quote:
    """`states` follow the terms' reserves, `prices` their assets: None where the oracle reverts or answers zero. `at` is set by accrue."""

    at: Moment | None
    states: tuple[State, ...]
    prices: tuple[int | None, ...]
    pulses: tuple[Pulse, ...]  # of the terms' feeds
    can_borrow: bool  # the sentinel's word, true without one
    can_liquidate: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """One reserve of one account: scaled amounts, and the stable debt with its own rate and clock (3.0 and 3.1)."""

    id: int
    deposit: int
    debt: int
    principal: int = 0
    rate: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """`flags` has two bits per reserve id: 2i borrowed, 2i + 1 used as collateral. `balances` are those that are not empty, by id.

    Not `complete` means that deposits which are not collateral were not read.
    """

    key: PositionKey
    flags: int
    mode: int
    balances: tuple[Balance, ...]
    complete: bool = True

    def borrows(self, id: int) -> bool:
        return bool(self.flags >> 2 * id & 1)

    def secures(self, id: int) -> bool:
        return bool(self.flags >> 2 * id + 1 & 1)

    def balance(self, id: int) -> Balance:
        """What there is of one reserve, also if nothing."""
        return next((balance for balance in self.balances if balance.id == id), Balance(id, 0, 0))
