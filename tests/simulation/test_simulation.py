"""A watcher on a chain that one seed makes up, faults included. `WATCHER_SEED=… pytest tests/simulation` plays a run again."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.simulation.run import Simulation

GIVEN = os.environ.get("WATCHER_SEED")
SEEDS = (int(GIVEN),) if GIVEN else (1, 2, 3)
DAY = 24 * 60 * 60 // 12  # blocks


def played(seed: int, folder: Path, blocks: int, look: int, thorough: int) -> Simulation:
    """A run to its end. The seed is on the test's output, which pytest shows where it fails."""
    sys.stdout.write(f"replay with WATCHER_SEED={seed}\n")

    async def run() -> Simulation:
        simulation = Simulation(seed, folder, look=look, thorough=thorough)
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
    met = played(seed, tmp_path, 100, 1, 50).met
    assert met["blocks stored"] > 50


@pytest.mark.long
def test_a_day_of_faults_ends_with_store_equal_to_chain_at_every_recorded_block(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    met = played(SEEDS[0], tmp_path, DAY, 20, 1_500).met
    with capsys.disabled():
        sys.stdout.write("".join(f"\n  {name}: {count}" for name, count in sorted(met.items())) + "\n")
    assert met["blocks stored"] > DAY // 2
    assert min(met["kills"], met["reorgs"], met["downtimes"], met["all endpoints down"]) > 0
