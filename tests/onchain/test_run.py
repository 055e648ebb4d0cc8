"""`watcher run` on the real contracts: what it records is what the contracts say, and what it tells is what happened."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.onchain.account_scene import OWNER, Said, borrowed, configured, dead, indebted, user_data
from tests.onchain.conftest import Local
from watcher.__main__ import main
from watcher.config import Chain, Endpoint, dump
from watcher.exit import Exit
from watcher.localchain import aave_actions
from watcher.localchain.anvil import Anvil, free_port
from watcher.localchain.scenario import reorg, set_price, set_sequencer
from watcher.model import DoubtKind, Side, Status, Transition
from watcher.store import outbox, recall
from watcher.store.open import open_store
from watcher.units import WAD
from watcher.watching import session

Watch = Callable[..., Said]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "watcher.db"


@pytest.fixture
def run(local: Local, tmp_path: Path, db: Path, capsys: pytest.CaptureFixture[str]) -> Watch:
    """``run("--cycles", "3")``: the owner's wallet on the local chain; once unless something else is asked."""

    def go(*arguments: str, toml: str = "", url: str = "", more: Sequence[Chain] = ()) -> Said:
        chain = replace(configured(local, [Endpoint("node", url)] if url else ()), block_time=Decimal(1))
        (tmp_path / "chains.toml").write_text("\n".join(map(dump, (chain, *more))), encoding="utf-8")
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


class AfterFirst(logging.Handler):
    """Does something, in a thread of its own, when the first line is logged."""

    def __init__(self, deed: Callable[[], object]) -> None:
        super().__init__()
        self.thread = threading.Thread(target=deed)

    def emit(self, record: logging.LogRecord) -> None:
        if self.thread.ident is None:
            self.thread.start()


