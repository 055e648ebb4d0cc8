"""What one liquidation repays and seizes (`liquidateBorrowAllowed`, `liquidateCalculateSeizeTokens`, `seizeInternal`)."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.formula.compound.exponential import Library, product, times
from watcher.units import MAX, WAD, mul_div_down


@dataclass(frozen=True, slots=True)
class Seizure:
    """`ratio` is a wad of cTokens per raw unit repaid; `tokens` leave the borrower, `protocol` of them go to the reserves."""

    repay: int
    ratio: int
    tokens: int
    protocol: int


def seize_ratio(library: Library, incentive: int, debt_price: int, price: int, rate: int) -> int | None:
    """cTokens seized per raw unit repaid, a wad: ⌊(incentive · debt price) · 1e18 / (price · exchange rate)⌋, each product rounded.

    None where the divisor is rounded to nothing: the contract reverts.
    """
    divisor = product(library, price, rate)
    return mul_div_down(product(library, incentive, debt_price), WAD, divisor) if divisor else None


def closable(close_factor: int, amount: int) -> int:
    """The most of a debt that one liquidation may repay: ⌊close factor · debt / 1e18⌋."""
    return times(close_factor, amount)


def largest(ratio: int, most: int, held: int, share: int) -> Seizure:
    """The largest repayment up to `most` whose seizure is not more than the `held` cTokens; `share` is the protocol's part, a wad.

    The contract reverts where more would be seized than there is.
    """
    covered = ((held + 1) * WAD - 1) // ratio if ratio else MAX
    repay = min(most, covered)
    tokens = times(ratio, repay)
    return Seizure(repay, ratio, tokens, times(share, tokens))
