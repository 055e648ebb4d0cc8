"""An Aave V2 pool at one block: indices, rates, totals and prices as they are stored. They are brought to a moment as V3's are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watcher.adapters.aave_v2.facts import Quote, State, Terms
from watcher.oracle import feed
from watcher.query import Query, ask, each, one, pairs
from watcher.units import Raw, Ray


def quote(terms: Terms) -> Query[Quote]:
    """Everything that is the same for every account, in one round trip.

    A price that reverts or is zero is None: only an account that the contract would read it for becomes unknown.
    """
    oracle, pool = terms.words.body.oracle, terms.market.address
    tokens = tuple((reserve.token.address,) for reserve in terms.reserves)
    stable = tuple(reserve for reserve in terms.reserves if reserve.stable)
    prices, rounds, caps, data, deposits, debts, free, loans = yield from ask(
        one("aave_v2/oracle.getAssetPrice", oracle, tokens, optional=True),
        *feed.reads(terms.feeds),
        one("aave_v2/pool.getReserveData", pool, tokens),
        each("aave_v3/token.scaledTotalSupply", (reserve.deposit for reserve in terms.reserves)),
        each("aave_v3/token.scaledTotalSupply", (reserve.debt for reserve in terms.reserves)),
        pairs("erc20/token.balanceOf", ((r.token.address, (r.deposit,)) for r in terms.reserves)),
        each("aave_v3/stable_token.getSupplyData", (reserve.stable for reserve in stable if reserve.stable)),
    )
    supplies = {reserve.id: row for reserve, row in zip(stable, loans, strict=True)}
    return Quote(
        at=None,
        states=tuple(
            _state(data[i], (deposits[i][0], debts[i][0], free[i][0]), supplies.get(reserve.id, (0, 0, 0, 0)))
            for i, reserve in enumerate(terms.reserves)
        ),
        prices=tuple(row[0] if row and row[0] > 0 else None for row in prices),
        pulses=tuple(feed.pulses(terms.feeds, rounds, caps).values()),
        can_borrow=True,
        can_liquidate=True,
    )


def _state(row: Sequence[Any], totals: tuple[int, int, int], stable: Sequence[int]) -> State:
    deposits, debts, free = totals
    principal, _, average, updated = stable
    return State(
        index=Ray(row[1]),
        rate=Ray(row[3]),
        debt_index=Ray(row[2]),
        debt_rate=Ray(row[4]),
        updated=row[6],
        deposits=deposits,
        debts=debts,
        treasury=0,  # minted at once, not when somebody asks for it
        unbacked=Raw(0),
        deficit=Raw(0),
        isolated=0,
        free=Raw(free),
        stable_principal=Raw(principal),
        stable_rate=Ray(average),
        stable_updated=updated,
        income=Ray(row[1]),
        owed=Ray(row[2]),
    )
