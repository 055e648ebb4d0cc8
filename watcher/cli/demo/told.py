"""The stored changes, retractions and gaps beside those that there must be: one by one, and every difference by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from watcher.cli.demo.difference import Difference
from watcher.cli.demo.expected import RANKS, Change, Expected, rank
from watcher.cli.demo.stored import Stored
from watcher.cli.demo.tally import Account
from watcher.cycle import MarketCycle
from watcher.model import BlockRef, Transition

if TYPE_CHECKING:
    from watcher.localchain.stage.truth import Told


def account(stored: Stored, expected: Expected, first: int, last: int) -> tuple[Account, tuple[Difference, ...]]:
    """What the store tells of a run, and where that is not what it must.

    `first` and `last` are the numbers of the blocks between which every one was read or lies in a gap.
    """
    standing, orphaned = stored.transitions(), stored.transitions(orphaned=True)
    causes = [one for one in (*standing, *orphaned) if one.retracts is None]
    back = {one.id: one for one in causes}
    taken = [
        Change(one.key, back[one.retracts].block, one.before, one.after) for one in standing if one.retracts in back
    ]
    retracted = [one for one in standing if one.retracts is not None]
    gaps = stored.gaps()
    wanted = (*expected.changes(), *expected.gone)
    differences = (
        *apart("change", map(change, causes), wanted),
        *apart("orphaned change", map(change, orphaned), expected.gone),
        *apart("retraction", taken, expected.retractions),
        *unaccounted(stored.blocks(), [range(gap.first, gap.last + 1) for gap in gaps], range(first, last + 1)),
    )
    missed = sum(gap.last - gap.first + 1 for gap in gaps)
    crowd = sum(one.key in expected.crowd for one in causes), sum(one.key in expected.crowd for one in wanted)
    own = len(causes) - crowd[0], len(wanted) - crowd[1]
    return Account(*own, crowd, len(retracted), len(gaps), missed), differences


def bands(block: BlockRef, cycles: Iterable[MarketCycle], told: Told) -> Iterator[Difference]:
    """Every stored status beside the band that the contracts' own figures give."""
    for row in (row for cycle in cycles for row in cycle.rows):
        margin, ours = told.margins.get(row.reading.key), row.reading.status.value
        if margin is not None and ours != (theirs := RANKS[rank(margin)]):
            yield Difference(block.number, row.market.name, row.reading.key, "status", ours, theirs)


def change(one: Transition) -> Change:
    return Change(one.key, one.block, None if one.before is None else one.before.value, one.after.value)


def apart(what: str, ours: Iterable[Change], theirs: Iterable[Change]) -> Iterator[Difference]:
    """What only one of the two has, each as often as it has it more."""
    found, wanted = Counter(ours), Counter(theirs)
    for one in (found - wanted).elements():
        yield Difference(one.block.number, one.key.market, one.key, what, words(one), "none")
    for one in (wanted - found).elements():
        yield Difference(one.block.number, one.key.market, one.key, what, "none", words(one))


def words(one: Change) -> str:
    return f"{one.before} → {one.after}" if one.before else one.after


def unaccounted(blocks: Iterable[BlockRef], gaps: Sequence[range], all: range) -> Iterator[Difference]:
    """Blocks that are neither stored nor in a gap, or both, or that were never there."""
    read = {block.number for block in blocks}
    for number in sorted(read.union(all, *gaps)):
        ours = ["read"] * (number in read) + ["in a gap"] * sum(number in gap for gap in gaps)
        if len(ours) != 1 or number not in all:
            yield Difference(
                number,
                "the store",
                None,
                "record",
                " and ".join(ours) or "nothing",
                "there" if number in all else "none",
            )
