"""What is repaid of VAI: `getVAICalculateRepayAmount` splits it into what is burnt and interest, and each part is rounded down."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.adapters.venus.account import minted
from watcher.adapters.venus.facts import Minted, Quote
from watcher.formula.compound.exponential import times
from watcher.formula.compound.liquidation import Seizure
from watcher.units import WAD, checked, mul_div_down


@dataclass(frozen=True, slots=True)
class Parts:
    """`burnt` and `interest` are taken from the payer; of the interest, `past` was already in the amount stored."""

    burnt: int
    interest: int
    past: int

    @property
    def paid(self) -> int:
        return self.burnt + self.interest


def parts(quote: Quote, vai: Minted, amount: int) -> Parts:
    """Of a repayment of up to `amount`, on these books."""
    total = minted(quote, vai)
    interest = checked(vai.past + checked(total - vai.amount))
    principal = checked(total - interest)
    if amount >= total:
        return Parts(principal, interest, vai.past)
    share = mul_div_down(amount, WAD, total)
    return Parts(times(share, principal), times(share, interest), times(share, vai.past))


def after(quote: Quote, vai: Minted, done: Parts) -> Minted | None:
    """What is still owed. The index is not touched: interest on what is left counts from where it did (`repayVAIFresh`)."""
    left = checked(vai.amount - done.burnt - done.past)
    return Minted(left, checked(vai.past - done.past), vai.index, vai.forced) if left else None


def repaid(quote: Quote, vai: Minted, ratio: int, most: int, held: int) -> Seizure | None:
    """The largest liquidation up to `most` whose seizure is not more than the `held` vTokens; `repay` is what is really paid.

    What is paid only rises with the amount named, so the largest is found by halving.
    """

    def tried(amount: int) -> Seizure:
        paid = parts(quote, vai, amount).paid
        return Seizure(paid, ratio, times(ratio, paid), 0)

    if tried(most).tokens <= held:
        return tried(most)
    fits, over = 0, most
    while over - fits > 1:
        middle = (fits + over) // 2
        fits, over = (middle, over) if tried(middle).tokens <= held else (fits, middle)
    return tried(fits)
