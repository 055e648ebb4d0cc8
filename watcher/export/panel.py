"""A followed market as tables: everybody's health on a regular grid of times, and everybody's holding at one block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from sqlalchemy import Connection

from watcher.adapters import adapter
from watcher.errors import UsageError
from watcher.export.crowd import Crowd, Weighed
from watcher.export.read import Formulas, both, words
from watcher.model import BlockRef
from watcher.store import roll
from watcher.store.members import last_step
from watcher.store.roll import Place, Tick

DAY: Final = 86_400  # seconds
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grid:
    """The multiples of `every` seconds from `first` to `last`, both included."""

    first: int
    last: int
    every: int

    @property
    def times(self) -> range:
        return range(-(-self.first // self.every) * self.every, self.last + 1, self.every)

    def days(self) -> tuple[Grid, ...]:
        """The same times, by UTC day."""
        begins = dict.fromkeys(time // DAY * DAY for time in self.times)
        return tuple(Grid(max(begin, self.first), min(begin + DAY - 1, self.last), self.every) for begin in begins)


def chosen(connection: Connection, wanted: str, chain: int | None = None) -> Place:
    """The followed market of a name, or of an id. `UsageError` where there is none, or more than one."""
    known = [one for one in roll.followed(connection) if chain in (None, one.market.chain)]
    found = [one for one in known if wanted in (one.market.name, f"0x{one.market.id.hex()}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{wanted} is followed on {len(found)} chains: add --chain")
    names = ", ".join(one.market.name for one in known) or "none"
    raise UsageError(f"{wanted} was never followed; the store has {names} (see [[follow]] in watcher.toml)")


def grid(connection: Connection, place: Place, every: int, since: int = 0, until: int | None = None) -> Grid:
    """All times at which anything can be known: from the first followed block to the last, as far as that is asked for."""
    found = roll.ends(connection, place)
    if found is None:
        raise UsageError(f"{place.market.name} has no followed block")
    first, last = found
    return Grid(max(since, first.timestamp), last.timestamp if until is None else min(until, last.timestamp), every)


def panel(connection: Connection, place: Place, asked: Grid, step: Callable[[int], None]) -> Iterator[Row]:
    """Everybody at every time, time by time; `step` hears each time that is done."""
    crowd, common = Crowd(connection, place), _Common(connection, place)
    for time in asked.times:
        tick = roll.tick(connection, place, time)
        for one in crowd.at(tick):
            yield {**common.of(one), "at": time}
        step(time)


def book(connection: Connection, place: Place, number: int | None) -> tuple[BlockRef, Iterator[Row]]:
    """The newest followed block up to `number` (of all by default), and everybody there. `UsageError` where there is none."""
    block = last_step(connection, place.row, number)
    if block is None:
        raise UsageError(f"{place.market.name} was not followed by block {number}")
    crowd, common = Crowd(connection, place), _Common(connection, place)
    mode = adapter(place.market.protocol).mode
    return block, (
        {
            **common.of(one),
            "mode": None if mode is None or one.holding is None else mode(one.holding),
            "words": None if one.holding is None else words(one.holding),
        }
        for one in crowd.at(Tick(block.timestamp, block))
    )


def origin(
    connection: Connection, sheet: str, place: Place, blocks: Iterable[BlockRef], **more: Any
) -> Mapping[str, Any]:
    """Where the rows come from, as plain json."""
    market, ordered = place.market, sorted(blocks, key=lambda block: block.number)
    return {
        "export": sheet,
        "program": version("lending-watcher"),
        "chain": market.chain,
        "market": market.name,
        "protocol": market.protocol,
        "contract": market.address,
        "id": f"0x{market.id.hex()}" if market.id else None,
        "rules": [
            {"from_block": number, "rules": rules}
            for number, rules in Formulas(connection).of(place.row, market.protocol)
        ],
        "blocks": [{"number": one.number, "hash": one.hash} for one in (ordered[:1] + ordered[-1:])],
        **more,
    }


class _Common:
    """What both tables say of a member; the block's own part is made once for all of them."""

    def __init__(self, connection: Connection, place: Place) -> None:
        self._connection, self._place = connection, place
        self._formulas = Formulas(connection)
        self._block: BlockRef | None = None
        self._same: Row = {}

    def of(self, one: Weighed) -> Row:
        block, worth = one.reading.block, one.reading.valuation
        if block != self._block:
            self._block, self._same = block, self._told(block)
        health, collateral, debt = (None, None, None) if worth is None else (worth.health, worth.collateral, worth.debt)
        decimals = self._place.decimals if worth is None else worth.unit.decimals
        return {
            **self._same,
            "position": f"0x{one.reading.key.key.hex()}",
            "status": one.reading.status.value,
            **both("health", health, 18),
            **both("collateral", collateral, decimals),
            **both("debt", debt, decimals),
            "unit": self._place.unit if worth is None else worth.unit.symbol,
            "decimals": decimals,
            "reason": one.reading.reason,
        }

    def _told(self, block: BlockRef) -> Row:
        market = self._place.market
        return {
            "chain": market.chain,
            "market": market.name,
            "protocol": market.protocol,
            "formula": self._formulas.by(self._place.row, market.protocol, block.number),
            "program": roll.program(self._connection, self._place, block.number),
            "block": block.number,
            "block_hash": block.hash,
            "time": block.timestamp,
        }
