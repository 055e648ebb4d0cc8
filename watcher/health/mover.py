"""Which prices move a position, and which way each of them is dangerous."""

from __future__ import annotations

from dataclasses import dataclass

from eth_typing import ChecksumAddress

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
    """Found by trying other answers, so that an asset whose price the contract takes from elsewhere (an e-mode's own source) is told
    apart without looking into the adapter: half the answer, and where that shows nothing, as with dust, a billion times it.
    """
    present = position.value()
    found = []
    for price in position.adapter.prices(position.terms, position.quote):
        if price.answer is None:
            continue
        moved = _moved(position, present, price.token.address, price.answer // 2 or 2)
        if not moved and any(leg.token.address == price.token.address for leg in present.legs):
            moved = _moved(position, present, price.token.address, price.answer << 30)
        legs = tuple(leg for leg in present.legs if (leg.token.address, leg.side) in moved)
        if legs:
            found.append(Mover(price, price.answer, legs, _slope(legs, present.scale)))
    return tuple(found)


def _moved(position: Position[T, Q, H], present: Valuation, asset: ChecksumAddress, answer: int) -> frozenset[Part]:
    old, new = parts(present), parts(revalued(position, {asset: answer}))
    return frozenset(part for part in old if old[part] != new[part] and part[1] is not Side.DEPOSIT)


def _slope(legs: tuple[Leg, ...], scale: int) -> int:
    """From raw amounts where all legs are one token, so that dust and near-cancellation keep their sign; else from values."""
    single = len({leg.token.address for leg in legs}) == 1
    total = 0
    for leg in legs:
        size = leg.amount if single else leg.value
        total += size * leg.threshold if leg.side is Side.COLLATERAL else -size * scale
    return total
