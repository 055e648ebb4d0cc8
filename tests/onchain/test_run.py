"""`watcher run` on the real contracts: what it records is what the contracts say, and what it tells is what happened."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.onchain.account_scene import OWNER, Said, borrowed, configured, indebted, user_data
from tests.onchain.conftest import Local
from watcher.__main__ import main
from watcher.config import Endpoint, dump
from watcher.exit import Exit
from watcher.localchain.anvil import Anvil, free_port
from watcher.localchain.scenario import reorg, set_price
from watcher.model import Side, Status, Transition
from watcher.store import outbox, recall
from watcher.store.open import open_store

Watch = Callable[..., Said]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "watcher.db"


@pytest.fixture
def run(local: Local, tmp_path: Path, db: Path, capsys: pytest.CaptureFixture[str]) -> Watch:
    """``run("--cycles", "3")``: the owner's wallet on the local chain; once unless something else is asked."""

    def go(*arguments: str, toml: str = "", url: str = "") -> Said:
        chain = configured(local, [Endpoint("node", url)] if url else ())
        (tmp_path / "chains.toml").write_text(dump(replace(chain, markets=(*chain.markets,))), encoding="utf-8")
        path = tmp_path / "watcher.toml"
        path.write_text(
            f'chains_file = "chains.toml"\ndb = "{db.name}"\n[[wallets]]\naddress = "{OWNER}"\nlabel = "savings"\n{toml}'
        )
        capsys.readouterr()
        code = main(["run", "--config", str(path), *(arguments or ("--once",))])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return go


def changes(db: Path, chain: int, *, orphaned: bool = False) -> tuple[Transition, ...]:
    with open_store(db) as store:
        return outbox.transitions(store, chain=chain, orphaned=orphaned)


async def fallen(local: Local, to: int = 115) -> None:
    """Both collaterals of `indebted` lose so much that its health is a little above 1.15; the last block holds the second fall."""
    health = (await local.v36.pool.call("getUserAccountData", OWNER))[5]
    for symbol in ("WETH", "WBTC"):
        reserve = local.v36.reserves[symbol]
        await set_price(reserve.feed, reserve.asset.price * to * 10**16 // health + 1)


def test_one_cycle_records_every_position_at_the_head(local: Local, chain: Anvil, db: Path, run: Watch) -> None:
    asyncio.run(indebted(local.v36))
    asyncio.run(borrowed(local))
    said = run()
    assert said.code == Exit.OK, said.err
    with open_store(db) as store:
        kept = list(recall.readings(store, bytes.fromhex(OWNER[2:])))
        tip = recall.cursor(store, chain.chain_id)
    number = asyncio.run(chain.block_number())
    assert tip is not None
    assert tip.number == number
    assert {one.key.market.rpartition("/")[2] for one in kept} >= {"v36"}
    assert len(kept) == 2
    aave = next(one for one in kept if "aave" in one.key.market)
    assert (aave.collateral, aave.debt, aave.health) == (*user_data(local.v36)[:2], user_data(local.v36)[5])
    assert re.search(rf"block {number}; ", said.err)


def test_a_fall_of_a_price_is_told_once_with_cause_distance_and_what_would_fix_it(
    local: Local, chain: Anvil, db: Path, run: Watch
) -> None:
    asyncio.run(indebted(local.v36))
    first = run()
    asyncio.run(fallen(local))
    second, third = run(), run()
    (begin, fall) = changes(db, chain.chain_id)
    assert (begin.before, fall.before) == (None, begin.after)
    assert fall.health == user_data(local.v36)[5]
    assert fall.after is Status.WARN
    assert fall.distance is not None
    assert {fix.side for fix in fall.fixes if fix.amount} == {Side.COLLATERAL, Side.DEBT}
    assert (second.out.count(fall.id), third.out.count(fall.id), first.out.count(fall.id)) == (1, 0, 0)
    assert "savings" in second.out


def test_an_endpoint_that_is_down_makes_what_was_known_unknown(
    local: Local, chain: Anvil, db: Path, run: Watch
) -> None:
    asyncio.run(indebted(local.v36))
    assert run().code == Exit.OK
    said = run(url=f"http://127.0.0.1:{free_port()}")
    assert said.code == Exit.SOURCE
    assert "UNKNOWN" in said.err
    assert [one.after for one in changes(db, chain.chain_id)][-1] is Status.UNKNOWN
    assert run().code == Exit.OK
    assert changes(db, chain.chain_id)[-1].recovers is not None


def test_f22_a_reorg_while_it_was_down_takes_the_change_back(local: Local, chain: Anvil, db: Path, run: Watch) -> None:
    asyncio.run(indebted(local.v36))
    run()
    asyncio.run(fallen(local))
    run()
    assert len(changes(db, chain.chain_id)) == 2
    asyncio.run(reorg(chain, 2))
    said = run()
    assert said.code == Exit.OK, said.err
    (gone,) = changes(db, chain.chain_id, orphaned=True)
    begin, back = changes(db, chain.chain_id)
    assert back.retracts == gone.id
    assert back.after is begin.after
    assert "RETRACTED" in said.out
