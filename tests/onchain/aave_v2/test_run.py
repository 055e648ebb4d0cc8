"""Three hundred accounts of a real Aave V2 pool through blocks of random transactions, prices and times: twelve, or a hundred with --long.

At every block every field of every account's getUserAccountData, asked by plain web3, equals ours, read as the product reads it. A
failing run is replayed by its seed: ``WATCHER_SEED=… pytest tests/onchain/aave_v2/test_run.py``.
"""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.onchain.acceptance import crowd
from tests.onchain.acceptance.cases import required
from tests.onchain.acceptance.test_run import SEED, played
from watcher.localchain.aave_market import AaveMarket

RUNS = [(12, 1), pytest.param(100, 5, marks=pytest.mark.long)]  # blocks, and how often every case must be met


@pytest.mark.parametrize(("blocks", "least"), RUNS)
def test_every_field_of_every_account_is_the_contracts_at_every_block(
    v2_eth: AaveMarket, blocks: int, least: int, capsys: pytest.CaptureFixture[str]
) -> None:
    sys.stdout.write(f"Aave V2: replay with WATCHER_SEED={SEED}\n")
    run = asyncio.run(played(v2_eth, blocks))
    lines = [f"Aave V2: {len(run.owners)} accounts, {blocks} blocks, {run.compared} comparisons"]
    lines += [f"  {case}: {count}" for case, count in sorted(run.met.items())]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *lines, ""]))
    assert run.compared >= crowd.COUNT * blocks
    assert {case: run.met[case] for case in required(v2_eth.version) if run.met[case] < least} == {}