def test_a_run_that_goes_on_tells_the_cause_of_a_change(local: Local, chain: Anvil, db: Path, run: Watch) -> None:
    asyncio.run(indebted(local.v36))
    wbtc = local.v36.reserves["WBTC"]
    deed = AfterFirst(lambda: asyncio.run(set_price(wbtc.feed, wbtc.asset.price // 100)))
    log = logging.getLogger("watcher.watching.desk")
    log.addHandler(deed)
    try:
        said = run("--cycles", "2")
    finally:
        log.removeHandler(deed)
    deed.thread.join()
    assert said.code == Exit.OK, said.err
    _, fall = changes(db, chain.chain_id)
    found = re.fullmatch(r"the price of WBTC −99\.00 % \(health −(\d\.\d{4})\)", fall.cause)
    assert found is not None, fall.cause
    assert fall.health_before is not None
    assert fall.health is not None
    assert abs(int(Fraction(found[1]) * WAD) - (fall.health_before - fall.health)) < WAD // 5_000
    assert fall.health == user_data(local.v36)[5]
    assert said.out.count(f"id {fall.id}") == 1


def test_f25_while_the_sequencer_is_down_or_has_just_come_back_there_is_no_all_clear(
    local: Local, chain: Anvil, db: Path, run: Watch
) -> None:
    """The status falls with the protocol's own prices, every reading is marked, and only heads after the grace period lift it."""
    grace, market = 3_600, local.v36

    async def again(up: bool) -> None:
        """The sequencer changes, and all prices are those of the beginning."""
        await set_sequencer(sequencer, up=up, since=await chain.timestamp())
        for symbol in ("WETH", "WBTC", "USDC", "DAI"):
            await set_price(market.reserves[symbol].feed, market.reserves[symbol].asset.price)

    def read() -> tuple[Status, tuple[DoubtKind, ...]]:
        run()
        with open_store(db) as store:
            kept = list(recall.readings(store, bytes.fromhex(OWNER[2:])))[-1]
        assert kept.health == user_data(market)[5]
        return kept.status, tuple(doubt.kind for doubt in kept.doubts)

    asyncio.run(indebted(market))
    sequencer = asyncio.run(aave_actions.install_sentinel(market, grace))
    asyncio.run(again(up=True))
    asyncio.run(chain.advance(2 * grace))
    began, doubts = read()
    assert doubts == ()
    asyncio.run(set_sequencer(sequencer, up=False, since=1))
    asyncio.run(fallen(local))
    assert read() == (Status.WARN, (DoubtKind.SEQUENCER,))
    asyncio.run(again(up=True))
    for _ in range(5):
        asyncio.run(chain.mine())
        assert read() == (began, (DoubtKind.SEQUENCER,))  # the figures are better, the position is not
    assert [one.after for one in changes(db, chain.chain_id)] == [began, Status.WARN]
    asyncio.run(chain.advance(grace + 60))
    for _ in range(3):
        asyncio.run(chain.mine())
        assert read() == (began, ())
    assert [one.after for one in changes(db, chain.chain_id)] == [began, Status.WARN, began]


def test_a_turn_comes_with_the_head_that_the_node_announces_and_not_with_the_next_poll(
    local: Local, chain: Anvil, db: Path, run: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """anvil serves WebSockets on the port of its HTTP."""
    over = threading.Event()

    def blocks() -> None:
        while not over.wait(0.5):
            asyncio.run(chain.mine())

    monkeypatch.setattr(session, "POLL", (3_600.0, 3_600.0))
    monkeypatch.setenv(f"WATCHER_RPC_{chain.chain_id}", chain.url.replace("http:", "ws:"))
    asyncio.run(indebted(local.v36))
    deed = AfterFirst(blocks)
    late = threading.Timer(60.0, os.kill, (os.getpid(), signal.SIGINT))
    late.start()
    log = logging.getLogger("watcher.watching.desk")
    log.addHandler(deed)
    try:
        said = run("--cycles", "3")
    finally:
        late.cancel()
        over.set()
        log.removeHandler(deed)
    deed.thread.join()
    assert said.code == Exit.OK, said.err
    with open_store(db) as store:
        assert len(recall.blocks(store, chain.chain_id)) == 3


def test_the_wall_clocks_jobs_hold_stored_words_against_the_contracts_and_tell_a_price_that_is_old(
    local: Local, chain: Anvil, db: Path, run: Watch
) -> None:
    over = threading.Event()

    def blocks() -> None:
        while not over.wait(0.5):
            asyncio.run(chain.mine())

    async def old() -> None:
        weth = local.v36.reserves["WETH"]
        await set_price(weth.feed, weth.asset.price, await chain.timestamp() - 30 * 3_600)

    asyncio.run(indebted(local.v36))
    asyncio.run(borrowed(local))
    asyncio.run(old())
    deed = AfterFirst(blocks)
    log = logging.getLogger("watcher.watching.desk")
    log.addHandler(deed)
    try:
        said = run("--cycles", "5", toml='[checks]\naudit = "1s"\nprices = "1s"\n')
    finally:
        over.set()
        log.removeHandler(deed)
    deed.thread.join()
    assert said.code == Exit.OK, said.err
    assert "audit: 2 of 2 stored readings are what the contracts say" in said.err
    assert said.out.count("A PRICE IS IN DOUBT") == 1
    assert "the price of WETH was last updated 30 hours ago" in said.out
    assert "THE AUDIT" not in said.out


def test_a_chain_that_is_down_leaves_the_others_running(local: Local, chain: Anvil, db: Path, run: Watch) -> None:
    asyncio.run(indebted(local.v36))
    said = run("--once", more=[dead(local)])
    assert said.code == Exit.SOURCE
    assert re.search(r"dead: UNKNOWN, ", said.err)
    assert [one.block.chain for one in changes(db, chain.chain_id)] == [chain.chain_id]


def test_a_position_that_was_repaid_owes_nothing_and_is_told(local: Local, chain: Anvil, db: Path, run: Watch) -> None:
    async def repaid() -> None:
        for symbol in ("USDC", "DAI"):
            await aave_actions.repay(local.v36, OWNER, symbol, aave_actions.ALL)

    asyncio.run(indebted(local.v36))
    asyncio.run(fallen(local))
    run()
    asyncio.run(repaid())
    for _ in range(3):
        asyncio.run(chain.mine())
        said = run()
    assert [one.after for one in changes(db, chain.chain_id)] == [Status.WARN, Status.NO_DEBT]
    assert "Nothing is owed any more" in said.out
