"""The largest liquidation of one pair that a comptroller would carry out, judged by what the liquidator of that pair sees."""

from __future__ import annotations

from dataclasses import replace

from eth_typing import ChecksumAddress

from watcher.adapter import Liquidation, Refusal
from watcher.adapters.compound_v2.account import debt_of, rate_of, sums
from watcher.adapters.compound_v2.facts import NATIVE, Holding, Listing, Quote, Terms
from watcher.adapters.compound_v2.quote import accrue, stuck
from watcher.formula.compound import liquidity
from watcher.formula.compound.liquidation import Seizure, closable, largest, seize_ratio
from watcher.formula.compound.pool import exchange_rate
from watcher.model import Blocked
from watcher.units import Raw, checked


def liquidate(
    terms: Terms, quote: Quote, holding: Holding, debt: ChecksumAddress, collateral: ChecksumAddress
) -> Liquidation | Refusal:
    """`liquidateBorrow` with the largest amount that it takes: the close factor's part, or what the seized cTokens cover.

    Only the two markets are accrued, so one pair may be open while another is not. A debt in a deprecated market is open in full without a
    shortfall. Any cToken of the account can be seized, of markets that it has not entered too. `seize` and `fee` are in underlying, the
    fee stays in the market as reserves. Raises `MissingPrice` and `Overflow` where the comptroller errs.
    """
    owed, held = terms.find(debt), terms.find(collateral)
    if owed is None or held is None:
        return Refusal("MARKET_NOT_LISTED")
    refusal = _refused(terms, quote, holding, owed, held)
    if refusal is not None:
        return refusal
    seen = accrue(terms, quote, quote.moment, frozenset({owed.address, held.address}))
    borrowed = debt_of(owed, seen.states[owed.id], holding.entry(owed.id))
    if not owed.deprecated and not sums(terms, seen, holding).shortfall:
        return Refusal("INSUFFICIENT_SHORTFALL")
    most = borrowed if owed.deprecated else closable(terms.words.head.close_factor, borrowed)
    done = _seizure(terms, seen, holding, most, owed, held)
    if isinstance(done, Refusal):
        return done
    return _liquidation(terms, seen, holding, (owed, held), done, borrowed)


def _refused(terms: Terms, quote: Quote, holding: Holding, owed: Listing, held: Listing) -> Refusal | None:
    if not owed.listed or not held.listed:
        return Refusal("MARKET_NOT_LISTED")
    if stuck(quote.states[owed.id]) or stuck(quote.states[held.id]):
        return Refusal("the market's interest cannot be accrued")
    if not holding.entry(owed.id).principal:
        return Refusal(f"no {owed.token.symbol} is owed")
    if not holding.entry(held.id).tokens:
        return Refusal(f"there is no {held.symbol} to seize")
    return None


def _seizure(terms: Terms, seen: Quote, holding: Holding, most: int, owed: Listing, held: Listing) -> Seizure | Refusal:
    incentive = terms.words.head.incentive
    ratio = seize_ratio(terms.library, incentive, seen.price(owed), seen.price(held), rate_of(seen.states[held.id]))
    if ratio is None:
        return Refusal("divide by zero")
    done = largest(ratio, most, holding.entry(held.id).tokens, held.share)
    return done if done.repay else Refusal("INVALID_CLOSE_AMOUNT_REQUESTED")


def _reserved(seen: Quote, owed: Listing, held: Listing, done: Seizure) -> int:
    """The reserves' part of the seizure in underlying, as `seizeInternal` adds it.

    A market of the native token does not count as cash what came with the very call (`CEther.getCashPrior`): where it is both repaid
    and seized, the repayment is missing from its books at that moment.
    """
    state = seen.states[held.id]
    rate = rate_of(state)
    if owed.id == held.id and held.token.address == NATIVE:
        rate = exchange_rate(replace(state.now, borrows=checked(state.now.borrows - done.repay)), state.initial)
    return liquidity.underlying(rate, done.protocol)


def _liquidation(
    terms: Terms,
    seen: Quote,
    holding: Holding,
    pair: tuple[Listing, Listing],
    done: Seizure,
    borrowed: int,
) -> Liquidation:
    owed, held = pair
    rate = rate_of(seen.states[held.id])
    rest = sum(entry.tokens for entry in holding.entries) - done.tokens
    gain = liquidity.value(rate, seen.price(held), done.tokens - done.protocol)
    return Liquidation(
        debt=owed.token,
        collateral=held.token,
        repay=Raw(done.repay),
        seize=Raw(liquidity.underlying(rate, done.tokens)),
        fee=Raw(_reserved(seen, owed, held, done)),
        incentive=terms.words.head.incentive,
        bonus=gain - liquidity.debt(seen.price(owed), done.repay),
        unit=terms.unit,
        deficit=Raw(0 if rest else borrowed - done.repay),
        blocked=Blocked.PAUSED if terms.words.head.seize_paused else None,
    )
