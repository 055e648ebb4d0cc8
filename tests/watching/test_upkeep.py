"""Jobs of the wall clock: stored words held against the contract, and doubts about prices, told when they begin and when they are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chain.faults import error
from tests.chain.server import Server, serve
from tests.lending import OWNER, Lending, chain_at
from tests.watching.scene import COIN, GENESIS, Forking, Scene, forking, scene
from tests.watching.test_desk import Heard, Rung, desk
from watcher.alerts.message import Subject
from watcher.connection import connect
from watcher.health.bands import CORRELATED, VOLATILE
from watcher.model import Doubt, DoubtKind, PositionKey, Status
from watcher.oracle.feed import OLD
from watcher.store import recall
from watcher.store.open import open_store
from watcher.watching.audit import AGE, STATE, Finding, audited, order
from watcher.watching.chain import WatchedChain
from watcher.watching.desk import Desk
from watcher.watching.journal import Journal
from watcher.watching.policy import Policy
from watcher.watching.upkeep import Upkeep


def who(key: PositionKey) -> Subject:
    return Subject("savings")


def upkeep(desk: Desk, journal: Journal) -> Upkeep:
    return Upkeep(desk, journal, {}, who)


@dataclass
class Watched:
    """A chain behind several endpoints. ``at.lendings[1].pools["eth"].debt = …`` makes the second one a liar."""

    lendings: list[Lending]
    nodes: list[Forking]
    servers: list[Server]
    chain: WatchedChain
    journal: Journal

    def grow(self, blocks: int) -> None:
        for node in self.nodes:
            node.head += blocks

    async def turns(self, count: int) -> None:
        for _ in range(count):
            self.grow(1)
            await self.chain.turn()

    def doubts(self, number: int) -> tuple[Doubt, ...]:
        (kept,) = [
            one for one in recall.readings(self.journal.store, bytes.fromhex(OWNER[2:])) if one.block.number == number
        ]
        return kept.doubts


@asynccontextmanager
async def watched(folder: Path, count: int) -> AsyncIterator[Watched]:
    lendings = [Lending() for _ in range(count)]
    for lending in lendings:
        lending.pool("eth")
    nodes = [forking(lending) for lending in lendings]
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serve(node, name=f"n{i}")) for i, node in enumerate(nodes)]
        line = await stack.enter_async_context(connect(chain_at(*servers, markets=(lendings[0].market("eth"),))))
        journal = Journal(open_store(folder / "watcher.db", write=True, create=True), ())
        stack.callback(journal.close)
        chain = WatchedChain(line, (OWNER,), Policy((), (), VOLATILE, CORRELATED), journal)
        yield Watched(lendings, nodes, servers, chain, journal)


def story(folder: Path, count: int, told: Callable[[Watched], Awaitable[None]]) -> None:
    async def main() -> None:
        async with watched(folder, count) as at:
            await told(at)

    asyncio.run(main())


def calls(server: Server) -> int:
    return sum(one == "eth_call" or (isinstance(one, tuple) and "eth_call" in one) for one in server.seen)


def test_stored_words_that_are_the_contracts_are_no_finding_and_a_third_endpoint_says_so(tmp_path: Path) -> None:
    async def told(at: Watched) -> None:
        await at.turns(2)
        at.grow(AGE + 3)
        await at.chain.turn()
        before = [calls(server) for server in at.servers]
        (finding,) = await audited(at.chain)
        assert finding.doubt is None
        assert finding.number == 102  # not the newest, which is in one endpoint's memory
        after = [calls(server) for server in at.servers]
        assert [new > old for old, new in zip(before, after, strict=True)] == [False, False, True]

    story(tmp_path, 3, told)


def test_a_reading_whose_state_is_gone_by_now_is_passed_over_for_the_newest(tmp_path: Path) -> None:
    async def told(at: Watched) -> None:
        await at.turns(1)
        at.grow(STATE + 10)
        await at.chain.turn()
        (finding,) = await audited(at.chain)
        assert finding == Finding(at.chain.markets[0], finding.key, 101 + STATE + 10, None)

    story(tmp_path, 1, told)


def test_an_endpoint_that_was_not_heard_before_and_says_otherwise_is_told_and_nothing_is_repaired(
    tmp_path: Path,
) -> None:
    async def told(at: Watched) -> None:
        at.lendings[2].pools["eth"].debt = 51 * COIN
        await at.turns(2)
        kept = list(recall.readings(at.journal.store, bytes.fromhex(OWNER[2:])))
        heard = Heard()
        one = Desk([at.chain], [heard], Rung())
        jobs = upkeep(one, at.journal)
        for _ in range(3):
            await jobs.audit()
        await one.said()
        (message,) = heard.said
        assert message.title == "THE AUDIT DOES NOT AGREE"
        assert "savings · testnet/morpho-blue/eth, block 102, asked of n2: debt: the contract says 5" in message.body
        (doubt,) = at.doubts(102)
        assert doubt.kind is DoubtKind.MISMATCH
        now = list(recall.readings(at.journal.store, bytes.fromhex(OWNER[2:])))
        assert [(was.health, was.status) for was in kept] == [(new.health, new.status) for new in now]
        at.lendings[2].pools["eth"].debt = 50 * COIN
        await jobs.audit()
        await one.said()
        assert heard.said[-1].title == "THE AUDIT AGREES AGAIN"

    story(tmp_path, 3, told)


def test_a_difference_that_cannot_be_looked_at_any_more_is_not_over_and_that_is_told_too(tmp_path: Path) -> None:
    async def told(at: Watched) -> None:
        await at.turns(2)
        at.lendings[0].pools["eth"].debt = 51 * COIN
        heard = Heard()
        one = Desk([at.chain], [heard], Rung())
        jobs = upkeep(one, at.journal)
        await jobs.audit()
        at.servers[0].always = error(-32000, "missing trie node")
        await jobs.audit()
        await one.said()
        titles = [message.title for message in heard.said]
        assert titles == ["THE AUDIT DOES NOT AGREE"] * 2
        assert "could be audited" in heard.said[1].body
        assert len(jobs.audits_open.open) == 2

    story(tmp_path, 1, told)


def test_where_the_state_is_gone_at_every_endpoint_it_is_said_and_never_fine(tmp_path: Path) -> None:
    async def told(at: Watched) -> None:
        await at.turns(2)
        for server in at.servers:
            node = server.node
            assert isinstance(node, Forking)
            node.answers["eth_call"] = "0x"
        (finding,) = await audited(at.chain)
        assert finding.doubt is not None
        assert finding.doubt.kind is DoubtKind.UNAUDITED

    story(tmp_path, 2, told)


def test_f19_a_block_that_is_gone_is_no_finding(tmp_path: Path) -> None:
    async def told(at: Watched) -> None:
        await at.turns(2)
        for node in at.nodes:
            node.reorg(2, 1)
        assert await audited(at.chain) == ()

    story(tmp_path, 1, told)


def test_words_that_were_changed_in_the_store_are_told(tmp_path: Path) -> None:
    async def told(at: Watched) -> None:
        await at.turns(2)
        with at.journal.store.write() as connection:
            connection.exec_driver_sql("UPDATE reading SET debt = (SELECT collateral FROM reading LIMIT 1)")
        (finding,) = await audited(at.chain)
        assert finding.doubt is not None
        assert "the stored words give another health" in finding.doubt.text

    story(tmp_path, 1, told)


def test_only_endpoints_that_were_named_where_the_reading_came_from_are_asked(tmp_path: Path) -> None:
    async def told(at: Watched) -> None:
        line = at.chain.line
        assert order(line, ["n0", "n1"]) == ("n2", "n1", "n0")
        assert order(line, ["n2"]) == ("n0", "n1", "n2")

    story(tmp_path, 3, told)


def said(folder: Path, times: Sequence[int | None]) -> list[tuple[str, str]]:
    """Title and first line of what was said while the feed's time was each of these, in seconds before the block (None: never)."""

    async def main() -> list[tuple[str, str]]:
        heard = Heard()
        async with fed(folder) as at:
            one = desk(at, [heard])
            jobs = upkeep(one, at.journal)
            for seconds in times:
                at.node.head += 1
                block = GENESIS + 12 * at.node.head
                at.lending.pools["eth"].updated = 0 if seconds is None else block - seconds
                await one.turn("testnet")
                await jobs.prices()
            await one.said()
        return [(message.title, message.body.splitlines()[0]) for message in heard.said]

    return asyncio.run(main())


