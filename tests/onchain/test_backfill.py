"""`watcher backfill` on the real contracts: what it records of past blocks is what the contracts say of themselves at those blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.chain.server import Front, Oops, serve
from tests.onchain.account_scene import OWNER, Said, borrowed, configured, indebted, user_data
from tests.onchain.conftest import Local
from tests.onchain.morpho_truth import Truth
from watcher.__main__ import main
from watcher.adapter import Position, Which
from watcher.adapters import adapter
from watcher.config import Endpoint, dump
from watcher.exit import Exit
from watcher.localchain import aave_actions, morpho_actions
from watcher.localchain.anvil import Anvil
from watcher.localchain.scenario import account, set_price
from watcher.model import BlockRef, PositionKey, Status
from watcher.store import outbox, recall
from watcher.store.entry import Missed
from watcher.store.history import record
from watcher.store.open import open_store
from watcher.units import MAX

KEY = bytes.fromhex(OWNER[2:])
Backfill = Callable[..., Said]


@dataclass
class Pruned:
    """A node that keeps the state of the blocks from `first` on, and all logs."""

    node: Front
    first: int

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_getBalance" and int(params[1], 16) < self.first:
            raise Oops(-32000, "missing trie node 0a1b (path ) state is not available")
        return await self.node.answer(method, params)


@dataclass
class Tired:
    """A node that goes away after so many contract calls."""

    node: Front
    calls: int

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        self.calls -= method == "eth_call"
        if self.calls < 0:
            raise Oops(-32603, "internal error")
        return await self.node.answer(method, params)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "watcher.db"


@pytest.fixture
def backfill(local: Local, tmp_path: Path, db: Path, capsys: pytest.CaptureFixture[str]) -> Backfill:
    """``backfill("--from", "120")``: the owner's past on the local chain, whose blocks are all final but the newest."""

    def go(*arguments: str, who: str = OWNER, url: str = "") -> Said:
        chain = configured(local, [Endpoint("node", url)] if url else ())
        path = tmp_path / "chains.toml"
        path.write_text(dump(replace(chain, finality=1)), encoding="utf-8")
        capsys.readouterr()
        code = main(["backfill", who, *arguments, "--chains", str(path), "--db", str(db), "--format", "json"])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return go


