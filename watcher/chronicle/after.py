"""What the end of its own block says of a liquidation: the liquidator's gain and the bad debt left, at the oracle's prices. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter import Liquidated, Position
from watcher.chronicle.case import Money
from watcher.errors import AnswerError
from watcher.model import Side, Token
from watcher.units import Raw

Debts: TypeAlias = Sequence[tuple[ChecksumAddress, Raw]]


def bad_debts(position: Position[Any, Any, Any], told: Liquidated, *, last: bool) -> Debts:
    """What the protocol wrote off; where it never does, what a borrower without collateral still owes after the `last` one of the block."""
    if told.written_off is not None:
        return told.written_off
    if not last:
        return ()
    legs = position.value().legs
    if any(leg.side is Side.COLLATERAL for leg in legs):
        return ()
    return tuple((leg.token.address, leg.amount) for leg in legs if leg.side is Side.DEBT)


def money(
    position: Position[Any, Any, Any], told: Liquidated, bad: Debts, tokens: Mapping[ChecksumAddress, Token]
) -> Money:
    """`position` is the borrower's at the end of the block, and its prices are used. Raises `MissingPrice`.

    The gain is what the liquidator received less what it paid, both as the contract rounds values; gas and swaps are not in it.
    """
    worth, terms, quote = position.adapter.worth, position.terms, position.quote
    if worth is None:
        raise AnswerError(f"{position.adapter.name} does not value single amounts")
    taken = ((told.received, told.taken), *told.along)
    gain = sum(worth(terms, quote, Side.COLLATERAL, token, amount) for token, amount in taken)
    paid = worth(terms, quote, Side.DEBT, told.debt, told.repay)
    return Money(
        unit=position.value().unit,
        bonus=gain - paid,
        bad=tuple((tokens[address], amount) for address, amount in bad),
        bad_value=sum(worth(terms, quote, Side.DEBT, address, amount) for address, amount in bad),
    )


def opened(position: Position[Any, Any, Any]) -> bool:
    """Whether the contract would have liquidated: below the line, and nothing in the way."""
    seen = position.value()
    return seen.liquidatable and seen.blocked is None
