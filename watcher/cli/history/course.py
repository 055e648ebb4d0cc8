"""The course of every position of an address, out of the store: readings, failures of its market, and blocks that nobody watched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Row, Select, func, literal, select

from watcher.adapter import Position, Which
from watcher.adapters import adapter
from watcher.health.bands import Bands, level
from watcher.health.status import read
from watcher.model import BlockRef, Market, PositionKey, Reading, Status
from watcher.store import recall
from watcher.store.members import Stood, stood_course
from watcher.store.open import Store
from watcher.store.recall import Kept, Recalled
from watcher.store.tables import BLOCK, CYCLE, FOLLOW, MARKET, POSITION

NOWHERE: Final = 0  # no row has this number


@dataclass(frozen=True, slots=True)
class Place:
    """One position of the store. `unit` and `decimals` are of its market's values, None where nothing was ever valued."""

    market: Market
    key: PositionKey
    unit: str | None
    decimals: int | None
    position_id: int
    market_id: int


@dataclass(frozen=True, slots=True)
class Point:
    """What is known of a position from `time` on (Unix seconds); `until` is set for blocks that nobody watched.

    `kept` is None where there is no reading: `note` says why. `count` readings stand for this one.
    """

    time: int
    block: int | None
    status: Status
    kept: Kept | None
    note: str
    until: int | None = None
    count: int = 1


def places(store: Store, account: bytes, chain: int | None = None, markets: Collection[str] = ()) -> tuple[Place, ...]:
    """Every position that was ever read of the account, narrowed to a chain and to markets by name or id."""
    found = select(MARKET, POSITION.c.id.label("position")).join(POSITION).where(POSITION.c.key == account.hex())
    return _places(store, account, found, chain, markets)


def outside(store: Store, account: bytes, chain: int | None = None, markets: Collection[str] = ()) -> tuple[Place, ...]:
    """Every followed market, as a place where the account has no position."""
    found = select(MARKET, literal(NOWHERE).label("position")).join(FOLLOW)
    return _places(store, account, found, chain, markets)


def _places(
    store: Store, account: bytes, found: Select[Any], chain: int | None, markets: Collection[str]
) -> tuple[Place, ...]:
    with store.read() as connection:
        rows = connection.execute(found.order_by(MARKET.c.chain, MARKET.c.id)).all()
    chains = {row.chain for row in rows}
    known = {(one.chain, one.name): one for number in chains for one in recall.markets(store, number)}
    return tuple(
        Place(
            known[row.chain, row.name],
            PositionKey(row.name, account),
            row.unit,
            row.decimals,
            row.position,
            row.id,
        )
        for row in rows
        if chain in (None, row.chain) and (not markets or _named(row, markets))
    )


def _named(row: Row[tuple[object, ...]], markets: Collection[str]) -> bool:
    return row.name in markets or (bool(row.ident) and f"0x{row.ident}" in {one.lower() for one in markets})


Choose = Callable[[Place], Bands]


def courses(
    store: Store, found: Sequence[Place], account: bytes, since: int, every: int, choose: Choose | None = None
) -> list[list[Point]]:
    """The course of each place from the time `since` on, in the order of time; see `thinned` for `every`.

    A member of a followed market is also known at blocks where nothing was read of it: of these the first one in `every` seconds is
    recomputed, and has the status that the bands of `choose` give.
    """
    wanted = {(place.market.chain, place.market.name) for place in found}
    read: dict[tuple[int, str], list[Point]] = {}
    for (chain, market), kept in groupby(
        recall.readings(store, account, since), key=lambda one: (one.block.chain, one.key.market)
    ):
        if (chain, market) in wanted:
            read[chain, market] = list(thinned(map(_reading, kept), every))
    return [
        sorted(
            [
                *(seen := read.get((place.market.chain, place.market.name), [])),
                *_between(store, place, {point.block for point in seen}, since, every, choose),
                *thinned(failures(store, place, since), every),
                *gaps(store, place.market.chain, since),
            ],
            key=lambda point: (point.time, point.until is not None),
        )
        for place in found
    ]


