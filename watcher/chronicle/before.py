"""What the position one block before says of its liquidation: health, the price that triggered it, what would have saved it. Pure."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter import Liquidated, Position, Price, Which
from watcher.chronicle.case import Before, Saving, Trigger, Unknown
from watcher.health.liquidation_price import DOUBLINGS, liquidation_price
from watcher.health.mover import Mover, movers
from watcher.health.target import remedies
from watcher.health.walk import Goal, Miss, Walk, first, revalued
from watcher.model import BlockRef, Moment, Side, Token, Valuation
from watcher.units import WAD, Wad

LINE: Final = Wad(WAD)  # health 1
Held: TypeAlias = Position[Any, Any, Any]


def before(position: Held, block: BlockRef, told: Liquidated, debt: Token, later: Held | Unknown) -> Before:
    """The position at the end of `block`, the one before the liquidation's; `later` is the same holding in the liquidation's own block.

    Raises what `value` raises: then nothing about it is known.
    """
    seen = position.value()
    return Before(
        block=block,
        health=seen.health,
        liquidatable=seen.liquidatable,
        blocked=seen.blocked,
        trigger=trigger(position, seen, told.collateral, later),
        saving=saving(position, seen, debt, later),
    )


def foreseen(position: Held, prices: tuple[Price, ...], at: Moment) -> Held:
    """The same holding at a later moment under that moment's prices, nobody else having acted in between.

    Raises `AnswerError` where the terms cannot tell the interest until then.
    """
    of, terms = position.adapter, position.terms
    accrued = of.accrue(terms, position.quote, at, Which.ALL)
    known = {price.token.address for price in of.prices(terms, position.quote)}
    answers = {p.token.address: p.answer for p in prices if p.answer is not None and p.token.address in known}
    return Position(of, terms, of.reprice(terms, accrued, answers), position.holding)


def trigger(position: Held, seen: Valuation, collateral: ChecksumAddress, later: Held | Unknown) -> Trigger:
    """For a position that is healthy its liquidation price; for one that is below the line already, where on the way the line was.

    Where an e-mode prices its assets together, the price is the e-mode's.
    """
    mover = _mover(position, collateral)
    asset = collateral if mover is None else mover.price.token.address
    price = _price(position, asset)
    held = None if isinstance(later, Unknown) else _price(later, asset).answer
    if mover is None:
        return Trigger(price, None, price.answer, held, "its price alone does not move this position")
    if not seen.liquidatable:
        found = liquidation_price(position, mover)
        return Trigger(price, found.answer, price.answer, held, found.reason)
    passed = _passed(position, mover)
    if isinstance(passed, Miss):
        return Trigger(price, None, price.answer, held, passed.reason, known=not passed.budget_spent)
    return Trigger(price, passed, price.answer, held)


def _price(position: Held, asset: ChecksumAddress) -> Price:
    return next(one for one in position.adapter.prices(position.terms, position.quote) if one.token.address == asset)


def _mover(position: Held, collateral: ChecksumAddress) -> Mover | None:
    """The price that moves what was seized, unless it moves a debt as much."""
    for mover in movers(position):
        if any(leg.token.address == collateral and leg.side is Side.COLLATERAL for leg in mover.legs):
            return mover if mover.slope else None
    return None


def _passed(position: Held, mover: Mover) -> int | Miss:
    """Back from the present answer of a liquidatable position towards health: the last answer before the first healthy one."""
    way = 1 if mover.slope > 0 else -1

    def at(step: int) -> Valuation:
        return revalued(position, {mover.price.token.address: mover.answer + way * step})

    last = (mover.answer << DOUBLINGS) - mover.answer if way > 0 else mover.answer - 1
    for doublings in range(1, DOUBLINGS if way > 0 else 0):
        step = (mover.answer << doublings) - mover.answer
        if not at(step).liquidatable:
            last = step
            break
    found = first(Walk(at, last, position.adapter.truncates(position.terms), {}), Goal(LINE))
    if isinstance(found, Miss):
        return found if found.budget_spent else Miss("no price of it alone would have been enough")
    return mover.answer + way * (found - 1)


def saving(position: Held, seen: Valuation, debt: Token, later: Held | Unknown) -> Saving:
    """The smallest repayment of `debt` that leaves health at 1 or above: then the contract does not liquidate.

    Of the position as it stood one block before, if it was below the line there; else as `later` foresees it.
    """
    if seen.liquidatable:
        return _repayment(position, debt, foreseen=False)
    if isinstance(later, Unknown):
        return Saving(debt, None, True, later.reason, known=False)
    if not later.value().liquidatable:
        reason = "it was below the line neither before its block nor by the prices at its end: they moved within it"
        return Saving(debt, None, True, reason, known=False)
    return _repayment(later, debt, foreseen=True)


def _repayment(position: Held, debt: Token, *, foreseen: bool) -> Saving:
    for remedy in remedies(position, LINE):
        if remedy.token.address == debt.address and remedy.side is Side.DEBT:
            return Saving(debt, remedy.amount, foreseen, remedy.reason)
    return Saving(debt, None, foreseen, f"no {debt.symbol} was owed one block before")
