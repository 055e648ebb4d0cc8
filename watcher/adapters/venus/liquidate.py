"""The largest liquidation of one pair: by `vToken.liquidateBorrow`, or, of VAI, by `VAIController.liquidateVAI`.

A liquidation accrues its own two markets and nothing else, so it is judged by these two brought up to date and all others as they are
stored; of VAI, by VAI's interest and the collateral's market.
"""

from __future__ import annotations

from eth_typing import ChecksumAddress

from watcher.adapter import Liquidation, Refusal
from watcher.adapters.venus.account import EXACT, factors, minted, owing, price_of, threshold_sums
from watcher.adapters.venus.facts import USD, Entry, Holding, Quote, Terms
from watcher.adapters.venus.quote import accrue, rate
from watcher.adapters.venus.vai import repaid
from watcher.adapters.venus.value import obstacle
from watcher.errors import Overflow
from watcher.formula.compound.exponential import times
from watcher.formula.compound.liquidation import Seizure, closable, largest, seize_ratio
from watcher.formula.compound.liquidity import debt as debt_value
from watcher.formula.compound.liquidity import value as token_value
from watcher.formula.compound.pool import HIGHEST_RATE
from watcher.units import WAD, Raw


def liquidation(
    terms: Terms, quote: Quote, holding: Holding, debt: ChecksumAddress, collateral: ChecksumAddress
) -> Liquidation | Refusal:
    """Up to the close factor of the debt, all of it where its liquidation is forced, and no more than the collateral pays for.

    `seize` is in underlying units; the liquidator is given vTokens, all of them: what a restricted liquidator's contract keeps is its
    own affair. A pause is named in `blocked`. Venus never writes a debt off: `deficit` is what nothing is left for.
    """
    if quote.at is None:
        raise ValueError("this quote has not been accrued to a moment")
    seen = accrue(terms, quote, quote.at, frozenset({debt, collateral}))
    held, owed = terms.place(collateral), terms.place(debt)
    vai = terms.vai is not None and debt == terms.vai.token.address
    if held is None or (owed is None and not vai):
        return Refusal(f"{debt if held is not None else collateral} is not of {terms.market.name}")
    if any(_stuck(quote, place) for place in (held, owed) if place is not None):
        return Refusal("the market's interest cannot be accrued")
    try:
        return _Case(terms, seen, holding, owed, held).largest()
    except Overflow:
        return Refusal("arithmetic underflow or overflow")


def _stuck(quote: Quote, place: int) -> bool:
    rate = quote.rates[place]
    return rate is None or rate > HIGHEST_RATE


class _Case:
    """A pair of one account, with the books as its liquidation finds them; `owed` None is VAI."""

    def __init__(self, terms: Terms, quote: Quote, holding: Holding, owed: int | None, held: int) -> None:
        self.terms, self.quote, self.holding = terms, quote, holding
        self.owed, self.held = owed, held
        self.entry: Entry = holding.entry(held)
        self.rate = rate(terms.assets[held], quote.pools[held])
        self.price = price_of(terms, quote, held)

    def debt(self) -> int:
        if self.owed is None:
            return minted(self.quote, self.holding.vai)
        entry = self.holding.entry(self.owed)
        return owing(self.quote, entry) if entry.entered else 0

    def forced(self) -> bool:
        if self.owed is None:
            known, own = self.terms.vai, self.holding.vai
            return bool(known and known.forced) or bool(own and own.forced)
        return self.terms.assets[self.owed].forced or self.holding.entry(self.owed).forced

    def seizure(self, most: int) -> Seizure | None:
        """At this account's incentive; VAI's liquidations know the core pool's only."""
        mode = 0 if self.owed is None else self.holding.mode
        incentive = factors(self.terms, mode, self.held).incentive
        debt_price = WAD if self.owed is None else price_of(self.terms, self.quote, self.owed)
        ratio = seize_ratio(EXACT, incentive, debt_price, self.price, self.rate)
        if ratio is None:
            return None
        if self.owed is None and self.holding.vai is not None:
            return repaid(self.quote, self.holding.vai, ratio, most, self.entry.tokens)
        return largest(ratio, most, self.entry.tokens, 0)

    def largest(self) -> Liquidation | Refusal:
        debt = self.debt()
        if debt == 0:
            return Refusal("nothing of it is owed")
        if not self.entry.entered or not self.entry.tokens:
            return Refusal("MARKET_NOT_COLLATERAL" if self.entry.tokens else "none of it is held")
        forced = self.forced()
        if not forced and threshold_sums(self.terms, self.quote, self.holding).shortfall == 0:
            return Refusal("INSUFFICIENT_SHORTFALL")
        done = self.seizure(debt if forced else closable(self.terms.close_factor, debt))
        if done is None or done.repay == 0:
            return Refusal("not even one unit of the debt can be repaid and seized for")
        return self._told(debt, done)

    def _told(self, debt: int, done: Seizure) -> Liquidation:
        asset, known = self.terms.assets[self.held], self.terms.vai
        mode = 0 if self.owed is None else self.holding.mode
        token = self.terms.assets[self.owed].token if self.owed is not None else known.token if known else asset.token
        paid = done.repay if self.owed is None else debt_value(price_of(self.terms, self.quote, self.owed), done.repay)
        others = any(one.tokens for one in self.holding.entered() if one.place != self.held)
        emptied = done.tokens == self.entry.tokens and not others
        return Liquidation(
            debt=token,
            collateral=asset.token,
            repay=Raw(done.repay),
            seize=Raw(times(self.rate, done.tokens)),
            fee=Raw(0),
            incentive=factors(self.terms, mode, self.held).incentive,
            bonus=token_value(self.rate, self.price, done.tokens) - paid,
            unit=USD,
            deficit=Raw(debt - done.repay if emptied else 0),
            blocked=obstacle(self.terms, self.owed, self.held),
        )
