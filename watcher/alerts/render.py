"""Transitions in words: what happened, how far the line is, when that was, and what would help. Pure; foreign text is cleaned once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Final

from watcher.alerts.message import Message, Subject
from watcher.figures import age, exact, health, percent
from watcher.figures import change as moved
from watcher.model import BlockRef, Distance, Fix, PositionKey, Runway, Side, Status, Transition
from watcher.text import clean_line

MILLION: Final = 1_000_000
LISTED: Final = 20  # changes that a digest names; the rest it counts
WORST_FIRST: Final = (
    Status.LIQUIDATABLE,
    Status.UNKNOWN,
    Status.CRITICAL,
    Status.DANGER,
    Status.WARN,
    Status.WATCH,
    Status.SAFE,
    Status.NO_DEBT,
    Status.OWING,
)


def render(change: Transition, subject: Subject, now: int) -> Message:
    """One transition at `now`, in seconds of the watcher's clock."""
    lines = [*_lines(change), _when(change.block, now)]
    if not change.confirmed:
        lines.append("Unconfirmed: the endpoints disagree, or only one of them answers.")
    lines.append(f"id {change.id}")
    return Message(change.id, _title(change, subject), "\n".join(clean_line(line) for line in lines))


def digest(changes: Sequence[Transition], who: Callable[[PositionKey], Subject], now: int) -> Message:
    """Many transitions as one: how many became what, then the newest of each position, own wallets first and the worst of them first."""
    newest = {change.key: change for change in changes}
    ranked = sorted(newest.values(), key=lambda one: (not who(one.key).own, WORST_FIRST.index(one.after)))
    counts = Counter(one.after for one in newest.values())
    counted = ", ".join(f"{counts[status]} {_word(status)}" for status in WORST_FIRST if counts[status])
    id = sha256("\n".join(change.id for change in changes).encode()).hexdigest()[:32]
    lines = [f"{_title(one, who(one.key))} [{one.id[:8]}]" for one in ranked[:LISTED]]
    if len(ranked) > LISTED:
        lines.append(f"… and {len(ranked) - LISTED} more: watcher history has them all")
    if not all(one.confirmed for one in ranked):
        lines.append("Some are unconfirmed: the endpoints disagree, or only one of them answers.")
    lines += [_when(max((one.block for one in ranked), key=lambda block: block.timestamp), now), f"id {id}"]
    title = f"{len(changes)} changes of {len(newest)} positions: {counted}"
    return Message(id, title, "\n".join(clean_line(line) for line in lines))


def store_failing(reason: str, last_good: BlockRef | None, now: int) -> Message:
    """Said directly, past the store: nothing is recorded now, and no transition is claimed."""
    since = "nothing was recorded yet" if last_good is None else f"last good block {last_good.number}"
    ago = "" if last_good is None else f" of chain {last_good.chain}, {age(now - last_good.timestamp)} ago"
    lines = [
        f"{clean_line(reason)}",
        f"{since}{ago}. Changes since then are not told until the store can be written again.",
    ]
    return Message(f"store-{now}", f"STORE FAILING: {since}", "\n".join((*lines, f"id store-{now}")))


def trial(now: int) -> Message:
    """What `watcher alert test` sends."""
    return Message(f"test-{now}", "watcher: a test", f"Alerts reach you here. Nothing has happened.\nid test-{now}")


def _title(change: Transition, subject: Subject) -> str:
    word = _word(change.after).upper()
    if change.retracts is not None:
        word = f"RETRACTED, now {_word(change.after)}"
    elif change.recovers is not None:
        word = f"READABLE AGAIN, {_word(change.after)}"
    figure = "" if change.health is None else f" · health {health(change.health)}"
    mark = "" if change.confirmed else " (unconfirmed)"
    return clean_line(f"{word}: {subject.name} · {change.key.market}{figure}{mark}")


def _lines(change: Transition) -> Iterator[str]:
    if change.retracts is not None:
        yield f"A reorg took back the block in which it became {_word(change.before)}: that did not happen (id {change.retracts})."
        yield f"It stands at {_word(change.after)}{_at(change.health)}."
        return
    yield _what(change)
    if change.cause:
        yield f"Because: {change.cause}"
    if change.distance is not None:
        yield _distance(change.distance)
    if change.runway is not None:
        yield _runway(change.runway)
    if change.after not in (Status.SAFE, Status.NO_DEBT):
        yield from _fixes(change.fixes)


def _what(change: Transition) -> str:
    after, was = _word(change.after), _at(change.health_before)
    match change.before, change.after:
        case None, Status.UNKNOWN:
            return "It cannot be read, and never was before: nothing is known of its health."
        case _, Status.UNKNOWN:
            return f"It cannot be read. It was {_word(change.before)}{was} when it last could: that is no longer sure."
        case None, _:
            return f"The first reading: {after}{_at(change.health)}."
        case Status.UNKNOWN, _:
            return f"It can be read again: {after}{_at(change.health)}" + (f"; last known{was}." if was else ".")
        case _, Status.NO_DEBT:
            return f"Nothing is owed any more; it was {_word(change.before)}{was}."
        case _:
            return f"{_word(change.before)} → {after}: health {moved(change.health_before, change.health)}."


def _at(wad: int | None) -> str:
    return "" if wad is None else f" at health {health(wad)}"


def _distance(distance: Distance) -> str:
    if distance.steps == 0:
        return "The line is crossed at the present prices."
    return f"To the line: {distance.of} can fall {percent(distance.steps, MILLION, 4)}."


def _runway(runway: Runway) -> str:
    full = f"cannot be told ({runway.reason})" if runway.reason else _lasting(runway.full)
    return (
        f"By interest alone, to health 1: {_lasting(runway.present)} at the present rates; at full utilisation {full}."
    )


def _lasting(seconds: int | None) -> str:
    return "more than a century" if seconds is None else age(seconds)


def _fixes(fixes: Sequence[Fix]) -> Iterator[str]:
    """Possible ones on a line for each target, which is where its *watch* ends, then why another is not."""
    for target in dict.fromkeys(fix.target for fix in fixes):
        able = [_fix(fix) for fix in fixes if fix.target == target and fix.amount]
        if able:
            yield f"For health {exact(target, 18)}, where watch ends: {', or '.join(able)}."
        elif any(fix.target == target and fix.amount == 0 for fix in fixes):
            yield f"Its health is at or above {exact(target, 18)}, where watch ends: what alarms is the interest."
    for fix in fixes:
        if fix.amount is None:
            verb = "repaying" if fix.side is Side.DEBT else "depositing"
            yield f"Not by {verb} {fix.token.symbol} alone: {fix.reason}."


def _fix(fix: Fix) -> str:
    verb = "repay" if fix.side is Side.DEBT else "deposit"
    return f"{verb} {exact(fix.amount or 0, fix.token.decimals)} {fix.token.symbol}"


def _when(block: BlockRef, now: int) -> str:
    return f"Block {block.number} of chain {block.chain}, {age(now - block.timestamp)} old ({block.hash})"


def _word(status: Status | None) -> str:
    match status:
        case None:
            return "new"
        case Status.NO_DEBT:
            return "no debt"
        case _:
            return status.value
