"""The demo's own check: every figure of ours beside the contracts' own answer, and whether everything that was promised took place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from watcher.adapter import Reported, Which
from watcher.adapters import adapter
from watcher.cli.demo.difference import Difference
from watcher.cli.demo.market import Looked
from watcher.cli.demo.whole import Whole
from watcher.cycle import MarketCycle, Row
from watcher.health.audit import compare
from watcher.model import BlockRef, PositionKey

if TYPE_CHECKING:
    from watcher.localchain.stage.truth import Told

ENOUGH: Final = 500  # comparisons
DEPTH: Final = 2  # blocks that the reorg replaces
PROTOCOLS: Final = {"aave_v3": "Aave V3", "morpho_blue": "Morpho Blue"}


@dataclass(frozen=True, slots=True)
class Compared:
    """One block held against the truth: which positions were liquidatable by the contract's word, and how many figures were looked at.

    `markets` are the followed ones whose books stand there.
    """

    block: BlockRef
    liquidatable: Mapping[PositionKey, bool]
    figures: int
    differences: tuple[Difference, ...]
    markets: tuple[Looked, ...] = ()


def compared(block: BlockRef, cycles: Sequence[MarketCycle], told: Told, markets: Iterable[Looked] = ()) -> Compared:
    """Every position that the truth knows and every total; one that we have not read, or that is not there at all, is a difference."""
    rows = {row.reading.key: row for cycle in cycles for row in cycle.rows}
    found = [*_totals(block, cycles, told)]
    for key in told.positions.keys() | rows.keys():
        found += _position(block, key, rows.get(key), told.positions.get(key))
    figures = sum(map(len, told.positions.values())) + sum(map(len, told.totals.values()))
    verdicts = {key: bool(seen["liquidatable"]) for key, seen in told.positions.items()}
    seen = tuple(markets)
    found += [difference for one in seen for difference in one.differences]
    return Compared(block, verdicts, figures, tuple(found), seen)


def _position(
    block: BlockRef, key: PositionKey, row: Row | None, told: Mapping[str, Any] | None
) -> Iterator[Difference]:
    if row is None or told is None or row.reading.valuation is None:
        ours = "no such position" if row is None else row.reading.reason or row.reading.status.value
        yield Difference(
            block.number, key.market, key, "position", ours, "no such position" if told is None else "there"
        )
        return
    for one in compare(row.reading.valuation, Reported(key, Which.ALL, told)):
        yield Difference(block.number, key.market, key, one.field, one.ours, one.theirs)
    for one in row.mismatches:
        yield Difference(block.number, key.market, key, one.field, one.ours, one.theirs)


def _totals(block: BlockRef, cycles: Sequence[MarketCycle], told: Told) -> Iterator[Difference]:
    read = {cycle.market.name: cycle for cycle in cycles}
    for market, totals in told.totals.items():
        cycle = read.get(market)
        if cycle is None or cycle.error is not None or not cycle.rows:
            ours = "not read" if cycle is None or cycle.error is None else str(cycle.error)
            yield Difference(block.number, market, None, "market", ours, "there")
            continue
        (panel,) = adapter(cycle.market.protocol).panels(cycle.terms, cycle.quote)
        for name, theirs in totals.items():
            if getattr(panel, name) != theirs:
                yield Difference(block.number, market, None, name, getattr(panel, name), theirs)


@dataclass(slots=True)
class Tally:
    """What has been compared so far, by block hash; what a reorg replaced is dropped, but a difference stays."""

    blocks: dict[str, Compared] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def add(self, one: Compared) -> None:
        self.blocks[one.block.hash] = one
        self.differences += one.differences

    def drop(self, gone: Iterable[BlockRef]) -> None:
        for block in gone:
            del self.blocks[block.hash]

    @property
    def refs(self) -> tuple[BlockRef, ...]:
        """The blocks that count, oldest first."""
        return tuple(sorted((one.block for one in self.blocks.values()), key=lambda block: block.number))

    @property
    def comparisons(self) -> int:
        """Pairs of a position and a block; blocks are told apart by their time, so that each follows a change of time at least."""
        return len({(key, one.block.timestamp) for one in self.blocks.values() for key in one.liquidatable})

    @property
    def looks(self) -> tuple[Looked, ...]:
        """Every followed market at every block that counts."""
        return tuple(look for one in self.blocks.values() for look in one.markets)

    def crossed(self) -> frozenset[PositionKey]:
        """Positions that the contract protected at one block and gave up at a later one."""
        safe: set[PositionKey] = set()
        found: set[PositionKey] = set()
        for block in self.refs:
            for key, liquidatable in self.blocks[block.hash].liquidatable.items():
                if liquidatable and key in safe:
                    found.add(key)
                if not liquidatable:
                    safe.add(key)
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Account:
    """What the store tells of a whole run. `crowd` are the changes in followed markets, stored and expected; the other two are those of
    wallets. `unwatched` counts the blocks in the gaps.
    """

    transitions: int
    expected: int
    crowd: tuple[int, int]
    retractions: int
    gaps: int
    unwatched: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a whole run comes to. `crossed` counts positions by protocol, `replaced` the recorded blocks that the reorg took away."""

    accounts: int
    positions: int
    blocks: int
    comparisons: int
    figures: int
    differences: tuple[Difference, ...]
    crossed: Mapping[str, int]
    liquidations: int
    reorgs: int
    replaced: int
    faults: int
    kills: int
    account: Account
    whole: Whole
    seconds: float

    @property
    def broken(self) -> tuple[str, ...]:
        """The promises that were not kept; empty after a good run."""
        wanted = [
            (not self.differences, f"{len(self.differences)} mismatches"),
            (self.comparisons >= ENOUGH, f"only {self.comparisons} comparisons, {ENOUGH} are promised"),
            *((self.crossed.get(p, 0) > 0, f"no position crossed its line on {name}") for p, name in PROTOCOLS.items()),
            (self.liquidations == 1, f"{self.liquidations} liquidations, not 1"),
            (
                self.reorgs == 1 and self.replaced == DEPTH,
                f"{self.reorgs} reorgs of {self.replaced} blocks were noticed, not 1 of {DEPTH}",
            ),
            (self.faults == 1, f"{self.faults} poisoned replies were refused, not 1"),
            (self.kills == 1, f"{self.kills} kills, not 1"),
            (self.account.retractions > 0, "the reorg took no change back"),
            (self.account.gaps > 0, "no gap is stored, although blocks were played while nobody watched"),
            *self.whole.broken(),
        ]
        return tuple(text for kept, text in wanted if not kept)

    def document(self) -> dict[str, Any]:
        """For --json. Counts are numbers: none of them is an amount."""
        return {
            "accounts": self.accounts,
            "positions": self.positions,
            "blocks": self.blocks,
            "comparisons": self.comparisons,
            "figures": self.figures,
            "mismatches": len(self.differences),
            "crossed": dict(self.crossed),
            "liquidations": self.liquidations,
            "reorgs": self.reorgs,
            "replaced_blocks": self.replaced,
            "faults": self.faults,
            "transitions": self.account.transitions,
            "expected_transitions": self.account.expected,
            "retractions": self.account.retractions,
            "kills": self.kills,
            "gaps": self.account.gaps,
            "unwatched_blocks": self.account.unwatched,
            "followed": self.whole.document(),
            "seconds": round(self.seconds, 1),
            "ok": not self.broken,
            "broken": list(self.broken),
            "differences": [str(one) for one in self.differences],
        }


def by_protocol(crossed: Iterable[PositionKey], protocols: Mapping[str, str]) -> dict[str, int]:
    """How many positions crossed, by protocol; `protocols` gives that of a market's name."""
    counts = Counter(protocols[key.market] for key in crossed)
    return {protocol: counts[protocol] for protocol in PROTOCOLS}
