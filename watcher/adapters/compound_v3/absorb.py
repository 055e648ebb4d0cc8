"""Absorption: one that could be, and those that were. Comet liquidates whole accounts, on its own account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Beside, Event, Liquidated, Liquidation, LogQuery, Refusal
from watcher.adapters.compound_v3.facts import ABSORB, Asset, Holding, Quote, Terms
from watcher.adapters.compound_v3.worth import BASE, entries, price_at, value
from watcher.formula.comet import Absorbed, Seized, absorbed, quoted
from watcher.model import Blocked, PositionKey
from watcher.units import WAD, Raw, mul_div_up

DEBT: Final = "compound_v3/comet.AbsorbDebt"
COLLATERAL: Final = "compound_v3/comet.AbsorbCollateral"


def liquidation(
    terms: Terms, quote: Quote, holding: Holding, debt: ChecksumAddress, collateral: ChecksumAddress
) -> Liquidation | Refusal:
    """`Comet.absorb`: all or nothing, so every pair of an account is the same call and only says whose amount is `seize`.

    The reserves pay the debt and keep all collateral; what it is worth by its liquidation factors beyond the debt stays with the
    borrower as a deposit of base. `bonus` is what the reserves gain at the feeds' prices, below zero where the debt is worth more.
    Raises `MissingPrice` where any price of the account is missing: `absorb` reads them all.
    """
    if debt != terms.base.address:
        return Refusal(f"{terms.market.name} lends {terms.base.symbol} only")
    held = {terms.assets[place].token.address: (terms.assets[place], amount) for place, amount in holding.balances}
    if collateral not in held:
        return Refusal("the account holds none of this collateral")
    if not value(terms, quote, holding).liquidatable:
        return Refusal("NotLiquidatable")
    done = absorption(terms, quote, holding)
    asset, amount = held.pop(collateral)
    price = price_at(quote, BASE, terms.base)
    return Liquidation(
        debt=terms.base,
        collateral=asset.token,
        repay=Raw(done.paid - done.credit),
        seize=Raw(amount),
        fee=Raw(0),
        incentive=_incentive(asset),
        bonus=sum(done.values) - quoted(done.paid, price, terms.base_scale),
        unit=terms.unit,
        deficit=Raw(done.shortfall),
        blocked=Blocked.PAUSED if quote.stops(ABSORB) else None,
        along=tuple((one.token, Raw(balance)) for one, balance in held.values()),
        credit=Raw(done.credit),
        absorbed=True,
    )


def absorption(terms: Terms, quote: Quote, holding: Holding) -> Absorbed:
    """`absorbInternal` on an accrued quote; `MissingPrice` for the first price that it lacks."""
    seized = [
        Seized(
            entry.amount,
            entry.asset.scale,
            price_at(quote, entry.asset.place, entry.asset.token),
            entry.asset.liquidation,
        )
        for entry in entries(terms, quote, holding)
    ]
    price = price_at(quote, BASE, terms.base)
    return absorbed(holding.principal, quote.totals, price, terms.base_scale, seized)


def _incentive(asset: Asset) -> int:
    """What is taken for each unit of debt that it pays, a wad; 0 for a collateral that its owner is credited nothing for."""
    return WAD * WAD // asset.liquidation if asset.liquidation else 0


def liquidations(terms: Terms) -> LogQuery[Liquidated]:
    """One per AbsorbDebt: `repay` is all that the reserves paid, a credit to the borrower included. What was seized is beside it."""

    def read(event: Event) -> Liquidated:
        absorber, borrower, paid, _ = event.args
        return Liquidated(
            key=PositionKey(terms.market.name, bytes.fromhex(borrower[2:])),
            liquidator=absorber,
            debt=terms.base.address,
            collateral=terms.base.address,
            repay=Raw(paid),
            taken=Raw(0),
            fee=None,
            written_off=None,
            absorbed=True,
        )

    return LogQuery((terms.market.address,), (DEBT,), read)


def logs(terms: Terms, keys: Sequence[PositionKey]) -> LogQuery[Event]:
    """What was seized; the borrower is in the second topic."""
    topics = tuple(bytes(12) + key.key for key in keys)
    return LogQuery((terms.market.address,), (COLLATERAL,), lambda event: event, (None, topics))


def settle(terms: Terms, called: Sequence[tuple[Event, Liquidated]], beside: Sequence[Event]) -> tuple[Liquidated, ...]:
    """Each absorption with the collateral logged between the one before it and its own, which Comet emits last.

    The collateral named is the one worth most at the prices of the log, the others are `along`; none for an account that had none.
    What was paid beyond the worth of all of them is written off, in base by the worth of what was paid, rounded up.
    """
    found, begin = [], -1
    for event, one in called:
        borrower = to_checksum_address(one.key.key)
        own = [log for log in beside if begin < log.index < event.index and log.args[1] == borrower]
        begin = event.index
        found.append(_settled(event, one, sorted(own, key=lambda log: -log.args[4])))
    return tuple(found)


def _settled(event: Event, one: Liquidated, seized: Sequence[Event]) -> Liquidated:
    _, _, paid, worth = event.args
    missing = max(0, worth - sum(log.args[4] for log in seized))
    lost = Raw(mul_div_up(missing, paid, worth)) if missing else Raw(0)
    written = ((one.debt, lost),) if lost else ()
    if not seized:
        return replace(one, fee=Raw(0), written_off=written)
    first, *rest = ((log.args[2], Raw(log.args[3])) for log in seized)
    return replace(one, collateral=first[0], taken=first[1], fee=Raw(0), written_off=written, along=tuple(rest))


BESIDE: Final = Beside(logs, settle)
