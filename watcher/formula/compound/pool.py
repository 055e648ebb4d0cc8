"""One market's books: simple interest between two ticks, the exchange rate, what one account owes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from watcher.formula.compound.exponential import times
from watcher.units import WAD, checked, mul_div_down

HIGHEST_RATE: Final = (
    5 * 10**12
)  # wad per tick (`borrowRateMaxMantissa`): above it the market cannot be accrued, nor touched


@dataclass(frozen=True, slots=True)
class Pool:
    """What a cToken stores for everyone. `stamp` is the tick of its last accrual: a block number, or a timestamp in seconds.

    `cash`, `borrows` and `reserves` are raw underlying units, `supply` is in cTokens, `index` is a wad that grows from 1e18.
    """

    cash: int
    borrows: int
    reserves: int
    supply: int
    index: int
    stamp: int


def accrued(pool: Pool, rate: int, reserve_factor: int, tick: int) -> Pool:
    """`CToken.accrueInterest` at `tick`, in one step whatever the time since: `rate` is the model's answer for the stored books.

        factor = rate · (tick − stamp)      interest = ⌊factor · borrows / 1e18⌋
        borrows += interest    reserves += ⌊reserve factor · interest / 1e18⌋    index += ⌊factor · index / 1e18⌋

    `rate` is a wad per tick, `reserve_factor` a wad. A tick before the stamp is an `Overflow`: the contract reverts there.
    """
    elapsed = checked(tick - pool.stamp)
    if elapsed == 0:
        return pool
    factor = checked(rate * elapsed)
    interest = times(factor, pool.borrows)
    return replace(
        pool,
        borrows=checked(pool.borrows + interest),
        reserves=checked(pool.reserves + times(reserve_factor, interest)),
        index=checked(pool.index + times(factor, pool.index)),
        stamp=tick,
    )


def exchange_rate(pool: Pool, initial: int) -> int:
    """Underlying per cToken, a wad: ⌊(cash + borrows − reserves) · 1e18 / supply⌋, and `initial` where there are no cTokens.

    `CToken.exchangeRateStored` on these books. `Overflow` where the reserves exceed the rest: the contract errs.
    """
    if pool.supply == 0:
        return initial
    return mul_div_down(checked(checked(pool.cash + pool.borrows) - pool.reserves), WAD, pool.supply)


def owed(principal: int, interest_index: int, index: int) -> int:
    """⌊principal · index / interest index⌋, and nothing for a principal of 0 (`CToken.borrowBalanceStored`). Raw underlying units."""
    return mul_div_down(principal, index, interest_index) if principal else 0