@asynccontextmanager
async def fed(folder: Path) -> AsyncIterator[Scene]:
    """A market whose oracle has a feed that tells its time."""
    async with scene(folder) as at:
        at.lending.pools["eth"].updated = GENESIS
        yield at


def test_f26_a_price_that_grows_old_is_told_once_and_again_when_it_is_fresh(tmp_path: Path) -> None:
    name = "testnet/morpho-blue/eth: the price of COIN was last updated"
    assert said(tmp_path, [60, OLD + 60, OLD + 7_200, OLD + 90_000, 60]) == [
        ("A PRICE IS IN DOUBT", f"{name} 26 hours ago"),
        ("A PRICE IS NOT DOUBTED ANY MORE", f"no longer: {name} 51 hours ago"),
    ]


def test_f26_a_round_that_is_not_complete_is_told(tmp_path: Path) -> None:
    ((title, line),) = said(tmp_path, [60, None, None])
    assert title == "A PRICE IS IN DOUBT"
    assert "a round that is not complete" in line


def test_f26_a_stale_price_is_the_protocols_all_the_same_and_the_reading_says_that_it_is_stale(tmp_path: Path) -> None:
    async def main() -> None:
        async with fed(tmp_path) as at:
            at.health("eth", 120)
            at.lending.pools["eth"].updated = GENESIS + 12 * 101 - OLD - 60
            turn = await at.turn(1)
            assert turn.statuses == (Status.WARN,)
            (kept,) = at.kept()
            assert kept.health is not None
            assert [doubt.kind for doubt in kept.doubts] == [DoubtKind.STALE]
            assert [one.after for one in at.changes()] == [Status.WARN]

    asyncio.run(main())


def test_a_price_that_cannot_be_read_any_more_is_not_free_of_doubt(tmp_path: Path) -> None:
    async def main() -> list[str]:
        heard = Heard()
        async with fed(tmp_path) as at:
            at.lending.pools["eth"].updated = GENESIS + 12 * 101 - OLD - 60
            one = desk(at, [heard])
            jobs = upkeep(one, at.journal)
            at.node.head += 1
            await one.turn("testnet")
            await jobs.prices()
            at.lending.pools["eth"].price = None
            at.node.head += 1
            turn = await one.turn("testnet")
            assert turn is not None
            assert turn.statuses == (Status.UNKNOWN,)
            await jobs.prices()
            await one.said()
        return [message.title for message in heard.said]

    assert asyncio.run(main()) == ["A PRICE IS IN DOUBT"]