async def lived(local: Local) -> int:
    """Three days of a wallet in Aave and Morpho, with hours in which nothing but time passes; the block before they begin."""
    v36, morpho = local.v36, local.morpho
    before = await local.chain.block_number()
    await indebted(v36)
    await morpho_actions.lend(morpho, morpho.markets["WETH/USDC"], account("lender"), 10**12)
    await borrowed(local)
    for hour in range(30):
        await local.chain.advance(3_600)
        match hour:
            case 1:
                await set_price(v36.reserves["WETH"].feed, v36.reserves["WETH"].asset.price * 9 // 10)
            case 2:
                await aave_actions.borrow(v36, OWNER, "USDC", 10**6)
            case 3:
                await aave_actions.set_thresholds(v36, "WETH", 7_500, 7_900, 10_500)
            case 4:
                await morpho_actions.borrow(morpho, morpho.markets["WETH/USDC"], OWNER, 10**6)
    return before


def stored(db: Path) -> list[recall.Kept]:
    with open_store(db) as store:
        return list(recall.readings(store, KEY))


def test_every_reading_is_what_the_contracts_say_at_its_block(
    local: Local, chain: Anvil, db: Path, backfill: Backfill
) -> None:
    first = asyncio.run(lived(local))
    said = backfill("--from", str(first))
    assert said.code == Exit.OK, said.err
    kept = stored(db)
    aave = [one for one in kept if "aave" in one.key.market]
    morpho = [one for one in kept if "morpho" in one.key.market]
    assert len(aave) > 30
    assert len(morpho) > 5
    assert all(one.exact and one.backfilled for one in kept)
    for one in aave:
        collateral, debt, _, _, _, factor = user_data(local.v36, OWNER, one.block.number)
        assert (one.collateral, one.debt, one.health) == (collateral, debt, None if factor == MAX else factor)
    owed = asyncio.run(morpho_debts(local, [one.block for one in morpho]))
    assert [one.debt for one in morpho] == owed
    assert len(set(owed)) > 5


async def morpho_debts(local: Local, blocks: Sequence[BlockRef]) -> list[int]:
    """What Morpho's own accrual makes of the owner's shares at each block, rounded up as SharesMathLib.toAssetsUp does."""
    truth, market = Truth(local.morpho), local.morpho.markets["WETH/USDC"]
    found = []
    try:
        for block in blocks:
            _, _, assets, shares, *_ = await truth.totals(market, block.number)
            asked = truth.morpho.functions.position(market.id, OWNER)
            _, own, _ = await asked.call(block_identifier=block.number)
            found.append(-(-own * (assets + 1) // (shares + 10**6)))
    finally:
        await truth.close()
    return found


def test_every_reading_comes_out_of_the_stored_words_again(
    local: Local, chain: Anvil, db: Path, backfill: Backfill
) -> None:
    first = asyncio.run(lived(local))
    assert backfill("--from", str(first)).code == Exit.OK
    compared = 0
    with open_store(db) as store:
        for market in recall.markets(store, chain.chain_id):
            of = adapter(market.protocol)
            for found in recall.course(store, of, market, PositionKey(market.name, KEY)):
                quote = of.accrue(found.terms, found.quote, found.kept.block, Which.ALL)
                worth = Position(of, found.terms, quote, found.holding).value()
                assert (worth.collateral, worth.debt, worth.health) == (
                    found.kept.collateral,
                    found.kept.debt,
                    found.kept.health,
                )
                compared += 1
    assert compared == len(stored(db))


def test_the_grid_and_the_moves_are_read_and_no_other_block(
    local: Local, chain: Anvil, db: Path, backfill: Backfill
) -> None:
    first = asyncio.run(lived(local))
    last = asyncio.run(chain.block_number())
    assert backfill("--from", str(last - 20), "--every", "30d").code == Exit.OK
    sparse = {one.block.number for one in stored(db) if "aave" in one.key.market}
    flags = asyncio.run(moved_in_aave(local, last - 20, last - 1))
    assert sparse == {last - 20} | flags
    assert backfill("--from", str(first), "--every", "1h").code == Exit.OK
    times = sorted({one.block.timestamp for one in stored(db)})
    assert max(b - a for a, b in pairwise(times)) <= 86_400 + 3_600


async def moved_in_aave(local: Local, first: int, last: int) -> set[int]:
    """By the node's own logs: blocks with a log of one of the market's tokens that names the owner."""
    word = "0x" + "00" * 12 + OWNER[2:].lower()
    reserves = local.v36.reserves.values()
    tokens = {token.address.lower() for reserve in reserves for token in (reserve.receipt, reserve.debt)}
    logs = await local.chain.rpc("eth_getLogs", {"fromBlock": hex(first), "toBlock": hex(last)})
    return {int(log["blockNumber"], 16) for log in logs if log["address"] in tokens and word in log["topics"][1:]}


def test_what_is_stored_is_not_read_again(local: Local, chain: Anvil, db: Path, backfill: Backfill) -> None:
    first = asyncio.run(lived(local))
    middle = first + 30
    half = backfill("--from", str(first), "--to", str(middle))
    whole = backfill("--from", str(first))
    again = backfill("--from", str(first))
    assert (half.code, whole.code, again.code) == (Exit.OK,) * 3
    (one,), (two,), (three,) = half.all, whole.all, again.all
    assert (two["stored"], three["read"], three["readings"]) == (one["readings"], "0", "0")
    assert int(three["stored"]) == int(one["readings"]) + int(two["readings"]) == len(stored(db))


def test_the_gap_stays_and_nobody_is_told(local: Local, chain: Anvil, db: Path, backfill: Backfill) -> None:
    first = asyncio.run(lived(local))
    last = asyncio.run(chain.block_number())
    gap = Missed(first + 1, last - 1, "the watcher was down")
    found = asyncio.run(chain.rpc("eth_getBlockByNumber", hex(last), False))
    head = BlockRef(last, int(found["timestamp"], 16), chain.chain_id, found["hash"])
    with open_store(db, write=True, create=True) as store:
        record(store, head, (), read_at=head.timestamp, missed=gap)
    assert backfill("--from", str(first)).code == Exit.OK
    with open_store(db) as store:
        assert recall.gaps(store, chain.chain_id) == (gap,)
        assert outbox.transitions(store, chain=chain.chain_id) == ()
        assert recall.cursor(store, chain.chain_id) == head
        for market in recall.markets(store, chain.chain_id):
            assert recall.sightings(store, PositionKey(market.name, KEY), chain.chain_id) == ()


def test_readings_carry_the_bands_and_never_a_bare_debt(
    local: Local, chain: Anvil, db: Path, backfill: Backfill
) -> None:
    first = asyncio.run(lived(local))
    assert backfill("--from", str(first)).code == Exit.OK
    statuses = {one.status for one in stored(db)}
    assert Status.OWING not in statuses
    assert {Status.NO_DEBT, Status.SAFE} <= statuses


def test_a_dry_run_says_the_cost_and_stores_nothing(local: Local, chain: Anvil, db: Path, backfill: Backfill) -> None:
    first = asyncio.run(lived(local))
    said = backfill("--from", str(first), "--every", "6h", "--dry-run")
    assert said.code == Exit.OK, said.err
    (row,) = said.all
    assert int(row["first"]) == first
    assert 5 <= int(row["grid"]) <= 20
    assert int(row["requests"]) > int(row["grid"])
    assert "requests" in said.err
    assert not db.exists()


async def through(made: Callable[[Front], Any], chain: Anvil, backfill: Backfill, *arguments: str) -> Said:
    """A backfill whose only endpoint stands before the node."""
    front = Front(chain.url)
    try:
        async with serve(made(front)) as server:
            return await asyncio.to_thread(backfill, *arguments, url=server.url)
    finally:
        if front.session is not None:
            await front.session.close()


def test_what_was_read_before_the_endpoint_went_away_is_kept_and_the_next_run_reads_the_rest(
    local: Local, chain: Anvil, db: Path, backfill: Backfill
) -> None:
    first = asyncio.run(lived(local))
    broken = asyncio.run(through(lambda node: Tired(node, 150), chain, backfill, "--from", str(first)))
    assert broken.code == Exit.SOURCE
    before = stored(db)
    assert before
    said = backfill("--from", str(first))
    assert said.code == Exit.OK, said.err
    (row,) = said.all
    assert int(row["stored"]) == len(before)
    assert len(stored(db)) == len(before) + int(row["readings"]) > len(before)
    for one in [one for one in stored(db) if "aave" in one.key.market]:
        assert (one.collateral, one.debt) == user_data(local.v36, OWNER, one.block.number)[:2]


def test_who_was_given_a_deposit_has_a_past_from_then_on(
    local: Local, chain: Anvil, db: Path, backfill: Backfill
) -> None:
    first, heir = asyncio.run(lived(local)), account("heir of a wallet")
    given = asyncio.run(inherited(local, heir))
    assert backfill("--from", str(first), who=heir).code == Exit.OK
    with open_store(db) as store:
        kept = list(recall.readings(store, bytes.fromhex(heir[2:])))
    assert next(one.block.number for one in kept) == given
    assert [one.collateral for one in kept] == [user_data(local.v36, heir, one.block.number)[0] for one in kept]


async def inherited(local: Local, heir: str) -> int:
    """The block at which a tenth of a WETH deposit changes its owner."""
    await aave_actions.transfer_receipt(local.v36, OWNER, heir, "WETH", 10**17)
    block = await local.chain.block_number()
    await local.chain.advance(7_200)
    await local.chain.mine()
    return block


def test_watching_goes_on_after_a_backfill_as_if_there_had_been_none(
    local: Local, chain: Anvil, db: Path, backfill: Backfill, tmp_path: Path
) -> None:
    first = asyncio.run(lived(local))
    path = tmp_path / "watcher.toml"
    path.write_text(f'chains_file = "chains.toml"\ndb = "{db.name}"\n[[wallets]]\naddress = "{OWNER}"\n')
    assert backfill("--from", str(first + 20), "--every", "6h").code == Exit.OK
    assert main(["run", "--config", str(path), "--once"]) == Exit.OK
    with open_store(db) as store:
        told = outbox.transitions(store, chain=chain.chain_id)
    assert backfill("--from", str(first)).code == Exit.OK
    asyncio.run(chain.mine())
    assert main(["run", "--config", str(path), "--once"]) == Exit.OK
    with open_store(db) as store:
        assert outbox.transitions(store, chain=chain.chain_id) == told
        assert {one.before for one in told} == {None}


def test_an_endpoint_without_an_archive_is_named_and_ends_with_4(
    local: Local, chain: Anvil, db: Path, backfill: Backfill
) -> None:
    first = asyncio.run(lived(local))

    said = asyncio.run(through(lambda node: Pruned(node, first + 5), chain, backfill, "--from", str(first)))
    assert said.code == Exit.SOURCE
    assert "archive endpoint" in said.err
    assert "missing trie node" in said.err
    assert stored(db) == []
