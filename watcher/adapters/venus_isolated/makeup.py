"""An isolated pool as its contracts: what it lists, what prices it, and what of it can only be read."""

from __future__ import annotations

from watcher.adapter import Makeup
from watcher.adapters.venus_isolated.facts import Terms
from watcher.adapters.venus_isolated.rates import Kind


def makeup(terms: Terms) -> Makeup:
    """By the block or by the second, the oracle, and every vToken with its underlying and its interest model."""
    clocks = {vtoken.timed for vtoken in terms.vtokens}
    clock = "blocks and seconds" if len(clocks) == 2 else "seconds" if True in clocks else "blocks"
    contracts = [("oracle", terms.oracle)]
    limits = []
    for vtoken in terms.vtokens:
        symbol = vtoken.token.symbol
        contracts += [(f"{symbol} vToken", vtoken.address), (f"{symbol} interest model", vtoken.model.address)]
        contracts.append((symbol, vtoken.token.address))
        if vtoken.model.kind is Kind.OTHER:
            limits.append(f"the interest model of {symbol} is not known: its rate is read, what would change it is not")
        if vtoken.forced:
            limits.append(f"debts of {symbol} can be liquidated without a shortfall")
    return Makeup(f"Venus isolated pool, interest by {clock}", tuple(contracts), tuple(limits))
