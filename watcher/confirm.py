"""The same facts from two endpoints at one block. Where they differ a third decides; without a majority the worse is shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, TypeVar, assert_never

from eth_typing import ChecksumAddress

from watcher.chain.poll import GRACE, Poll, poll
from watcher.connection import Pin
from watcher.cycle import MarketCycle, Row, cycle
from watcher.errors import BlockChanged, ChainError, EndpointError, Transient, WatcherError
from watcher.model import Doubt, DoubtKind, Market, PositionKey, Reading, Status
from watcher.query import Query

log = logging.getLogger(__name__)

T = TypeVar("T")
Cycles = tuple[MarketCycle, ...]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """`by` is how many endpoints gave the very same answers, in the market where they are fewest. `notes` name who did not."""

    markets: Cycles
    by: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one endpoint as of another. `until` is the loop's time after which nobody is asked a second time."""

    pin: Pin
    markets: Sequence[Market]
    owners: Sequence[ChecksumAddress]
    known: Mapping[str, Any] | None
    until: float
    also: Mapping[str, Sequence[PositionKey]] | None = None  # positions to read even where nothing is held any more

    async def asked(self, *names: str, markets: Sequence[Market] | None = None) -> Cycles:
        """Of these endpoints, the next one where one fails; of all that are left for this block when none is named."""
        line = self.pin.line.through(*names) if names else self.pin.line
        wanted = self.markets if markets is None else markets
        block, uptime = self.pin.block, line.chain.sequencer
        return await cycle(line.reader, block, wanted, self.owners, self.known, also=self.also, sequencer=uptime)


async def confirmed(question: Question, *, last: bool = False, grace: float = GRACE) -> Confirmed:
    """A cycle over the markets, confirmed where the block has two holders. `last`: who alone says that the block changed is not heeded.

    Raises `ChainError` only where no endpoint can be read (`BlockChanged`: repeat at another block).
    """
    pair = question.pin.holders[:2]
    if not question.markets:
        return Confirmed((), len(pair))
    if len(pair) < 2:
        return Confirmed(await question.asked(), 1)
    found = await poll({name: question.asked(name) for name in pair}, grace)
    changed = next((error for error in found.failed.values() if isinstance(error, BlockChanged)), None)
    if changed is not None and not (last and found.answers):
        raise changed
    ballots = [
        {name: cycles[place] for name, cycles in found.answers.items() if _answered(cycles[place])}
        for place in range(len(question.markets))
    ]
    notes = [f"not confirmed by {name}: {_reason(name, error)}" for name, error in _failures(found).items()]
    ballots = await _filled(question, ballots)
    ballots = await _decided(question, ballots)
    verdicts = [verdict(votes) for votes in ballots]
    notes += dict.fromkeys(note for one in verdicts for note in one.notes)
    return Confirmed(tuple(one.markets[0] for one in verdicts), min(one.by for one in verdicts), tuple(notes))


async def alike(pin: Pin, query: Callable[[], Query[T]], grace: float = GRACE) -> T | WatcherError:
    """What the first two holders of the block answer alike to a question beside the markets; an error where they differ.

    Whoever else is left is asked where neither answers. `query` makes the question anew for each. No `WatcherError` is raised.
    """
    pair = pin.holders[:2]
    try:
        if len(pair) > 1:
            asked = {name: pin.line.through(name).reader.run(query(), pin.block) for name in pair}
            said = list((await poll(asked, grace)).answers.values())
            if said:
                differs = any(answer != said[0] for answer in said)
                return ChainError(f"{' and '.join(pair)} answer differently") if differs else said[0]
        return await pin.line.reader.run(query(), pin.block)
    except WatcherError as error:
        return error


def _failures(found: Poll[Cycles]) -> dict[str, WatcherError]:
    """Why an endpoint has no say, be it about one market only: its first reason."""
    failed = dict(found.failed)
    for name, cycles in found.answers.items():
        error = next((cycle.error for cycle in cycles if not _answered(cycle)), None)
        if error is not None:
            failed[name] = error
    return failed


def _reason(name: str, error: WatcherError) -> str:
    return str(error).removeprefix(f"{name}: ")


def _answered(cycle: MarketCycle) -> bool:
    """Whether it says what the chain says, be it a revert, and not what an endpoint failed with."""
    return not isinstance(cycle.error, EndpointError)


Votes = dict[str, MarketCycle]  # by endpoint


async def _filled(question: Question, ballots: Sequence[Votes]) -> list[Votes]:
    """Markets that neither endpoint could read, asked of all that are left: the answer is nobody's in particular."""
    empty = [place for place, votes in enumerate(ballots) if not votes]
    if not empty:
        return list(ballots)
    markets = [question.markets[place] for place in empty]
    try:
        async with asyncio.timeout_at(question.until):
            again = await question.asked(markets=markets)
    except TimeoutError:
        late = Transient(" and ".join(question.pin.holders), "the time was up before this market was read")
        again = tuple(MarketCycle(market, question.pin.block, error=late) for market in markets)
    fresh = dict(zip(empty, again, strict=True))
    return [votes or {"": fresh[place]} for place, votes in enumerate(ballots)]


