"""An account as Venus sums it up: the loop of `ComptrollerLens._calculateAccountPosition`, under thresholds and under factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watcher.adapters.venus.facts import CORE, NOTHING, Entry, Factors, Holding, Minted, Quote, Terms
from watcher.adapters.venus.quote import rate
from watcher.errors import AnswerError, MissingPrice
from watcher.formula.compound.exponential import Library, times
from watcher.formula.compound.liquidity import collateral, debt
from watcher.formula.compound.pool import owed
from watcher.units import checked

EXACT: Final = Library.TRUNCATING


@dataclass(frozen=True, slots=True)
class Sums:
    """The two sides as a comparison of the comptroller has them, in wads of a dollar."""

    weighted: int
    debt: int

    @property
    def liquidity(self) -> int:
        return max(0, self.weighted - self.debt)

    @property
    def shortfall(self) -> int:
        return max(0, self.debt - self.weighted)


def factors(terms: Terms, mode: int, place: int) -> Factors:
    """`getLiquidationParams`: the account's pool, where it is active and has the market, else the core pool if that one falls back."""
    core = terms.assets[place].core
    if mode == CORE:
        return core
    category = terms.category(mode)
    if category is None:
        raise AnswerError(f"{terms.market.name} has no pool {mode} in these terms: read them again")
    if not category.active:
        return core
    inside = next((factors for member, factors in category.members if member == place), None)
    return inside or (core if category.fallback else NOTHING)


def price_of(terms: Terms, quote: Quote, place: int) -> int:
    """The oracle's answer; `MissingPrice` where the comptroller would find none."""
    price = quote.prices[place]
    if not price:
        raise MissingPrice(terms.assets[place].token.address, "the oracle reverts or answers nothing")
    return price


def bound_of(terms: Terms, quote: Quote, place: int) -> tuple[int, int]:
    """The price of collateral and that of debt by which borrowing is judged; `MissingPrice` without them."""
    bound = quote.bounds[place]
    if bound is None:
        raise MissingPrice(terms.assets[place].token.address, "the oracle of borrowing power has none")
    return bound


def owing(quote: Quote, entry: Entry) -> int:
    """Raw underlying units of a debt (`borrowBalanceStored` on these books)."""
    return owed(entry.principal, entry.index, quote.pools[entry.place].index)


def minted(quote: Quote, vai: Minted | None) -> int:
    """VAI owed (`getVAIRepayAmount`): what was minted and its interest, and interest on what was minted since."""
    if vai is None or quote.vai is None:
        return 0
    return vai.amount + times(checked(quote.vai.index - vai.index), checked(vai.amount - vai.past))


def holds(quote: Quote, entry: Entry) -> bool:
    """Whether the comptroller looks at its price: an entered market with something in it."""
    return entry.entered and bool(entry.tokens or owing(quote, entry))


def threshold_sums(terms: Terms, quote: Quote, holding: Holding) -> Sums:
    """As a liquidation sees it: by thresholds, at the oracle's prices."""
    weighted, against = 0, minted(quote, holding.vai)
    for entry in holding.entries:
        if holds(quote, entry):
            place = entry.place
            price, weight = price_of(terms, quote, place), factors(terms, holding.mode, place).threshold
            weighted += collateral(EXACT, weight, rate(terms.assets[place], quote.pools[place]), price, entry.tokens)
            against += debt(price, owing(quote, entry))
    return Sums(checked(weighted), checked(against))


def factor_sums(terms: Terms, quote: Quote, holding: Holding) -> Sums:
    """As borrowing and withdrawing see it: by factors, collateral at the lower and debt at the upper bound of its price."""
    weighted, against = 0, minted(quote, holding.vai)
    for entry in holding.entries:
        if holds(quote, entry):
            place = entry.place
            bound = bound_of(terms, quote, place)
            weight = factors(terms, holding.mode, place).factor
            weighted += collateral(EXACT, weight, rate(terms.assets[place], quote.pools[place]), bound[0], entry.tokens)
            against += debt(bound[1], owing(quote, entry))
    return Sums(checked(weighted), checked(against))
