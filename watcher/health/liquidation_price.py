"""The price of one asset at which the contract would allow a liquidation, everything else as it is: an exact oracle answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watcher.adapter import H, Position, Price, Q, T
from watcher.health.mover import Mover, movers
from watcher.health.walk import Goal, Miss, Walk, first, revalued
from watcher.model import Side, Valuation

DOUBLINGS: Final = 32  # how far a rise is followed: four billion times the present answer


@dataclass(frozen=True, slots=True)
class LiquidationPrice:
    """`answer` is in `price.unit`, like the present answer, and equals it when the position is liquidatable now.

    None with a `reason` where no price does it, or where the first could not be proved.
    """

    price: Price
    answer: int | None
    reason: str | None = None


def liquidation_prices(position: Position[T, Q, H]) -> tuple[LiquidationPrice, ...]:
    """One for every price that moves the position's collateral or debt."""
    return tuple(liquidation_price(position, mover) for mover in movers(position))


def liquidation_price(position: Position[T, Q, H], mover: Mover) -> LiquidationPrice:
    """The first answer, going away from the present one, at which `Valuation.liquidatable` holds.

    The way gone is the one in which the untruncated margin worsens: down for collateral, up for debt, by the net effect for both.
    The contract's comparison is evaluated at the answer and found false at every answer passed on the way. An answer of 0 is no
    price, so a fall is followed to 1; a rise to 2**32 times the present.
    """
    present = position.value()
    if not any(leg.side is Side.DEBT for leg in present.legs):
        return LiquidationPrice(mover.price, None, "nothing is owed")
    if present.liquidatable:
        return LiquidationPrice(mover.price, mover.answer, "liquidatable at the present price")
    if mover.slope == 0:
        return LiquidationPrice(mover.price, None, "its price moves collateral and debt alike")
    way = -1 if mover.slope > 0 else 1

    def at(step: int) -> Valuation:
        return revalued(position, {mover.price.token.address: mover.answer + way * step})

    last = mover.answer - 1 if way < 0 else _rise(position, mover)
    found = first(Walk(at, last, position.adapter.truncates(position.terms), {}), Goal())
    if isinstance(found, Miss):
        reason = found.reason if found.budget_spent else _never(way)
        return LiquidationPrice(mover.price, None, reason)
    return LiquidationPrice(mover.price, mover.answer + way * found)


def _rise(position: Position[T, Q, H], mover: Mover) -> int:
    """The steps up to the first doubling at which the position is liquidatable, else to the last doubling."""
    for doublings in range(1, DOUBLINGS):
        answer = mover.answer << doublings
        if revalued(position, {mover.price.token.address: answer}).liquidatable:
            return answer - mover.answer
    return (mover.answer << DOUBLINGS) - mover.answer


def _never(way: int) -> str:
    return "no fall does it, down to the smallest price" if way < 0 else f"no rise does it, up to 2**{DOUBLINGS} times"
