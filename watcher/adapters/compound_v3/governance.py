"""How a Comet liquidates, and what governance can change: constants of the code behind the proxy, and the pauses."""

from __future__ import annotations

from typing import Final

from watcher.adapter import Change, Clause, Event, Governance, LogQuery, Measure, Rulebook, Setting, Weight
from watcher.adapters.compound_v3.facts import ABSORB, BUY, SUPPLY, TRANSFER, WITHDRAW, Asset, Quote, Terms
from watcher.adapters.compound_v3.logs import UPGRADED
from watcher.figures import exact
from watcher.oracle.feed import NOBODY
from watcher.units import WAD

COMET: Final = "Comet"
IMPLEMENTATION: Final = "implementation"
PAUSES: Final = {
    SUPPLY: "supply",
    TRANSFER: "transfer",
    WITHDRAW: "withdraw and borrow",
    ABSORB: "absorb",
    BUY: "buy collateral",
}


def rulebook(terms: Terms) -> Rulebook:
    """The clauses of Comet.absorb, with this market's numbers."""
    minimum = f"{exact(terms.minimum, terms.base.decimals)} {terms.base.symbol}"
    clauses = (
        Clause(
            "line",
            "liquidatable when collateral at its liquidation factors is below the debt with interest up to now; the contract's own view"
            " leaves out interest since the last action",
        ),
        Clause("close factor", "all or nothing: absorb takes all collateral and clears all debt"),
        Clause("dust", f"nobody may owe less than {minimum} after a borrow; interest and repayment may lead below"),
        Clause("bad debt", "reserves pay what the collateral does not reach"),
        Clause("bonus", "none to whoever calls; reserves keep what the collateral is worth beyond its credit"),
        Clause(
            "credit",
            "collateral counts at its absorption factor; what exceeds the debt stays with the borrower as base",
        ),
        Clause(
            "sale", f"absorbed collateral is sold for base at {_percent(terms.store_front)} of that penalty as discount"
        ),
        Clause("pause", "governor and guardian can pause supplies, transfers, withdrawals, absorptions and sales"),
        Clause(
            "price",
            "a feed's answer above zero is taken, however old; feeds of later collaterals are not read once the debt is covered",
        ),
        Clause("rules", "constants of the code behind the proxy: they change by an upgrade"),
    )
    return Rulebook(clauses, tuple(map(_weight, terms.assets)), WAD)


def _weight(asset: Asset) -> Weight:
    incentive = WAD * WAD // asset.liquidation if asset.liquidation else 0
    return Weight(asset.token, 0, asset.borrow, asset.liquidate, incentive, 0)


def _percent(wad: int) -> str:
    return f"{exact(100 * wad, 18)} %"


def stops(_: Terms, quote: Quote) -> tuple[str, ...]:
    """One line for each pause."""
    return tuple(f"{word} is paused" for action, word in PAUSES.items() if quote.stops(action))


def settings(terms: Terms) -> tuple[Setting, ...]:
    """Pauses are no part of the terms."""
    own: list[tuple[str, Measure, int | str]] = [
        (IMPLEMENTATION, Measure.ADDRESS, terms.implementation or NOBODY),
        ("governor", Measure.ADDRESS, terms.governor),
        ("base feed", Measure.ADDRESS, terms.base_feed.source),
        ("store front price factor", Measure.WAD, terms.store_front),
        ("least borrow in raw base", Measure.NUMBER, terms.minimum),
        ("target reserves in raw base", Measure.NUMBER, terms.target),
    ]
    for side, curve in (("supply", terms.supply), ("borrow", terms.borrow)):
        own.append((f"{side} kink", Measure.WAD, curve.kink))
        slopes = (("base", curve.base), ("slope below", curve.low), ("slope above", curve.high))
        own.extend((f"{side} rate, {name}, a second", Measure.NUMBER, value) for name, value in slopes)
    plain = (Setting(None, COMET, *one) for one in own)
    return (*plain, *(setting for asset in terms.assets for setting in _asset(asset)))


def _asset(asset: Asset) -> tuple[Setting, ...]:
    found: tuple[tuple[str, Measure, int | str], ...] = (
        ("price feed", Measure.ADDRESS, asset.feed.source),
        ("borrow collateral factor", Measure.WAD, asset.borrow),
        ("liquidation line", Measure.WAD, asset.liquidate),
        ("absorption factor", Measure.WAD, asset.liquidation),
        ("supply cap", Measure.TOKENS, asset.cap // asset.scale),
    )
    return tuple(Setting(asset.token.address, asset.token.symbol, *one) for one in found)


def changes(terms: Terms) -> tuple[LogQuery[tuple[Change, ...]], ...]:
    """An upgrade names the new code alone: what it changed is in the terms after it."""
    return (LogQuery((terms.market.address,), (UPGRADED, "compound_v3/comet.PauseAction"), _read),)


def _read(event: Event) -> tuple[Change, ...]:
    if event.name == UPGRADED:
        return (Change(Setting(None, COMET, IMPLEMENTATION, Measure.ADDRESS, event.args[0])),)
    return tuple(
        Change(Setting(None, COMET, f"{word} paused", Measure.SWITCH, int(flag)))
        for word, flag in zip(PAUSES.values(), event.args, strict=True)
    )


GOVERNED: Final = Governance(rulebook, stops, settings, changes)