def _between(
    store: Store, place: Place, known: Collection[int | None], since: int, every: int, choose: Choose | None
) -> Iterable[Point]:
    """The followed blocks beside the known ones."""
    found = stood_course(store, adapter(place.market.protocol), place.market, place.key, since, every)
    bands = None
    for one in found:
        if one.block.number not in known:
            bands = choose(place) if choose is not None and bands is None else bands
            yield _reading(kept(one, valued(place, one, one.block)[1], bands))


def valued(
    place: Place, found: Stood[Any, Any, Any] | Recalled[Any, Any, Any], block: BlockRef
) -> tuple[Position[Any, Any, Any], Reading]:
    """What the stored words come to at their block."""
    of = adapter(place.market.protocol)
    position = Position(of, found.terms, of.accrue(found.terms, found.quote, block, Which.ALL), found.holding)
    return position, read(place.key, block, position)


def kept(found: Stood[Any, Any, Any], reading: Reading, bands: Bands | None) -> Kept:
    """As if it had been read, with the status that the bands give."""
    worth = reading.valuation
    status = reading.status if worth is None or bands is None else level(worth, bands)
    health, collateral, debt = (None, None, None) if worth is None else (worth.health, worth.collateral, worth.debt)
    return Kept(found.key, found.block, status, health, collateral, debt, reading.reason, reading.doubts, True, False)


def thinned(points: Iterable[Point], every: int) -> Iterable[Point]:
    """Of every period of `every` seconds the worst known point and, beside it, the first unknown one, each with how many there were.

    Blocks that nobody watched stay as they are.
    """
    for period, share in groupby(points, key=lambda point: (point.until, every and point.time // every)):
        together = list(share)
        if every == 0 or period[0] is not None:
            yield from together
            continue
        unknown = [point for point in together if point.status is Status.UNKNOWN]
        known = [point for point in together if point.status is not Status.UNKNOWN]
        chosen = [(unknown[0], unknown)] if unknown else []
        if known:
            chosen.append((min(known, key=_badness), known))
        for point, those in sorted(chosen, key=lambda one: one[0].time):
            yield replace(point, count=sum(one.count for one in those))


def _badness(point: Point) -> tuple[bool, bool, int]:
    """The contract's own line first, then the lowest health; no debt is last."""
    health = None if point.kept is None else point.kept.health
    return point.status is not Status.LIQUIDATABLE, health is None, health or 0


def _reading(kept: Kept) -> Point:
    said = [kept.reason or "", *(f"{doubt.kind}: {doubt.text}" for doubt in kept.doubts)]
    said += ["backfilled"] if kept.backfilled else []
    return Point(kept.block.timestamp, kept.block.number, kept.status, kept, "; ".join(filter(None, said)))


def failures(store: Store, place: Place, since: int) -> list[Point]:
    """Cycles in which the market could not be read: its positions were unknown then."""
    here = (BLOCK.c.chain == place.market.chain) & (BLOCK.c.number == CYCLE.c.number)
    time = func.coalesce(BLOCK.c.timestamp, CYCLE.c.time)
    found = (
        select(CYCLE.c.number, CYCLE.c.error, time.label("seen"))
        .select_from(CYCLE.outerjoin(BLOCK, here))
        .where(CYCLE.c.market_id == place.market_id, CYCLE.c.error.is_not(None), time >= since)
    )
    with store.read() as connection:
        rows = connection.execute(found.order_by(time, CYCLE.c.id)).all()
    return [Point(row.seen, row.number, Status.UNKNOWN, None, row.error) for row in rows]


def gaps(store: Store, chain: int, since: int) -> list[Point]:
    """Blocks that nobody watched: from the last stored block before them to the first one after, as far as that is from `since` on."""
    found = []
    for gap in recall.gaps(store, chain):
        before = select(func.max(BLOCK.c.timestamp)).where(BLOCK.c.chain == chain, BLOCK.c.number < gap.first)
        after = select(func.min(BLOCK.c.timestamp)).where(BLOCK.c.chain == chain, BLOCK.c.number > gap.last)
        with store.read() as connection:
            first, last = connection.execute(before).scalar(), connection.execute(after).scalar()
        ends = [time for time in (first, last) if time is not None]
        if ends and max(ends) >= since:
            note = f"nobody watched blocks {gap.first} to {gap.last}: {gap.reason}"
            found.append(Point(min(ends), None, Status.UNKNOWN, None, note, until=max(ends)))
    return found
