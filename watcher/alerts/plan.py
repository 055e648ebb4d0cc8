"""What one channel is to be told now, in the order of the causes: a pure decision over the letters that wait for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from watcher.model import Transition

FIRST_RETRY: Final = 15  # seconds; each next one twice as long,
LAST_RETRY: Final = 900  # up to this


@dataclass(frozen=True, slots=True)
class Letter:
    """One transition that waits for one channel. `attempts` were begun before, so that it may have been seen; `due` is when to try."""

    transition: Transition
    attempts: int
    due: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Letters to send in this order, ids not to tell any more, and when there will be something to do again."""

    send: tuple[Letter, ...]
    drop: tuple[str, ...]
    wake: int | None


def plan(letters: Sequence[Letter], seen: Collection[str], now: int) -> Plan:
    """`letters` are all that wait, in the order of their causes; `seen` are ids that reached the channel, or may have.

    What is answered (an unknown that recovered, a change that a reorg took back) and still waits is not told any more, and its answer
    is told only if it was seen, or is news by itself. A letter that failed holds up those behind it; one whose time has not come
    does not. Nothing is ever put off for longer than `LAST_RETRY`: what is due later was written before the clock went back.
    """
    drop = _dropped(letters, seen)
    send: list[Letter] = []
    later: list[int] = []
    for letter in letters:
        if letter.transition.id in drop:
            continue
        if letter.due <= now or letter.due > now + LAST_RETRY:
            send.append(letter)
            continue
        later.append(letter.due)
        if letter.attempts:
            break
    return Plan(tuple(send), tuple(drop), min(later, default=None))


def answered(change: Transition) -> str | None:
    """The id of the transition that this one answers."""
    return change.retracts or change.recovers


def patience(attempts: int) -> int:
    """Seconds until the next try after so many failed ones."""
    return int(min(LAST_RETRY, FIRST_RETRY << min(attempts - 1, 10)))


def _dropped(letters: Sequence[Letter], seen: Collection[str]) -> dict[str, None]:
    waiting = {letter.transition.id: letter for letter in letters}
    void = {letter.transition.retracts for letter in letters} & waiting.keys()  # a retracted recovery answers nothing
    drop: dict[str, None] = {}
    for letter in letters:
        change, of = letter.transition, answered(letter.transition)
        if of is None or change.id in void:
            continue
        first = waiting.get(of)
        if first is not None:
            drop[of] = None
        told = of in seen or (first is not None and first.attempts > 0)
        if not told and not change.news:
            drop[change.id] = None
    return drop
