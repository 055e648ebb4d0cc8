"""A Comet as its contracts: base, implementation, base's feed, governor, and what cannot be told of it."""

from __future__ import annotations

from watcher.adapter import Makeup
from watcher.adapters.compound_v3.currency import UNTOLD
from watcher.adapters.compound_v3.facts import Terms


def makeup(terms: Terms) -> Makeup:
    """The code behind the proxy says the rules; there is no version that a contract would answer."""
    contracts = (
        ("base token", terms.base.address),
        ("base feed", terms.base_feed.source),
        ("governor", terms.governor),
        *((("implementation", terms.implementation),) if terms.implementation else ()),
    )
    limits = ["base sent by somebody who borrows it for that is in no log: a followed market learns of it late"]
    if terms.unit.symbol == UNTOLD:
        limits.append("neither base's feed nor the others say what prices count in")
    count = f"{len(terms.assets)} collaterals"
    return Makeup(f"Comet {terms.base.symbol}, {count}, prices in {terms.unit.symbol}", contracts, tuple(limits))
