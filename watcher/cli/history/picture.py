"""The course of every position of an address as a picture: what the store says, put into the terms of a drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from watcher import figures
from watcher.cli.history.course import Place, Point, courses
from watcher.cli.history.show import FINER, bands_of
from watcher.cli.options import Options
from watcher.errors import UsageError
from watcher.health.bands import Bands
from watcher.model import Status
from watcher.plots.health import Course, Kind, Mark, Stretch, draw
from watcher.plots.style import save
from watcher.store.open import Store
from watcher.store.tables import TRANSITION
from watcher.units import Wad
from watcher.watching.policy import Policy, owner

MOST: Final = 40  # positions of one picture


def picture(
    store: Store,
    found: Sequence[Place],
    since: int,
    every: int,
    policies: Mapping[int, Policy],
    options: Options,
    path: Path,
) -> None:
    """Draw all positions from the time `since` on into `path`, in the same steps as the chart on a terminal."""
    if len(found) > MOST:
        raise UsageError(f"{len(found)} positions are too many for one picture: choose with --market or --chain")
    finer = every // FINER if every % FINER == 0 else every

    def choose(place: Place) -> Bands:
        return bands_of(store, place, policies[place.market.chain], options)

    drawn = [
        course(place, points, marks(store, place, since), choose(place))
        for place, points in zip(found, courses(store, found, found[0].key.key, since, finer, choose), strict=True)
        if points
    ]
    if not drawn:
        raise UsageError(f"nothing was read of it since {_date(since)}: look further back with --since")
    save(draw(drawn), path)
    options.note(f"{len(drawn)} position{'s' * (len(drawn) > 1)} drawn in {path}")


def course(place: Place, points: Sequence[Point], changes: Sequence[Mark], bands: Bands) -> Course:
    """Readings in a row are one run; whatever has no health ends it, and stands until the next thing that is known."""
    runs: list[list[tuple[int, Wad]]] = [[]]
    for point in points:
        if _kind(point) is None and point.kept is not None and point.kept.health is not None:
            runs[-1].append((point.time, point.kept.health))
        elif runs[-1]:
            runs.append([])
    return Course(
        f"{place.market.name} · {owner(place.key)}",
        _note(points),
        tuple(tuple(run) for run in runs if run),
        tuple(_stretches(points)),
        tuple(changes),
        {Status(name): step for name, step in asdict(bands).items()},
    )


def marks(store: Store, place: Place, since: int) -> list[Mark]:
    """What became of it, as it was told; neither what a reorg took back nor the word about that."""
    found = (
        select(TRANSITION.c.timestamp, TRANSITION.c.health, TRANSITION.c.after)
        .where(TRANSITION.c.position_id == place.position_id, TRANSITION.c.timestamp >= since)
        .where(TRANSITION.c.orphaned.is_(False), TRANSITION.c.retracts.is_(None))
    )
    with store.read() as connection:
        rows = connection.execute(found.order_by(TRANSITION.c.place)).all()
    return [Mark(row.timestamp, None if row.health is None else Wad(row.health), Status(row.after)) for row in rows]


def _stretches(points: Sequence[Point]) -> list[Stretch]:
    """Neighbours of one kind are one stretch."""
    found: list[Stretch] = []
    for point, following in zip(points, [*points[1:], None], strict=True):
        kind = _kind(point)
        if kind is None:
            continue
        end = point.until or (point.time if following is None else following.time)
        last = found[-1] if found else None
        if last is not None and (last.kind, last.end) == (kind, point.time):
            found[-1] = Stretch(kind, last.begin, end)
        else:
            found.append(Stretch(kind, point.time, end))
    return found


def _kind(point: Point) -> Kind | None:
    """Why there is no line; None for a health."""
    if point.until is not None:
        return Kind.UNWATCHED
    if point.kept is None or point.status is Status.UNKNOWN:
        return Kind.UNKNOWN
    return Kind.FREE if point.kept.health is None else None


def _note(points: Sequence[Point]) -> str:
    """From when to when, and what was known last."""
    last = next((point for point in reversed(points) if point.until is None), None)
    ends = f"{_date(points[0].time)} to {_date(max(point.until or point.time for point in points))} UTC"
    if last is None:
        return f"{ends} · never read"
    health = None if last.kept is None else last.kept.health
    return f"{ends} · last read: {last.status.value.replace('_', ' ')}" + (
        "" if health is None else f", health {figures.health(health)}"
    )


def _date(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
