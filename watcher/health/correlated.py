"""Assets that move together (staked forms of one coin): what their common fall does, and the ratio that matters instead of a price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from watcher.adapter import H, Position, Q, T
from watcher.health.fall import Fall, fall_of, within
from watcher.health.liquidation_price import liquidation_price
from watcher.health.mover import Mover, movers
from watcher.model import Leg, Side, Token, Valuation


@dataclass(frozen=True, slots=True)
class Group:
    """Declared in the configuration, by address and never by symbol."""

    name: str
    tokens: frozenset[ChecksumAddress]


@dataclass(frozen=True, slots=True)
class Ratio:
    """The price of `collateral` over that of `debt` at which the contract would allow a liquidation: `answer` over `under`.

    Both are whole answers of the oracle, `present` over `under` is the ratio now. Where the market prices collateral in the debt
    token itself (Morpho), `under` is one whole debt token in the price's unit.
    """

    collateral: Token
    debt: Token
    answer: int
    present: int
    under: int


@dataclass(frozen=True, slots=True)
class Correlated:
    """One group's part in a position. `closed`: all that counts on both sides is in the group, so that a price alone misleads."""

    group: Group
    fall: Fall
    closed: bool
    ratio: Ratio | None
    reason: str | None = None  # why there is no ratio, where the position is closed


def correlated(position: Position[T, Q, H], groups: Iterable[Group]) -> tuple[Correlated, ...]:
    """For every group that moves the position: its fall, and the liquidation ratio of a closed position with one asset on each side."""
    present = position.value()
    moved = movers(position)
    found = []
    for group in groups:
        inside = within(moved, group.tokens)
        if not inside:
            continue
        fall = fall_of(position, inside)
        if _inside(present, group):
            ratio = _ratio(position, present, inside)
            found.append(Correlated(group, fall, True, *((ratio, None) if isinstance(ratio, Ratio) else (None, ratio))))
        else:
            found.append(Correlated(group, fall, False, None))
    return tuple(found)


def _sides(valuation: Valuation) -> tuple[tuple[Leg, ...], tuple[Leg, ...]]:
    """The collateral and the debt that count."""
    held = tuple(leg for leg in valuation.legs if leg.side is Side.COLLATERAL and leg.threshold and leg.value)
    return held, tuple(leg for leg in valuation.legs if leg.side is Side.DEBT)


def closed(valuation: Valuation, groups: Iterable[Group]) -> Group | None:
    """The group that holds all collateral that counts and all debt, if one does."""
    return next((group for group in groups if _inside(valuation, group)), None)


def _inside(valuation: Valuation, group: Group) -> bool:
    held, owed = _sides(valuation)
    return bool(held and owed) and all(leg.token.address in group.tokens for leg in (*held, *owed))


def _ratio(position: Position[T, Q, H], present: Valuation, moved: tuple[Mover, ...]) -> Ratio | str:
    """The ratio, or why there is none."""
    held, owed = _sides(present)
    tokens = {leg.token.address for leg in owed}
    if len(held) > 1 or len(tokens) > 1:
        return "more than one asset on a side: see the group's fall"
    if held[0].token.address in tokens:
        return "the same asset on both sides: its price cannot part from itself"
    above = next((mover for mover in moved if held[0] in mover.legs), None)
    if above is None or above.on(Side.DEBT):
        return "one price stands for both sides"
    crossing = liquidation_price(position, above)
    if crossing.answer is None:
        return crossing.reason or "no price does it"
    below = next((mover.answer for mover in moved if owed[0] in mover.legs), None)
    if below is None:
        if above.price.unit.decimals < 0:
            return "one debt token is less than the price's unit"
        below = 10**above.price.unit.decimals
    return Ratio(held[0].token, owed[0].token, crossing.answer, above.answer, below)
