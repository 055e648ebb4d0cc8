"""A watcher on a chain that one seed makes up, faults included. `WATCHER_SEED=… pytest tests/simulation` plays a run again."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.simulation.mortal import Mortal
from tests.simulation.run import Simulation
from watcher.model import BlockRef, Sighting, Status, Transition
from watcher.store.entry import Entry, Missed

GIVEN = os.environ.get("WATCHER_SEED")
SEEDS = (int(GIVEN),) if GIVEN else (1, 2)
SPOILED = 30  # the write that a broken journal spoils
HALVES = (int(GIVEN),) if GIVEN else (11, 12)
DAY = 24 * 60 * 60 // 12  # blocks


def played(
    seed: int, folder: Path, blocks: int, look: int, thorough: int, journal: type[Mortal] = Mortal
) -> Simulation:
    """A run to its end. The seed is on the test's output, which pytest shows where it fails."""
    sys.stdout.write(f"replay with WATCHER_SEED={seed}\n")

    async def run() -> Simulation:
        simulation = Simulation(seed, folder, look=look, thorough=thorough, journal=journal)
        try:
            await simulation.run(blocks)
        except BaseException:
            met = ", ".join(f"{name}: {count}" for name, count in sorted(simulation.met.items()))
            sys.stdout.write(f"failed at block {simulation.world.head.number}; {met}\n")
            raise
        return simulation

    return asyncio.run(run())


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_a_seed_makes_of_twenty_minutes_the_store_is_the_chain(seed: int, tmp_path: Path) -> None:
    met = played(seed, tmp_path, 100, 4, 60).met
    assert met["blocks stored"] > 50


@pytest.mark.long
@pytest.mark.parametrize("seed", HALVES)
def test_half_a_day_of_faults_ends_with_store_equal_to_chain_at_every_recorded_block(seed: int, tmp_path: Path) -> None:
    """Two of them side by side are twenty-four simulated hours on two cores."""
    met = played(seed, tmp_path, DAY // 2, 60, 2_000).met
    assert met["blocks stored"] > DAY // 4
    assert min(met[name] for name in ("kills", "reorgs", "downtimes", "head gaps of 1,000", "steps of the clock")) > 0


@pytest.mark.long
def test_a_day_of_faults_ends_with_store_equal_to_chain_at_every_recorded_block(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    met = played(SEEDS[0], tmp_path, DAY, 60, 2_000).met
    with capsys.disabled():
        sys.stdout.write("".join(f"\n  {name}: {count}" for name, count in sorted(met.items())) + "\n")
    assert met["blocks stored"] > DAY // 2
    faults = ("kills", "reorgs", "downtimes", "all endpoints down", "head gaps of 1,000", "steps of the clock")
    assert min(met[name] for name in (*faults, "lies against two", "lies without a majority")) > 0


@dataclass(frozen=True)
class Spoil:
    """What a journal makes of one write, None where it forgets it; `said` is the invariant that finds it out."""

    entries: Callable[[Sequence[Entry]], Sequence[Entry] | None]
    said: str


def safe(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Every status that is written is safe."""
    return [
        replace(one, seen=tuple(replace(seen, sighting=_safe(seen.sighting)) for seen in one.seen)) for one in entries
    ]


def _safe(sighting: Sighting | None) -> Sighting | None:
    return None if sighting is None else replace(sighting, status=Status.SAFE)


def stale(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The quote of every market is forgotten, so that the one before seems to hold."""
    return [replace(one, quote=None, terms=None) for one in entries]


SPOILT = {
    "calls everything safe": Spoil(safe, "is not"),
    "forgets a quote": Spoil(stale, "cannot be had again"),
    "forgets a block": Spoil(lambda entries: None, "no gap says so"),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", SPOILT)
def test_a_journal_that_spoils_one_write_is_found_out(how: str, tmp_path: Path) -> None:
    spoil = SPOILT[how]

    class Spoiling(Mortal):
        written = 0

        async def record(
            self,
            block: BlockRef,
            entries: Sequence[Entry],
            read_at: int,
            transitions: Sequence[Transition],
            missed: Missed | None = None,
        ) -> None:
            Spoiling.written += 1
            kept = spoil.entries(entries) if Spoiling.written == SPOILED else entries
            if kept is not None:
                await super().record(block, kept, read_at, transitions, missed)

    with pytest.raises(AssertionError, match=spoil.said):
        played(1, tmp_path, 100, 1, 75, Spoiling)
