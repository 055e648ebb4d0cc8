"""`watcher scan` on the real contracts: it lists exactly whom the pool itself says is under the limit, to the last unit."""

from __future__ import annotations

import asyncio
import json

from tests.onchain.account_scene import figures
from tests.onchain.scan_scene import Run, accounts, priced, watcher
from watcher.exit import Exit
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.seeder import seed
from watcher.units import WAD

__all__ = ["watcher"]  # a fixture

BORROWERS = 120


def test_it_lists_exactly_whom_the_pool_says_is_under_the_limit(aave: AaveMarket, watcher: Run) -> None:
    owners = asyncio.run(seed(aave, BORROWERS))
    asyncio.run(priced(aave, 88))
    said = watcher("scan", aave.name, "--below", "1.2")
    assert (said.code, said.err) == (Exit.OK, "")
    found = json.loads(said.out)
    truth = accounts(aave, owners)
    wanted = {owner: data for owner, data in truth.items() if data[5] < 12 * WAD // 10}
    assert 0 < len(wanted) < BORROWERS
    assert {row["account"]: figures(row) for row in found["accounts"]} == wanted
    healths = [int(row["health_wad"]) for row in found["accounts"]]
    assert healths == sorted(healths)
    for tier in found["tiers"]:
        line = int(tier["below"].replace(".", "").ljust(3, "0")) * WAD // 100
        under = [data for data in truth.values() if data[5] < line]
        assert int(tier["all"]["accounts"]) == len(under)
    assert found["coverage"]["exact"] and int(found["audit"]["looked"]) >= len(wanted)
