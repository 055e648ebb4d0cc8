"""The largest liquidation that the contract would carry out on a position now."""

from __future__ import annotations

from eth_typing import ChecksumAddress

from watcher.adapter import H, Liquidation, Position, Q, Refusal, T, Whole
from watcher.model import Leg, Side


def largest(position: Position[T, Q, H]) -> Liquidation | Refusal:
    """Over every pair of a debt and a collateral: the one that repays the most value; among equals the one with the larger bonus.

    What cannot be done now for a reason of its own (`blocked`) comes after all that can. The refusal of the first pair where every
    pair is refused.
    """
    present = position.value()
    owed = [leg for leg in present.legs if leg.side is Side.DEBT]
    held = [leg for leg in present.legs if leg.side is Side.COLLATERAL]
    if not owed:
        return Refusal("nothing is owed")
    if not held:
        return Refusal("there is no collateral to seize")
    tried = [(debt, _pair(position, debt, collateral)) for debt in owed for collateral in held]
    done = [(debt, answer) for debt, answer in tried if isinstance(answer, Liquidation)]
    if not done:
        return next(answer for _, answer in tried if isinstance(answer, Refusal))
    _, best = max(done, key=lambda pair: _size(*pair))
    return best


def earliest(position: Position[T, Q, H]) -> tuple[tuple[ChecksumAddress, Liquidation | Refusal], ...]:
    """What each contract of the position's early lines would take now, the first line first."""
    of = position.adapter
    if of.early is None:
        return ()
    contracts = [line.contract for line in position.value().early]
    return tuple((one, of.early(position.terms, position.quote, position.holding, one)) for one in contracts)


def wholly(position: Position[T, Q, H]) -> tuple[Whole, ...]:
    """Every way to liquidate the whole account in one call now; nothing where its protocol has none."""
    of = position.adapter
    if of.whole is None or position.value().health is None:
        return ()
    found = of.whole(position.terms, position.quote, position.holding)
    return () if isinstance(found, Refusal) else found


def _pair(position: Position[T, Q, H], debt: Leg, collateral: Leg) -> Liquidation | Refusal:
    return position.adapter.liquidation(
        position.terms, position.quote, position.holding, debt.token.address, collateral.token.address
    )


def _size(debt: Leg, answer: Liquidation) -> tuple[bool, int, int]:
    return answer.blocked is None, answer.repay * debt.value // debt.amount, answer.bonus
