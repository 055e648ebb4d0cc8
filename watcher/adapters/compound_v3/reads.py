"""Questions about a Comet's state: its quote, holdings in it, and its own verdict for the audit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Reported, Shares, Which
from watcher.adapters.compound_v3.facts import Holding, Quote, Terms
from watcher.adapters.compound_v3.terms import COMET
from watcher.errors import CallReverted
from watcher.formula.comet import Totals, owed_value
from watcher.model import PositionKey
from watcher.oracle.feed import NOBODY, pulses, reads
from watcher.query import Call, Outcome, Query, Script, ask, one, pairs

HIGH: Final = 16  # assets from this place on are kept in `_reserved`
PER_SCRIPT: Final = 40  # positions in one simulated transaction: each may read two dozen feeds


def quote(terms: Terms) -> Query[Quote]:
    """One round trip. Comet takes an answer above zero, whatever its age; a feed that gives none costs its token the price."""
    comet, feeds = terms.market.address, [*(asset.feed for asset in terms.assets), terms.base_feed]
    basics, held, cash, answers, *beats = yield from ask(
        one(f"{COMET}.totalsBasic", comet),
        one(f"{COMET}.totalsCollateral", comet, [(asset.token.address,) for asset in terms.assets]),
        one("erc20/token.balanceOf", terms.base.address, [(comet,)]),
        pairs("chainlink/feed.latestRoundData", [(feed.source, ()) for feed in feeds], optional=True),
        *reads(feeds),
    )
    supply_index, borrow_index, _, _, supplied, borrowed, updated, paused = basics[0][0]
    beating = pulses(feeds, *beats)
    return Quote(
        totals=Totals(supplied, borrowed, supply_index, borrow_index),
        updated=updated,
        paused=paused,
        prices=tuple(row[1] if row and row[1] > 0 else None for row in answers),
        pulses=tuple(beating[feed.source] for feed in feeds),
        collateral=tuple(row[0] for row in held),
        cash=cash[0][0],
    )


def holdings(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Holding]]:
    """Principals and the lists of assets first, then only the balances that are listed: two round trips for any number of positions."""
    if not keys:
        return {}
    users = yield from _users(terms, keys)
    wanted = [(key, asset) for key in keys for asset in terms.assets if users[key][1] >> asset.place & 1]
    rows: Sequence[Any] = ()
    if wanted:
        args = [(_owner(key.key), asset.token.address) for key, asset in wanted]
        (rows,) = yield from ask(one(f"{COMET}.userCollateral", terms.market.address, args))
    found: dict[PositionKey, list[tuple[int, int]]] = {key: [] for key in keys}
    for (key, asset), row in zip(wanted, rows, strict=True):
        found[key].append((asset.place, row[0]))
    return {key: Holding(key, *users[key], tuple(found[key])) for key in keys}


def _users(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, tuple[int, int]]]:
    """Principal and entered assets, as two integers."""
    (rows,) = yield from ask(one(f"{COMET}.userBasic", terms.market.address, [(_owner(key.key),) for key in keys]))
    return {key: (row[0], row[3] | row[4] << HIGH) for key, row in zip(keys, rows, strict=True)}


def positions(terms: Terms, owners: Sequence[ChecksumAddress]) -> Query[tuple[PositionKey, ...]]:
    """The owners who lend, owe or hold collateral in this Comet."""
    if not owners:
        return ()
    users = yield from _users(terms, [PositionKey(terms.market.name, bytes.fromhex(owner[2:])) for owner in owners])
    return tuple(key for key, user in users.items() if any(user))


def reported(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Reported]]:
    """`isLiquidatable` and `borrowBalanceOf` behind a simulated `accrueAccount`, so that both are what `absorb` would see.

    By itself `isLiquidatable` looks at stored indices. Where it reverts, for want of a price, the contract reports the debt alone.
    """
    if not keys:
        return {}
    parts = [keys[start : start + PER_SCRIPT] for start in range(0, len(keys), PER_SCRIPT)]
    answers = yield from ask(*(_simulation(terms, part) for part in parts))
    found: dict[PositionKey, Reported] = {}
    for part, (accrued, price, *outcomes) in zip(parts, answers, strict=True):
        if accrued.row is None:
            raise CallReverted(f"{COMET}.accrueAccount at {terms.market.address}", accrued.revert)
        judged, owed = outcomes[: len(part)], outcomes[len(part) :]
        for key, verdict, debt in zip(part, judged, owed, strict=True):
            found[key] = Reported(key, Which.ALL, _figures(terms, price, verdict, debt))
    return found


def _simulation(terms: Terms, keys: Sequence[PositionKey]) -> Script:
    comet, owners = terms.market.address, [_owner(key.key) for key in keys]
    return Script(
        (
            Call(f"{COMET}.accrueAccount", comet, (NOBODY,)),
            Call(f"{COMET}.getPrice", comet, (terms.base_feed.source,)),
            *(Call(f"{COMET}.isLiquidatable", comet, (owner,)) for owner in owners),
            *(Call(f"{COMET}.borrowBalanceOf", comet, (owner,)) for owner in owners),
        )
    )


def _figures(terms: Terms, price: Outcome, verdict: Outcome, debt: Outcome) -> dict[str, int | bool | None]:
    figures: dict[str, int | bool | None] = {}
    if verdict.row is not None:
        figures["liquidatable"] = verdict.row[0]
    if debt.row is not None and (price.row is not None or not debt.row[0]):
        figures["debt"] = owed_value(debt.row[0], price.row[0] if price.row else 0, terms.base_scale)
    return figures


def totals(terms: Terms, quote: Quote) -> Shares:
    """Principals of base, and raw collateral. Debts and collateral add up exactly; what rounding takes from a deposit its total keeps."""
    base = terms.base.address
    held = {asset.token.address: amount for asset, amount in zip(terms.assets, quote.collateral, strict=True)}
    return Shares({base: quote.totals.borrowed}, {base: quote.totals.supplied, **held})


def shares(terms: Terms, holding: Holding) -> Shares:
    base = terms.base.address
    held = {terms.assets[place].token.address: amount for place, amount in holding.balances}
    if holding.principal > 0:
        held[base] = holding.principal
    return Shares({base: -holding.principal} if holding.principal < 0 else {}, held)


@lru_cache(maxsize=1 << 16)
def _owner(key: bytes) -> ChecksumAddress:
    """A position of a Comet is an address. Its checksum costs a keccak, and the same come at every block."""
    return to_checksum_address(key)
