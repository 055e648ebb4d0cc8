"""A Morpho market as its contracts: its pair, its interest rate model, and what its oracle is made of."""

from __future__ import annotations

from watcher.adapter import Makeup
from watcher.adapters.morpho_blue.facts import Model, Terms
from watcher.oracle.feed import NOBODY

WORDS = {
    Model.NONE: "no interest",
    Model.ADAPTIVE: "adaptive-curve interest",
    Model.FIXED: "fixed-rate interest",
    Model.OTHER: "another interest model",
}


def makeup(terms: Terms) -> Makeup:
    """The pair and the kind of interest rate model, told by how it answers; model, oracle and both tokens."""
    collateral, loan, params = terms.collateral, terms.loan, terms.params
    pair = f"{collateral.symbol}/{loan.symbol}" if collateral is not None else f"idle {loan.symbol}"
    named = (("interest model", params.irm), ("oracle", params.oracle), ("loan token", params.loan))
    contracts = (*named, ("collateral token", params.collateral))
    limits = []
    if terms.model is Model.OTHER:
        limits.append("its interest cannot be foretold: health at a later time is unknown")
    if collateral is not None and not terms.sources:
        limits.append("an oracle of unknown make: its price is read, its path and age are not")
    return Makeup(
        f"Morpho Blue {pair}, {WORDS[terms.model]}",
        tuple((role, address) for role, address in contracts if address != NOBODY),
        tuple(limits),
    )
