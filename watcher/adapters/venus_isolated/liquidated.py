"""Liquidations as vTokens logged them: of a pair, and of whole accounts that were healed. Liquidators are given vTokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Beside, Event, Liquidated, LogQuery
from watcher.adapters.venus_isolated.facts import Terms
from watcher.errors import AnswerError
from watcher.model import PositionKey
from watcher.units import Raw

VTOKEN: Final = "venus_isolated/vtoken"
PAIR, HEALED = f"{VTOKEN}.LiquidateBorrow", f"{VTOKEN}.HealBorrow"
GIVEN, SHARED, WRITTEN_OFF = (f"{VTOKEN}.{name}" for name in ("Transfer", "ProtocolSeize", "BadDebtIncreased"))
Called = tuple[Event, Liquidated]


def liquidations(terms: Terms) -> LogQuery[Liquidated]:
    """One per LiquidateBorrow, those of a whole account (`liquidateAccount`) included, and one per HealBorrow: a debt that was healed.

    What a healer was given is in no log of the debt: see `BESIDE`.
    """
    asset = _assets(terms)

    def read(event: Event) -> Liquidated:
        payer, borrower, repaid = event.args[:3]
        key, debt = PositionKey(terms.market.name, bytes.fromhex(borrower[2:])), asset(event.address)
        if event.name == HEALED:
            return Liquidated(key, payer, debt, debt, Raw(repaid), Raw(0), None, None)
        vtoken, tokens = event.args[3:]
        return Liquidated(key, payer, debt, asset(vtoken), Raw(repaid), Raw(tokens), None, None, receipt=vtoken)

    return LogQuery(tuple(vtoken.address for vtoken in terms.vtokens), (PAIR, HEALED), read)


def _assets(terms: Terms) -> Callable[[ChecksumAddress], ChecksumAddress]:
    """The underlying of a vToken; one that these terms do not list stands for itself."""
    known = {vtoken.address: vtoken.token.address for vtoken in terms.vtokens}
    return lambda vtoken: known.get(vtoken, vtoken)


def _logs(terms: Terms, keys: Sequence[PositionKey]) -> LogQuery[Event]:
    """All of them carry the borrower in their first topic."""
    topics = tuple(bytes(12) + key.key for key in keys)
    addresses = tuple(vtoken.address for vtoken in terms.vtokens)
    return LogQuery(addresses, (GIVEN, SHARED, WRITTEN_OFF), lambda event: event, (topics,))


def _settled(terms: Terms, called: Sequence[Called], found: Sequence[Event]) -> tuple[Liquidated, ...]:
    """A seizure logs what the liquidator is given and, next, what the protocol takes, before the log of its pair; a healer's seizures
    stand around the logs of the debts, and those behind the last are told with it."""
    left = sorted(found, key=lambda event: event.index)
    told = []
    for place, (event, one) in enumerate(called):
        whose = [
            later for later, other in called[place + 1 :] if (other.key, other.liquidator) == (one.key, one.liquidator)
        ]
        healed = event.name == HEALED
        last = healed and not any(later.name == HEALED for later in whose)
        until = min((later.index for later in whose), default=None) if last else event.index
        mine = [log for log in left if _borrower(log) == one.key.key and (until is None or log.index < until)]
        left = [log for log in left if log not in mine]
        told.append(_healed(terms, event, one, mine) if healed else _pair(one, mine))
    return tuple(told)


def _borrower(event: Event) -> bytes:
    return bytes.fromhex(event.args[0][2:])


def _pair(told: Liquidated, logs: Sequence[Event]) -> Liquidated:
    """The last seizure before the pair's log. What is left of the debt stays with the borrower."""
    given, fees = _seized(told, logs)
    if not given or given[-1][0] != told.receipt:
        raise AnswerError("no seizure was logged before the liquidation of a pair")
    return replace(told, taken=given[-1][1], fee=fees[-1])


def _healed(terms: Terms, event: Event, told: Liquidated, logs: Sequence[Event]) -> Liquidated:
    """The first seizure in its place, the others along; what was not paid of the debt is written off."""
    given, fees = _seized(told, logs)
    bad = [log.args[1] for log in logs if log.name == WRITTEN_OFF and log.address == event.address]
    told = replace(told, fee=Raw(0), written_off=tuple((told.debt, Raw(one)) for one in bad))
    if not given:
        return told
    asset, (vtoken, tokens) = _assets(terms), given[0]
    along = tuple((asset(one), fee) for (one, _), fee in zip(given[1:], fees[1:], strict=True))
    main = replace(told, collateral=asset(vtoken), receipt=vtoken, taken=tokens, fee=fees[0])
    return replace(main, along=tuple(given[1:]), fees=along)


def _seized(told: Liquidated, logs: Sequence[Event]) -> tuple[list[tuple[ChecksumAddress, Raw]], list[Raw]]:
    """What the liquidator was given, by vToken, and what the protocol took beside each."""
    given = [(log.address, Raw(log.args[2])) for log in logs if log.name == GIVEN and log.args[1] == told.liquidator]
    fees = [Raw(log.args[2]) for log in logs if log.name == SHARED]
    if len(given) != len(fees):
        raise AnswerError("the seizures of a block and the protocol's shares of them do not match")
    return given, fees


BESIDE: Final = Beside(_logs, _settled)
