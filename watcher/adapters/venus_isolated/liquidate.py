"""The largest liquidation of one pair (`VToken.liquidateBorrow`), by the truth of that pair: only its two vTokens are accrued."""

from __future__ import annotations

from eth_typing import ChecksumAddress

from watcher.adapter import Liquidation, Refusal
from watcher.adapters.venus_isolated.accrual import accrue
from watcher.adapters.venus_isolated.facts import Deed, Holding, Quote, Terms
from watcher.adapters.venus_isolated.worth import USD, Part, Sums, sums
from watcher.figures import exact
from watcher.formula.compound.exponential import Library, times
from watcher.formula.compound.liquidation import Seizure, closable, largest, seize_ratio
from watcher.model import Blocked
from watcher.units import WAD, Raw, mul_div_down


def liquidation(
    terms: Terms, quote: Quote, holding: Holding, debt: ChecksumAddress, collateral: ChecksumAddress
) -> Liquidation | Refusal:
    """The close factor's part of the debt, or as much as this collateral covers; all of it where liquidations of the debt are forced.

    `preLiquidateHook` refuses who has no shortfall, and whose collateral is worth the pool's minimum or less: see `paths.whole`. The
    seizure is in vTokens, of which the protocol's share is redeemed at once; it is told as what they are worth of the underlying. What
    is left of the debt stays with the borrower: there is no deficit. `MissingPrice` as in `value`. Where the market seized
    has not the cash for that share it is as much as there is cash for: the contract would revert.
    """
    view = accrue(terms, quote, quote.moment, frozenset({debt, collateral}))
    total = sums(terms, view, holding)
    owed = next((part for part in total.parts if terms.vtokens[part.place].token.address == debt and part.owes), None)
    held = next((p for p in total.parts if terms.vtokens[p.place].token.address == collateral), None)
    if owed is None:
        return Refusal("nothing of this debt is owed")
    if held is None or not held.balance.tokens:
        return Refusal("nothing of this collateral is held, or its market was not entered")
    reason = _spared(terms, total, owed)
    if reason is not None:
        return Refusal(reason)
    ratio = ratio_of(terms, owed, held)
    if ratio is None:
        return Refusal("the collateral's price is rounded to nothing")
    most = owed.owes if terms.vtokens[owed.place].forced else closable(terms.close_factor, owed.owes)
    done = _afforded(terms, view, owed, held, largest(ratio, most, held.balance.tokens, 0))
    if done.repay == 0:
        return Refusal("less than one raw unit of the debt could be repaid")
    fee = shared(terms, held, done.tokens)
    return Liquidation(
        debt=terms.vtokens[owed.place].token,
        collateral=terms.vtokens[held.place].token,
        repay=Raw(done.repay),
        seize=Raw(times(held.rate, done.tokens)),
        fee=Raw(times(held.rate, fee)),
        incentive=terms.incentive,
        bonus=times(held.unit, done.tokens - fee) - times(owed.price, done.repay),
        unit=USD,
        deficit=Raw(0),
        blocked=None if open_pair(terms, owed, held) else Blocked.PAUSED,
    )


def _afforded(terms: Terms, view: Quote, owed: Part, held: Part, wanted: Seizure) -> Seizure:
    """The largest seizure up to this one of which the market can pay the protocol's share; what is repaid comes in before."""
    cash, same = view.states[held.place].books.cash, owed.place == held.place

    def paid(seizure: Seizure) -> bool:
        return times(held.rate, shared(terms, held, seizure.tokens)) <= cash + same * seizure.repay

    if paid(wanted):
        return wanted
    low, high = 0, wanted.repay
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if paid(largest(wanted.ratio, middle, wanted.tokens, 0)) else (low, middle)
    return largest(wanted.ratio, low, wanted.tokens, 0)


def _spared(terms: Terms, total: Sums, owed: Part) -> str | None:
    """Why the comptroller lets nobody liquidate this pair."""
    if terms.vtokens[owed.place].forced:
        return None
    if total.collateral <= terms.minimum:
        return f"collateral is not above {exact(terms.minimum, 18)} USD: only the whole account can be liquidated"
    return None if total.short else "there is no shortfall"


def ratio_of(terms: Terms, owed: Part, held: Part) -> int | None:
    """vTokens seized per raw unit repaid, a wad (`liquidateCalculateSeizeTokens`)."""
    return seize_ratio(Library.TRUNCATING, terms.incentive, owed.price, held.price, held.rate)


def shared(terms: Terms, held: Part, tokens: int) -> int:
    """The protocol's part of seized vTokens: ⌊⌊tokens · seize share / 1e18⌋ · 1e18 / incentive⌋ (`VToken._seize`)."""
    return mul_div_down(times(terms.vtokens[held.place].seize_share, tokens), WAD, terms.incentive)


def open_pair(terms: Terms, owed: Part, held: Part) -> bool:
    """Nothing that a liquidation of the pair does is paused: liquidate, repay and seize."""
    borrowed = terms.vtokens[owed.place]
    stopped = borrowed.stopped(Deed.LIQUIDATE) or borrowed.stopped(Deed.REPAY)
    return not stopped and not terms.vtokens[held.place].stopped(Deed.SEIZE)
