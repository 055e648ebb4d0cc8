"""Liquidations as an Aave V3 pool logged them. The pool's own log leaves out the protocol's fee and, from 3.3, the debt written off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Beside, Event, Liquidated, LogQuery
from watcher.adapters.aave_v3.facts import Quote, Terms
from watcher.adapters.aave_v3.seat import answered
from watcher.errors import AnswerError
from watcher.formula.aave import health
from watcher.formula.aave.version import Version
from watcher.model import PositionKey, Side
from watcher.oracle.feed import NOBODY
from watcher.units import Raw

CALL: Final = "aave_v3/pool.LiquidationCall"
DEFICIT: Final = "aave_v3/pool.DeficitCreated"
TRANSFER: Final = "aave_v3/token.Transfer"


def liquidations(terms: Terms) -> LogQuery[Liquidated]:
    """One per LiquidationCall, whose collateral is what the liquidator received: the protocol's fee is beside it."""

    def read(event: Event) -> Liquidated:
        collateral, debt, user, repaid, taken, liquidator, _ = event.args
        key = PositionKey(terms.market.name, bytes.fromhex(user[2:]))
        return Liquidated(key, liquidator, debt, collateral, Raw(repaid), Raw(taken), fee=None, written_off=None)

    return LogQuery((terms.market.address,), (CALL,), read)


def logs(terms: Terms, keys: Sequence[PositionKey]) -> LogQuery[Event]:
    """Debts written off, and aTokens that left the borrowers; both carry the borrower in their first topic."""
    addresses = (terms.market.address, *(reserve.deposit for reserve in terms.reserves))
    topics = tuple(bytes(12) + key.key for key in keys)
    return LogQuery(addresses, (DEFICIT, TRANSFER), lambda event: event, (topics,))


def settle(terms: Terms, called: Sequence[tuple[Event, Liquidated]], beside: Sequence[Event]) -> tuple[Liquidated, ...]:
    """Each liquidation with what its borrower's logs say between the one before it and its own, which the pool emits last.

    Until 3.2 nothing is ever written off. `AnswerError` where the aToken's transfers of the seizure are not there.
    """
    return tuple(_settled(terms, called, beside))


def _settled(terms: Terms, called: Sequence[tuple[Event, Liquidated]], beside: Sequence[Event]) -> Iterator[Liquidated]:
    since: dict[PositionKey, int] = {}
    for event, one in called:
        borrower, begin = to_checksum_address(one.key.key), since.get(one.key, -1)
        since[one.key] = event.index
        own = [log for log in beside if begin < log.index < event.index and log.args[0] == borrower]
        written = tuple((log.args[1], Raw(log.args[2])) for log in own if log.name == DEFICIT)
        receipt = _receipt(terms, one.collateral)
        left = [log for log in own if log.name == TRANSFER and log.address == receipt]
        yield replace(
            one,
            fee=_fee(one, left, kept=event.args[6]),
            written_off=written if terms.version >= Version.V3_3 or written else None,
        )


def _fee(one: Liquidated, left: Sequence[Event], *, kept: bool) -> Raw:
    """What went to the treasury, of the aTokens that left the borrower: it goes last, after the seizure, if there is a fee at all.

    The seizure is burnt (a transfer to nobody), or goes to the liquidator where the aTokens are `kept`. Where the interest since the
    account's last action exceeds what is burnt the token logs a Mint instead, and the fee is all that leaves.
    """
    if not left:
        return Raw(0)
    _, receiver, amount = left[-1].args
    seizure = (receiver, amount) == (one.liquidator, one.taken) if kept else receiver == NOBODY
    return Raw(0 if seizure else amount)


def _receipt(terms: Terms, token: ChecksumAddress) -> ChecksumAddress:
    reserve = terms.reserve(token)
    if reserve is None:
        raise AnswerError(f"{token} is no reserve of {terms.market.name} in these terms")
    return reserve.deposit


def worth(terms: Terms, quote: Quote, side: Side, token: ChecksumAddress, amount: Raw) -> int:
    """An amount at the oracle's own answer for its asset, in base currency: down, a debt up from 3.5. `MissingPrice` without one."""
    reserve = terms.reserve(token)
    if reserve is None:
        raise AnswerError(f"{token} is no reserve of {terms.market.name} in these terms")
    answer = answered(terms, quote, terms.place(token))
    if side is Side.DEBT:
        return health.debt_value(terms.version, amount, answer, reserve.unit)
    return health.deposit_value(amount, answer, reserve.unit)


BESIDE: Final = Beside(logs, settle)
