"""An Aave V3 pool at one block: indices, rates, totals and prices as they are stored, and brought to a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eth_typing import ChecksumAddress

from watcher.adapter import Accrued, Which
from watcher.adapters.aave_v3.facts import Quote, Reserve, State, Terms
from watcher.formula.aave import interest
from watcher.formula.aave.version import Version
from watcher.model import Moment
from watcher.oracle import feed
from watcher.query import Query, Read, Rows, ask, each, one, pairs
from watcher.units import Raw, Ray, checked


def quote(terms: Terms) -> Query[Quote]:
    """Everything that is the same for every account, in one round trip.

    A price that reverts or is zero is None: only an account that the contract would read it for becomes unknown.
    """
    oracle, pool = terms.words.body.oracle, terms.market.address
    tokens = tuple((reserve.token.address,) for reserve in terms.reserves)
    answers = yield from ask(
        one("aave_v3/oracle.getAssetPrice", oracle, ((asset.address,) for asset in terms.assets), optional=True),
        *_permits(terms),
        *feed.reads(terms.feeds),
        one("aave_v3/pool.getReserveData", pool, tokens),
        each("aave_v3/token.scaledTotalSupply", (reserve.deposit for reserve in terms.reserves)),
        each("aave_v3/token.scaledTotalSupply", (reserve.debt for reserve in terms.reserves)),
        _liquidity(terms, tokens),
        one("aave_v3/pool.getReserveDeficit", pool, tokens if terms.version >= Version.V3_3 else ()),
        each("aave_v3/stable_token.getSupplyData", (r.stable for r in terms.reserves if r.stable)),
    )
    prices, borrow, liquidate, rounds, caps, data, deposits, debts, free, deficits, stables = answers
    known = iter(stables)
    return Quote(
        at=None,
        states=tuple(
            _state(
                reserve,
                data[i],
                (deposits[i][0], debts[i][0], free[i][0], deficits[i][0] if deficits else 0),
                next(known) if reserve.stable else None,
            )
            for i, reserve in enumerate(terms.reserves)
        ),
        prices=tuple(row[0] if row and row[0] > 0 else None for row in prices),
        pulses=tuple(feed.pulses(terms.feeds, rounds, caps).values()),
        can_borrow=_allowed(borrow),
        can_liquidate=_allowed(liquidate),
    )


def _permits(terms: Terms) -> tuple[Read, Read]:
    asked = (terms.sentinel,) if terms.sentinel else ()
    return (
        each("aave_v3/sentinel.isBorrowAllowed", asked, optional=True),
        each("aave_v3/sentinel.isLiquidationAllowed", asked, optional=True),
    )


def _allowed(rows: Rows) -> bool:
    """True without a sentinel; a sentinel that reverts makes the pool revert too: not allowed."""
    return all(row is not None and row[0] for row in rows)


def _liquidity(terms: Terms, tokens: tuple[tuple[ChecksumAddress], ...]) -> Read:
    """Until 3.0 what the aToken really holds, from 3.1 the balance that the pool keeps itself."""
    if terms.version >= Version.V3_1:
        return one("aave_v3/pool.getVirtualUnderlyingBalance", terms.market.address, tokens)
    held = ((reserve.token.address, (reserve.deposit,)) for reserve in terms.reserves)
    return pairs("erc20/token.balanceOf", held)


def _state(
    reserve: Reserve, row: Sequence[Any], totals: tuple[int, int, int, int], stable: Sequence[int] | None
) -> State:
    deposits, debts, free, deficit = totals
    principal, _, rate, updated = stable or (0, 0, 0, 0)
    return State(
        index=Ray(row[1]),
        rate=Ray(row[2]),
        debt_index=Ray(row[3]),
        debt_rate=Ray(row[4]),
        updated=row[6],
        deposits=deposits,
        debts=debts,
        treasury=row[12],
        unbacked=Raw(row[13]),
        deficit=Raw(deficit),
        isolated=row[14],
        free=Raw(free),
        stable_principal=Raw(principal),
        stable_rate=Ray(rate),
        stable_updated=updated,
        income=Ray(row[1]),
        owed=Ray(row[3]),
    )


def accrue(terms: Terms, quote: Quote, at: Moment, which: Accrued) -> Quote:
    """The quote at a moment: normalised indices, from the stored ones, of all reserves (as the pool's own views), some, or none.

    Prices stay what they were read to be. `Overflow` for a moment before a reserve's last update: the contract reverts there.
    """
    return replace(
        quote,
        at=at,
        states=tuple(
            _grown(terms.version, state, at)
            if _wanted(reserve, which)
            else replace(state, income=state.index, owed=state.debt_index)
            for reserve, state in zip(terms.reserves, quote.states, strict=True)
        ),
    )


def _wanted(reserve: Reserve, which: Accrued) -> bool:
    return which is Which.ALL if isinstance(which, Which) else reserve.token.address in which


def _grown(version: Version, state: State, at: Moment) -> State:
    seconds = checked(at.timestamp - state.updated)
    return replace(
        state,
        income=interest.income(state.index, state.rate, seconds),
        owed=interest.owed(version, state.debt_index, state.debt_rate, seconds),
    )


def reprice(terms: Terms, quote: Quote, answers: Mapping[ChecksumAddress, int]) -> Quote:
    """The quote with other oracle answers, by asset: tokens, and the price sources of e-modes. An answer of zero is a missing price.

    `KeyError` for an asset that the market does not have.
    """
    prices = list(quote.prices)
    for asset, answer in answers.items():
        prices[terms.place(asset)] = answer if answer > 0 else None
    return replace(quote, prices=tuple(prices))
