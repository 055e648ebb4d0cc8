"""How far several prices can fall together before the contract would allow a liquidation, in steps of a millionth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import H, Position, Q, T
from watcher.health.mover import Mover, movers
from watcher.health.walk import ROUNDING, Goal, Miss, Part, Walk, first, parts, revalued
from watcher.model import Side, Token, Valuation

STEPS: Final = 1_000_000  # a whole price


@dataclass(frozen=True, slots=True)
class Fall:
    """`steps` millionths off every price of `tokens`, 0 when liquidatable now; None with a `reason` where no fall does it."""

    tokens: tuple[Token, ...]
    steps: int | None
    reason: str | None = None


def fall(position: Position[T, Q, H]) -> Fall:
    """The fall of every price that moves collateral; an asset that is owed too takes its debt along."""
    return fall_of(position, tuple(mover for mover in movers(position) if mover.on(Side.COLLATERAL)))


def fall_of(position: Position[T, Q, H], moved: tuple[Mover, ...]) -> Fall:
    """The smallest k from 1 to 1,000,000 at which the position is liquidatable with every price at ⌊answer·(1e6 − k) / 1e6⌋.

    It is so at k and not so at any smaller step, both by `value`. A fall is followed as far as every price is at least 1, since 0 is
    no price.
    """
    tokens = tuple(mover.price.token for mover in moved)
    present = position.value()
    if not any(leg.side is Side.DEBT for leg in present.legs):
        return Fall(tokens, None, "nothing is owed")
    if present.liquidatable:
        return Fall(tokens, 0, "liquidatable at the present prices")
    if not moved:
        return Fall(tokens, None, "none of these prices moves the position")
    answers = {mover.price.token.address: mover.answer for mover in moved}
    found = crossing(position, answers, 0, farthest(answers))
    if isinstance(found, Miss):
        return Fall(tokens, None, found.reason if found.budget_spent else "no fall does it before a price would be 0")
    return Fall(tokens, found)


def farthest(answers: Mapping[ChecksumAddress, int]) -> int:
    """The last step at which each of these prices is at least 1."""
    return STEPS - -(-STEPS // min(answers.values()))


def crossing(position: Position[T, Q, H], answers: Mapping[ChecksumAddress, int], near: int, far: int) -> int | Miss:
    """The first step from `near` to `far` at which the position is liquidatable, with these prices fallen: proved by `value`.

    That it is not so before `near` is for the caller to know.
    """

    def at(steps: int) -> Valuation:
        return revalued(position, fallen(answers, near + steps))

    grain = _grain(position, position.value(), answers)
    found = first(Walk(at, far - near, position.adapter.truncates(position.terms), grain), Goal())
    return found if isinstance(found, Miss) else near + found


def fallen(answers: Mapping[ChecksumAddress, int], steps: int) -> dict[ChecksumAddress, int]:
    """Every answer less `steps` millionths of it, rounded down."""
    return {asset: answer * (STEPS - steps) // STEPS for asset, answer in answers.items()}


def within(moved: Iterable[Mover], tokens: frozenset[ChecksumAddress]) -> tuple[Mover, ...]:
    """Those of the movers whose price, or whose legs, are among `tokens`."""
    return tuple(
        mover
        for mover in moved
        if mover.price.token.address in tokens or any(leg.token.address in tokens for leg in mover.legs)
    )


def _grain(
    position: Position[T, Q, H], present: Valuation, answers: Mapping[ChecksumAddress, int]
) -> Mapping[Part, int]:
    """A floored price is less than one unit off its line, and moves a leg by what one unit of price is worth to it; both round.

    That unit is taken off the answer where something is left: one more could leave 256 bits.
    """
    beside = {asset: answer - 1 if answer > 1 else answer + 1 for asset, answer in answers.items()}
    old, new = parts(present), parts(revalued(position, beside))
    return {part: abs(new[part] - value) + 2 * ROUNDING for part, value in old.items()}
