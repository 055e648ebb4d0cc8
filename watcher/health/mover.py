"""Which prices move a position, and which way each of them is dangerous."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.adapter import H, Position, Price, Q, T
from watcher.health.walk import Part, parts, revalued
from watcher.model import Leg, Side, Valuation


@dataclass(frozen=True, slots=True)
class Mover:
    """One usable price and the legs that count towards health and move with it."""

    price: Price
    answer: int  # the present one
    legs: tuple[Leg, ...]
    slope: int  # of weighted collateral less debt, in any positive unit: above zero, a fall is dangerous; below, a rise

    def on(self, side: Side) -> bool:
        return any(leg.side is side for leg in self.legs)


def movers(position: Position[T, Q, H]) -> tuple[Mover, ...]:
    """Found by trying: the legs that differ under half the answer, and the legs in the asset itself, however small.

    So an asset whose price the contract takes from elsewhere (an e-mode with a source of its own) is told apart without looking into
    the adapter.
    """
    present = position.value()
    found = []
    for price in position.adapter.prices(position.terms, position.quote):
        if price.answer is None:
            continue
        moved = _moved(present, revalued(position, {price.token.address: price.answer // 2 or 2}))
        legs = tuple(
            leg
            for leg in present.legs
            if leg.side is not Side.DEPOSIT
            and (leg.token.address == price.token.address or (leg.token.address, leg.side) in moved)
        )
        if legs:
            found.append(Mover(price, price.answer, legs, _slope(legs, present.scale)))
    return tuple(found)


def _moved(before: Valuation, after: Valuation) -> frozenset[Part]:
    old, new = parts(before), parts(after)
    return frozenset(part for part in old if old[part] != new[part])


def _slope(legs: tuple[Leg, ...], scale: int) -> int:
    """From raw amounts where all legs are one token, so that dust and near-cancellation keep their sign; else from values."""
    single = len({leg.token.address for leg in legs}) == 1
    total = 0
    for leg in legs:
        size = leg.amount if single else leg.value
        total += size * leg.threshold if leg.side is Side.COLLATERAL else -size * scale
    return total
