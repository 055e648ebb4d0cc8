"""A Venus pool as its contracts, and what of it cannot be told."""

from __future__ import annotations

from watcher.adapter import Makeup
from watcher.adapters.venus.facts import Terms


def makeup(terms: Terms) -> Makeup:
    """The contracts that the rules need, by role; rate models of another make than the known ones."""
    roles = (
        ("oracle", terms.oracle),
        ("oracle of borrowing power", terms.bounded),
        ("liquidator, the only one allowed", terms.liquidator),
        ("VAI controller", terms.vai.controller if terms.vai else None),
    )
    limits = [
        f"the rate model of {asset.token.symbol} is of another make: its rate is read, its curve is not known"
        for asset in terms.assets
        if asset.curve is None and asset.kinks is None
    ]
    return Makeup(
        f"Venus core pool, {len(terms.assets)} markets, {len(terms.categories)} e-mode pools",
        tuple((role, address) for role, address in roles if address is not None),
        tuple(limits),
    )