async def _decided(question: Question, ballots: Sequence[Votes]) -> list[Votes]:
    """Markets that two endpoints answer differently, with the vote of a third where there is one."""
    split = [place for place, votes in enumerate(ballots) if len(votes) > 1 and not _same(*votes.values())]
    ballots = list(ballots)
    third = question.pin.holders[2:3]
    if not split or not third:
        return ballots
    try:
        async with asyncio.timeout_at(question.until):
            cycles = await question.asked(*third, markets=[question.markets[place] for place in split])
    except (TimeoutError, ChainError) as error:
        log.info("%s could not decide: %s", third[0], error)
        return ballots
    for place, vote in zip(split, cycles, strict=True):
        if _answered(vote):
            ballots[place] = {**ballots[place], third[0]: vote}
    return ballots


def verdict(votes: Votes) -> Confirmed:
    """One market's cycle by the votes on it, with a doubt on every position that they differ about."""
    names = list(votes)
    if len(names) == 1:
        return Confirmed((votes[names[0]],), 1)
    for one, other in combinations(names, 2):
        if _same(votes[one], votes[other]):
            best = _audited(votes[one], votes[other])
            liars = [name for name in names if not _same(votes[name], best)]
            return _overruled(best, len(names) - len(liars), {name: votes[name] for name in liars})
    return _disputed(votes)


def _overruled(chosen: MarketCycle, by: int, liars: Votes) -> Confirmed:
    where = f"{chosen.market.name} at block {chosen.block.number}"
    notes = [f"{name} answers differently from {by} others for {where}, and is not believed" for name in liars]
    for note in notes:
        log.info("%s", note)
    for name, lie in liars.items():
        text = f"{name} answers differently at this block; {by} others agree on what is shown"
        chosen = replace(chosen, rows=tuple(_doubted(row, lie, text) for row in chosen.rows))
    return Confirmed((chosen,), by, tuple(notes))


def _doubted(row: Row, other: MarketCycle, text: str) -> Row:
    twin = next((one for one in other.rows if one.reading.key == row.reading.key), None)
    return row if twin is not None and _alike(row, twin) else _with_doubt(row, text)


def _with_doubt(row: Row, text: str) -> Row:
    doubts = (*row.reading.doubts, Doubt(DoubtKind.DISPUTED, text))
    return replace(row, reading=replace(row.reading, doubts=doubts))


def _disputed(votes: Votes) -> Confirmed:
    """No two agree: for every position the worst of what they say, never towards safe."""
    names = " and ".join(votes)
    first = next(iter(votes.values()))
    note = f"{names} answer differently for {first.market.name} at block {first.block.number}, and no majority decides"
    log.info("%s", note)
    base = next((one for one in votes.values() if one.error is None), first)
    error = next((one.error for one in votes.values() if one.error is not None), None)
    rows: dict[PositionKey, list[Row]] = {}
    for one in votes.values():
        for row in one.rows:
            rows.setdefault(row.reading.key, []).append(row)
    if not rows:
        return Confirmed((first if error is None else replace(base, error=error),), 1, (note,))
    shown = [_worst(same, error, len(votes), names) for same in rows.values()]
    return Confirmed((replace(base, rows=tuple(shown)),), 1, (note,))


def _worst(rows: Sequence[Row], error: WatcherError | None, votes: int, names: str) -> Row:
    """The worst of one position's rows; an endpoint that could not value it at all says that it is unknown."""
    unknown = [] if error is None else [_unknown(rows[0], str(error))]
    choice = [*rows, *unknown]
    worst = max(choice, key=lambda row: badness(row.reading))
    if len(rows) == votes and all(_alike(row, rows[0]) for row in rows):
        return worst
    return _with_doubt(worst, f"{names} answer differently at this block; the worst of it is shown")


def _unknown(row: Row, reason: str) -> Row:
    reading = replace(row.reading, status=Status.UNKNOWN, valuation=None, reason=reason)
    return replace(row, reading=reading, audited=False, mismatches=())


def badness(reading: Reading) -> tuple[int, int]:
    """Orders readings of one position: past the line is worst, then unknown, then the rest; within each by health."""
    match reading.status:
        case Status.UNKNOWN:
            return 2, 0
        case (
            Status.OWING
            | Status.SAFE
            | Status.WATCH
            | Status.WARN
            | Status.DANGER
            | Status.CRITICAL
            | Status.LIQUIDATABLE
        ):
            if reading.valuation is None or reading.valuation.health is None:
                raise ValueError(f"a reading that is {reading.status} has a health")
            return 3 if reading.status is Status.LIQUIDATABLE else 1, -reading.valuation.health
        case Status.NO_DEBT:
            return 0, 0
        case _:
            assert_never(reading.status)


def _same(one: MarketCycle, other: MarketCycle) -> bool:
    """Whether two endpoints say the same of a market: its terms, its quote, every holding and value. The audit is each one's own."""
    errors = [None if cycle.error is None else (type(cycle.error), str(cycle.error)) for cycle in (one, other)]
    return (
        errors[0] == errors[1]
        and one.terms == other.terms
        and one.quote == other.quote
        and len(one.rows) == len(other.rows)
        and all(_alike(row, twin) for row, twin in zip(one.rows, other.rows, strict=True))
    )


def _alike(one: Row, other: Row) -> bool:
    """A contract's own answer that only one endpoint could give is no difference."""
    mismatches = not (one.audited and other.audited) or one.mismatches == other.mismatches
    valued = (one.reading.key, one.reading.status, one.reading.valuation, one.position)
    return mismatches and valued == (other.reading.key, other.reading.status, other.reading.valuation, other.position)


def _audited(one: MarketCycle, other: MarketCycle) -> MarketCycle:
    """Of two that say the same, the one in which more was audited."""
    return max((one, other), key=lambda cycle: sum(row.audited for row in cycle.rows))
