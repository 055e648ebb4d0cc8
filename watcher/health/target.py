"""The smallest repayment or deposit, per held asset, that lifts a position to a wanted health factor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from watcher.adapter import H, Position, Q, Refusal, Repay, Supply, T
from watcher.errors import AnswerError, MissingPrice
from watcher.health.walk import Goal, Miss, Walk, first
from watcher.model import Leg, Side, Token, Valuation
from watcher.units import Raw, Wad

DOUBLINGS: Final = 96  # how far a deposit is followed beyond a millionth of what is held
COARSE: Final = 100  # raw units that one scaled unit may be worth, generously


@dataclass(frozen=True, slots=True)
class Remedy:
    """Repay (`side` is debt) or deposit (collateral) `amount` raw units of `token`; `after` is the position then.

    The health is reached with `amount` and not with one raw unit less. `amount` is 0 where it is reached already, None with a
    `reason` where this asset alone cannot do it.
    """

    token: Token
    side: Side
    amount: Raw | None
    after: Valuation | None
    reason: str | None = None


def remedies(position: Position[T, Q, H], health: Wad) -> tuple[Remedy, ...]:
    """One for every asset owed and every collateral held, each alone; nothing where nothing is owed."""
    present = position.value()
    if present.health is None:
        return ()
    return tuple(_tried(position, present, leg, health) for leg in present.legs if leg.side is not Side.DEPOSIT)


def _tried(position: Position[T, Q, H], present: Valuation, leg: Leg, health: Wad) -> Remedy:
    """What this asset would take; where the contract's arithmetic or an incomplete reading ends the search, the reason."""
    try:
        return _remedy(position, present, leg, health)
    except (AnswerError, MissingPrice) as error:
        return Remedy(leg.token, leg.side, None, None, str(error))


def _remedy(position: Position[T, Q, H], present: Valuation, leg: Leg, health: Wad) -> Remedy:
    goal = Goal(health)
    if goal.reached(present):
        return Remedy(leg.token, leg.side, Raw(0), present)

    def tried(amount: int) -> Valuation | Refusal:
        return _after(position, leg, amount) if amount else present

    def at(amount: int) -> Valuation:
        after = tried(amount)  # refused only where it is too small to change anything
        return present if isinstance(after, Refusal) else after

    last = _enough(tried, goal, leg)
    if isinstance(last, str):
        return Remedy(leg.token, leg.side, None, None, last)
    grain = {(leg.token.address, leg.side): COARSE * (leg.value // max(1, leg.amount) + 2)}
    amount = first(Walk(at, last, position.adapter.truncates(position.terms), grain), goal)
    if isinstance(amount, Miss):
        return Remedy(leg.token, leg.side, None, None, amount.reason)
    return Remedy(leg.token, leg.side, Raw(amount), at(amount))


def _after(position: Position[T, Q, H], leg: Leg, amount: int) -> Valuation | Refusal:
    action = (Repay if leg.side is Side.DEBT else Supply)(leg.token.address, Raw(amount))
    acted = position.adapter.act(position.terms, position.quote, position.holding, action)
    if isinstance(acted, Refusal):
        return acted
    return position.adapter.value(position.terms, acted.quote, acted.holding)


def _enough(tried: Callable[[int], Valuation | Refusal], goal: Goal, leg: Leg) -> int | str:
    """An amount that is accepted and reaches the goal, or why there is none."""
    if leg.side is Side.DEBT:
        after = tried(leg.amount)
        if isinstance(after, Refusal):
            return after.reason
        return leg.amount if goal.reached(after) else "repaying all of it is not enough"
    if leg.threshold == 0:
        return "it does not count as collateral"
    accepted, amount, refusal = 0, max(1, leg.amount >> 20), ""
    for _ in range(DOUBLINGS):
        after = tried(amount)
        if isinstance(after, Refusal):
            refusal = after.reason
            if accepted:
                break
        elif goal.reached(after):
            return amount
        else:
            accepted = amount
        amount *= 2
    return _most(tried, goal, accepted, amount, refusal) if refusal else "no deposit is enough"


def _most(tried: Callable[[int], Valuation | Refusal], goal: Goal, accepted: int, refused: int, why: str) -> int | str:
    """The largest amount that the contract accepts, where that is enough."""
    while refused - accepted > 1:
        middle = (accepted + refused) // 2
        if isinstance(tried(middle), Refusal):
            refused = middle
        else:
            accepted = middle
    after = tried(accepted)
    return accepted if not isinstance(after, Refusal) and goal.reached(after) else why
