"""What positions are worth in US dollars, exactly, and what is missing from a sum: a total is never silently smaller than it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from watcher.cycle import Row
from watcher.model import DoubtKind, Side, Unit
from watcher.oracle.dollar import Rate, Rates
from watcher.portfolio.vaults import Deposit

NOTHING: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class Sum:
    """US dollars, exact, of what could be told: `supplied` is collateral and deposits. `missing` says what is not in it, a line each."""

    supplied: Fraction = NOTHING
    owed: Fraction = NOTHING
    missing: tuple[str, ...] = ()

    @property
    def net(self) -> Fraction:
        return self.supplied - self.owed


def total(sums: Iterable[Sum]) -> Sum:
    """All of them together."""
    known = tuple(sums)
    return Sum(
        sum((one.supplied for one in known), NOTHING),
        sum((one.owed for one in known), NOTHING),
        tuple(dict.fromkeys(line for one in known for line in one.missing)),
    )


def rate_of(row: Row, rates: Rates) -> Rate:
    """What one integer of the position's values is worth in US dollars."""
    seen, of = row.reading.valuation, row.position.adapter
    if seen is None:
        return Rate(None, reason=f"unknown: {row.reading.reason}")
    return rates.of(seen.unit, None if of.money is None else of.money(row.position.terms))


def worth(row: Row, rates: Rates) -> Sum:
    """One position at its market's own prices, brought to US dollars by `rates` where those are in something else.

    Collateral and debt are the contract's own sums; a deposit that protects nothing is added as its leg is valued.
    """
    seen, rate = row.reading.valuation, rate_of(row, rates)
    if seen is None or rate.each is None:
        return Sum(missing=(f"{row.market.name}: {rate.reason}",))
    idle = sum(leg.value for leg in seen.legs if leg.side is Side.DEPOSIT)
    unpriced = tuple(f"{row.market.name}: {doubt.text}" for doubt in seen.doubts if doubt.kind is DoubtKind.UNPRICED)
    return Sum((seen.collateral + idle) * rate.each, seen.debt * rate.each, unpriced)


def deposited(deposit: Deposit, rates: Rates) -> Sum:
    """Vault shares by what they convert to, at the US dollar feed of that asset."""
    name, share = f"vault {deposit.vault.symbol}", deposit.share
    if share is None:
        return Sum(missing=(f"{name}: it does not say what its shares convert to",))
    rate = rates.of(Unit(share.asset.symbol, share.asset.decimals), share.asset.address)
    if rate.each is None:
        return Sum(missing=(f"{name}: {rate.reason}",))
    return Sum(share.assets * rate.each)
