"""How Morpho liquidates in one market, and the little that can change: fee on interest, its recipient, owner, what may be created."""

from __future__ import annotations

from typing import Final

from watcher.adapter import Change, Clause, Event, Governance, LogQuery, Measure, Rulebook, Setting, Weight
from watcher.adapters.morpho_blue.facts import Quote, Terms
from watcher.figures import exact
from watcher.formula.morpho import incentive
from watcher.units import WAD

MORPHO: Final = "Morpho"
MARKET: Final = "market"
FEE, RECIPIENT, OWNER = "fee on interest", "fee recipient", "owner"
PARAMS: Final = (  # of MarketParams, in the order of the ABI
    ("loan token", Measure.ADDRESS),
    ("collateral token", Measure.ADDRESS),
    ("oracle", Measure.ADDRESS),
    ("interest model", Measure.ADDRESS),
    ("liquidation loan-to-value", Measure.WAD),
)


def rulebook(terms: Terms) -> Rulebook:
    """The clauses of Morpho.liquidate, which are the same in every market and cannot change."""
    clauses = (
        Clause(
            "line",
            "liquidatable when the debt is above collateral at the oracle's price times LLTV; healthy at equality",
        ),
        Clause("close factor", "all of the debt in one call, or as much as the collateral buys"),
        Clause("dust", "no rule: a liquidation may leave any remainder"),
        Clause(
            "bad debt", "what is still owed when no collateral is left is written off at once, at the lenders' cost"
        ),
        Clause("bonus", "min(1.15, 1 / (1 - 0.3 · (1 - LLTV))), on what is repaid"),
        Clause("fee", "none on liquidations; the owner may take up to 25 % of the interest"),
        Clause("pause", "none: nobody can stop a liquidation, and there is neither a grace period nor a sentinel"),
        Clause(
            "price", "the oracle's answer is taken as it is, however old; where it reverts nobody can be liquidated"
        ),
        Clause(
            "pre-liquidation",
            "contracts that an account has authorised act on it from a line of their own on, below this one",
        ),
        Clause("rules", "collateral, oracle, interest model and LLTV of a market never change"),
    )
    if terms.collateral is None:
        return Rulebook((Clause("line", "an idle market: nothing can be borrowed"),), (), WAD)
    lltv = terms.params.lltv
    return Rulebook(clauses, (Weight(terms.collateral, 0, lltv, lltv, incentive(lltv), 0),), WAD)


def stops(_: Terms, __: Quote) -> tuple[str, ...]:
    """Nothing ever does."""
    return ()


def settings(terms: Terms) -> tuple[Setting, ...]:
    """What was fixed at creation, and the fee's recipient; the fee itself is no part of the terms."""
    row: tuple[int | str, ...] = terms.params.row()
    fixed = (Setting(None, MARKET, name, measure, value) for (name, measure), value in zip(PARAMS, row, strict=True))
    return (*fixed, Setting(None, MORPHO, RECIPIENT, Measure.ADDRESS, terms.fee_recipient))


def changes(terms: Terms) -> tuple[LogQuery[tuple[Change, ...]], ...]:
    """The market's own logs, and those of the whole contract."""
    own = tuple(f"morpho_blue/morpho.{name}" for name in ("CreateMarket", "SetFee"))
    whole = tuple(f"morpho_blue/morpho.{name}" for name in ("SetOwner", "SetFeeRecipient", "EnableIrm", "EnableLltv"))
    return (
        LogQuery((terms.market.address,), own, _own, ((terms.market.id,),)),
        LogQuery((terms.market.address,), whole, _whole),
    )


def _own(event: Event) -> tuple[Change, ...]:
    if event.name.endswith(".SetFee"):
        return (Change(Setting(None, MARKET, FEE, Measure.WAD, event.args[1])),)
    made = tuple(
        Change(Setting(None, MARKET, name, measure, value))
        for (name, measure), value in zip(PARAMS, event.args[1], strict=True)
    )
    return (*made, Change(Setting(None, MARKET, FEE, Measure.WAD, 0)))


def _whole(event: Event) -> tuple[Change, ...]:
    (value,) = event.args
    kind = event.name.partition(".")[2]
    if kind == "EnableLltv":
        return (Change(Setting(None, MORPHO, f"new markets: LLTV {exact(100 * value, 18)} %", Measure.SWITCH, 1), 0),)
    if kind == "EnableIrm":
        return (Change(Setting(None, MORPHO, f"new markets: interest model {value}", Measure.SWITCH, 1), 0),)
    return (Change(Setting(None, MORPHO, OWNER if kind == "SetOwner" else RECIPIENT, Measure.ADDRESS, value)),)


GOVERNED: Final = Governance(rulebook, stops, settings, changes)
