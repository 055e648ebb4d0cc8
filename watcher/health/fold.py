"""From readings to transitions: worse at once, better only when it lasts, unknown without delay. A pure fold over canonical readings.

The same readings give the same transitions, whoever folds them and wherever the fold is taken up again. Blocks that nobody read are
no readings: a gap makes no transition.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from eth_typing import HexStr

from watcher.health.bands import LADDER, reaches, worst
from watcher.model import BlockRef, Sighting, Status, Transition
from watcher.units import Wad

HEADS: Final = 3  # canonical ones that must all clear a better status
BLIND_SECONDS: Final = 300  # until an unknown status is told,
BLIND_CYCLES: Final = 3  # or so many cycles, whichever is first


@dataclass(frozen=True, slots=True)
class Standing:
    """How a position stands for those who watch it. `health` is the last one known.

    `rising` is what the newest heads in a row would let it rise to, `sure` whether each of them was confirmed. While it is unknown,
    `blind` is the transition that said so and `cycles` counts the readings since, that one included.
    """

    status: Status
    health: Wad | None
    at: HexStr  # hash of the last block seen
    rising: tuple[Status, ...] = ()
    sure: bool = True
    blind: Transition | None = None
    cycles: int = 0


def step(standing: Standing | None, seen: Sighting) -> tuple[Standing, tuple[Transition, ...]]:
    """How it stands after one more reading, and what changed by it: nothing, or one transition."""
    if standing is None:
        return _first(seen)
    if seen.status is Status.UNKNOWN:
        return _blinded(standing, seen)
    if standing.blind is not None:
        return _recovered(standing, standing.blind, seen)
    if _below(seen.status, standing.status):
        change = _change(standing, seen, seen.status, seen.read_at)
        return Standing(seen.status, seen.health, seen.block.hash), (change,)
    return _lasted(standing, seen)


def fold(seen: Iterable[Sighting], standing: Standing | None = None) -> tuple[Standing | None, tuple[Transition, ...]]:
    """All steps after one another, in the order of the cycles that read them."""
    changes: list[Transition] = []
    for one in seen:
        standing, made = step(standing, one)
        changes.extend(made)
    return standing, tuple(changes)


def resumed(last: Transition, since: Iterable[Sighting]) -> Standing:
    """The standing after `last`, the newest transition that holds, and all readings since (or the newest three of them)."""
    blind = last if last.after is Status.UNKNOWN else None
    health = last.health if blind is None else last.health_before
    start = Standing(last.after, health, last.block.hash, blind=blind, cycles=0 if blind is None else 1)
    standing, _ = fold(since, start)
    return start if standing is None else standing


def retractions(
    orphaned: Iterable[Transition], standing: Standing | None, block: BlockRef, read_at: int
) -> tuple[Transition, ...]:
    """What takes back `orphaned`, transitions whose block is gone, the newest first; `standing` is what is left without them.

    Where nothing is left the position is unknown until it is read again. A retraction is told only if what it takes back was,
    or where it leaves an unknown that may have been taken for recovered.
    """
    status, health = (Status.UNKNOWN, None) if standing is None else (standing.status, standing.health)
    return tuple(
        Transition(
            id=_id(gone.id, block.hash, str(read_at)),
            key=gone.key,
            block=block,
            read_at=read_at,
            before=gone.after,
            after=status,
            health_before=gone.health,
            health=health,
            confirmed=True,
            due=read_at,
            retracts=gone.id,
            news=standing is not None and status is Status.UNKNOWN,
        )
        for gone in reversed([one for one in orphaned if one.retracts is None])
    )


def _first(seen: Sighting) -> tuple[Standing, tuple[Transition, ...]]:
    """A position's first reading is told where it is a reason to look, and kept where it is not."""
    if seen.status is Status.UNKNOWN:
        change = _change(None, seen, seen.status, seen.read_at + BLIND_SECONDS)
        return Standing(seen.status, None, seen.block.hash, blind=change, cycles=1), (change,)
    change = _change(None, seen, seen.status, seen.read_at if reaches(seen.status, Status.WARN) else None)
    return Standing(seen.status, seen.health, seen.block.hash), (change,)


def _blinded(standing: Standing, seen: Sighting) -> tuple[Standing, tuple[Transition, ...]]:
    """Unknown at once. The third cycle makes it due at once: the same transition again."""
    if standing.blind is None:
        change = _change(standing, seen, Status.UNKNOWN, seen.read_at + BLIND_SECONDS)
        return Standing(Status.UNKNOWN, standing.health, seen.block.hash, blind=change, cycles=1), (change,)
    after = replace(standing, at=seen.block.hash, cycles=standing.cycles + 1)
    due = standing.blind.due
    if after.cycles < BLIND_CYCLES or due is None or due <= seen.read_at:
        return after, ()
    sooner = replace(standing.blind, due=seen.read_at)
    return replace(after, blind=sooner), (sooner,)


def _recovered(standing: Standing, blind: Transition, seen: Sighting) -> tuple[Standing, tuple[Transition, ...]]:
    """Back to where it stood, or worse where the reading is; to be better than before takes three heads more."""
    if blind.before is None:
        after, news = seen.status, reaches(seen.status, Status.WARN)
    else:
        after, news = worst(blind.before, seen.status), _below(seen.status, blind.before)
    change = replace(_change(standing, seen, after, seen.read_at), recovers=blind.id, news=news)
    return Standing(after, seen.health, seen.block.hash), (change,)


def _lasted(standing: Standing, seen: Sighting) -> tuple[Standing, tuple[Transition, ...]]:
    """A reading that is not worse: the third head in a row that clears a better status lifts to the least of what they clear.

    The same block again counts no second time.
    """
    if seen.block.hash == standing.at:
        return replace(standing, health=seen.health), ()
    here = replace(standing, health=seen.health, at=seen.block.hash)
    if seen.clears is None or not _below(standing.status, seen.clears):
        return replace(here, rising=(), sure=True), ()
    rising, sure = (*standing.rising, seen.clears), standing.sure and seen.confirmed
    if len(rising) < HEADS:
        return replace(here, rising=rising, sure=sure), ()
    change = replace(_change(standing, seen, worst(*rising), seen.read_at), confirmed=sure)
    return Standing(change.after, seen.health, seen.block.hash), (change,)


def _change(standing: Standing | None, seen: Sighting, after: Status, due: int | None) -> Transition:
    before = None if standing is None else standing.status
    return Transition(
        id=_id(seen.key.market, seen.key.key.hex(), seen.block.hash, str(seen.read_at), str(before), after),
        key=seen.key,
        block=seen.block,
        read_at=seen.read_at,
        before=before,
        after=after,
        health_before=None if standing is None else standing.health,
        health=seen.health,
        confirmed=seen.confirmed,
        due=due,
        cause=seen.reason or "",
    )


def _id(*parts: str) -> str:
    """32 hexadecimal digits; the parts hold no line break."""
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


def _below(status: Status, other: Status) -> bool:
    return LADDER.index(status) > LADDER.index(other)
