"""What a position would come to: the answer to the what-if options, as a record and as lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from watcher.adapter import Refusal
from watcher.cli.account.changes import Changes, Some
from watcher.cli.account.gloss import glossed
from watcher.cli.account.record import Record, of_valuation
from watcher.errors import WatcherError
from watcher.figures import change, exact, health
from watcher.health.target import Remedy, remedies
from watcher.health.what_if import Scenario, Unknown, under, what_if
from watcher.model import Side, Valuation


@dataclass(frozen=True, slots=True)
class Future:
    """`after` is None where no change was asked for; `remedies` are empty without a target health.

    `ignored` says, a line each, which changes name a token that the position holds and that its market has no price of.
    """

    after: Valuation | Refusal | Unknown | None
    remedies: tuple[Remedy, ...]
    ignored: tuple[str, ...] = ()


NOTHING_ASKED: Final = Future(None, ())


def future(position: Some, changes: Changes) -> Future:
    """The position under the changes that are about it, and what would then lift it to the target.

    Raises `UsageError` for a change that says nothing clear. What only this position makes impossible is an unknown future of it alone.
    """
    scenario, ignored = changes.scenario(position), changes.unpriced(position)
    try:
        after = what_if(position, scenario).after if scenario != Scenario() else None
        if changes.target is None or isinstance(after, Refusal | Unknown):
            return Future(after, (), ignored)
        moved = under(position, scenario)
        return Future(after, () if isinstance(moved, Refusal) else remedies(moved, changes.target), ignored)
    except WatcherError as error:
        return Future(Unknown(str(error)), (), ignored)


def of_future(seen: Future) -> Record:
    """The fields that a record gains; none where nothing was asked."""
    fields: Record = {}
    match seen.after:
        case Valuation():
            fields["what_if"] = {"possible": True, "reason": None, **of_valuation(seen.after)}
        case Refusal(reason=reason) | Unknown(reason=reason):
            fields["what_if"] = {"possible": False, "reason": reason}
    if seen.ignored:
        fields["what_if_ignored"] = list(seen.ignored)
    if seen.remedies:
        fields["remedies"] = [of_remedy(remedy) for remedy in seen.remedies]
    return fields


def of_remedy(remedy: Remedy) -> Record:
    return {
        "action": "repay" if remedy.side is Side.DEBT else "deposit",
        "token": remedy.token.address,
        "symbol": remedy.token.symbol,
        "amount": None if remedy.amount is None else exact(remedy.amount, remedy.token.decimals),
        "amount_raw": remedy.amount,
        "health_after_wad": None if remedy.after is None else remedy.after.health,
        "reason": remedy.reason,
    }


def crossed(seen: Valuation) -> str:
    """What stands behind a health: whether the contract's line is crossed, and what would still keep it from a liquidation."""
    if not seen.liquidatable:
        return ""
    return f"  LIQUIDATABLE, but blocked: {seen.blocked}" if seen.blocked else "  LIQUIDATABLE"


def lines(before: Valuation, seen: Future) -> Iterator[str]:
    yield from seen.ignored
    match seen.after:
        case Valuation() as after:
            yield f"what if: health {change(before.health, after.health)}{crossed(after)}"
        case Refusal(reason=reason):
            yield f"what if: the contract would refuse: {glossed(reason)}"
        case Unknown(reason=reason):
            yield f"what if: unknown ({reason})"
    for remedy in seen.remedies:
        if remedy.amount == 0 and remedy.after is not None:
            yield f"nothing to do for the target: health is {health(remedy.after.health)} already"
            return
        verb = "repay" if remedy.side is Side.DEBT else "deposit"
        if remedy.amount is None:
            yield f"to reach the target: {verb} {remedy.token.symbol}: {glossed(remedy.reason or '')}"
        elif remedy.after is not None:
            amount = exact(remedy.amount, remedy.token.decimals)
            yield f"to reach the target: {verb} {amount} {remedy.token.symbol} → health {health(remedy.after.health)}"
