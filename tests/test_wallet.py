"""A wallet on one chain through nodes that fail, lie, lag and change their minds: what is read, what is unknown, and who says so."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.chain.faults import delay, error, hang, result, status
from tests.chain.server import Fault, Scripted, Server, honest, serve
from tests.lending import MORPHO, OWNER, PAR, Lending, chain_at
from watcher.chain.abi import event, function
from watcher.confirm import badness
from watcher.cycle import Row
from watcher.errors import ChainError, StaleHead, Transient
from watcher.model import DoubtKind, Market, Status
from watcher.search import Windows
from watcher.units import WAD
from watcher.wallet import Wallet, read_wallet

Given = Sequence[tuple[str, Scripted] | tuple[str, Scripted, Fault]]


def lending(**pools: Any) -> Lending:
    """Markets of these names; the values of each are fields of its `Pool`."""
    made = Lending()
    for name, values in pools.items():
        made.pool(name, **values)
    return made


def wallet(
    given: Given,
    markets: Sequence[Market],
    *,
    seen: list[Server] | None = None,
    chain: dict[str, Any] | None = None,
    **asked: Any,
) -> Wallet:
    """`OWNER`'s wallet read from nodes with these names."""

    async def run() -> Wallet:
        async with AsyncExitStack() as stack:
            servers = [
                await stack.enter_async_context(serve(node, name=name, always=fault[0] if fault else honest))
                for name, node, *fault in given
            ]
            if seen is not None:
                seen.extend(servers)
            return await read_wallet(chain_at(*servers, markets=tuple(markets), **(chain or {})), [OWNER], **asked)

    return asyncio.run(run())


def rows(found: Wallet) -> list[Row]:
    assert found.error is None
    return [row for cycle in found.markets for row in cycle.rows]


def health(row: Row) -> int | None:
    assert row.reading.valuation is not None
    return row.reading.valuation.health


HONEST = WAD * 8 // 5  # 100 of collateral at 80 %, 50 of debt


# --- one endpoint, and two that agree ---


def test_one_endpoint_is_read_and_confirmed_by_nobody() -> None:
    chain = lending(eth={})
    found = wallet([("a", chain.node())], [chain.market("eth")])
    assert [health(row) for row in rows(found)] == [HONEST]
    assert (found.confirmed_by, found.notes, found.complete) == (1, (), True)


def test_two_endpoints_that_say_the_same_confirm_each_other() -> None:
    chain = lending(eth={}, btc={"debt": 20 * 10**18})
    found = wallet([("a", chain.node()), ("b", chain.node())], [chain.market("eth"), chain.market("btc")])
    assert [health(row) for row in rows(found)] == [HONEST, 4 * WAD]
    assert (found.confirmed_by, found.notes) == (2, ())
    assert not any(row.reading.doubts for row in rows(found))


def test_a_second_endpoint_is_not_asked_where_no_confirmation_is_wanted() -> None:
    chain = lending(eth={})
    servers: list[Server] = []
    nodes = [("a", chain.node()), ("b", chain.node())]
    found = wallet(nodes, [chain.market("eth")], seen=servers, confirm=False)
    assert found.confirmed_by == 1
    assert servers[1].seen == ["eth_chainId", "eth_getBlockByNumber"]  # its head only


# --- F14: the same block, another answer ---

LIES = {
    "a holding": {"debt": 70 * 10**18},
    "a price": {"price": PAR * 7 // 10},
    "that nothing is held": {"debt": 0, "collateral": 0},
    "that the oracle reverts": {"price": None},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
@pytest.mark.parametrize("place", [0, 1])
def test_f14_two_of_three_outvote_a_liar_who_is_named(
    lie: dict[str, Any], place: int, caplog: pytest.LogCaptureFixture
) -> None:
    truth = lending(eth={})
    nodes = [("b", truth.node()), ("c", truth.node())]
    nodes.insert(place, ("liar", lending(eth=lie).node()))
    with caplog.at_level(logging.INFO, "watcher"):
        found = wallet(nodes, [truth.market("eth")])
    (row,) = rows(found)
    assert health(row) == HONEST
    (doubt,) = row.reading.doubts
    assert doubt.kind is DoubtKind.DISPUTED
    assert doubt.text == "liar answers differently at this block; 2 others agree on what is shown"
    assert found.notes == (
        "liar answers differently from 2 others for testnet/morpho-blue/eth at block 100, and is not believed",
    )
    assert found.notes[0] in caplog.text
    assert found.confirmed_by == 2


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize(
    ("lie", "expected"),
    [
        ({"debt": 70 * 10**18}, Status.OWING),
        ({"debt": 90 * 10**18}, Status.LIQUIDATABLE),
        ({"debt": 10 * 10**18}, Status.OWING),
        ({"debt": 0, "collateral": 0}, Status.OWING),
        ({"debt": 0}, Status.OWING),
        ({"price": None}, Status.UNKNOWN),
        ({"price": 0}, Status.UNKNOWN),
    ],
)
def test_f14_without_a_majority_the_worse_is_shown_with_its_doubt(
    lie: dict[str, Any], expected: Status, order: tuple[str, str]
) -> None:
    truth, lies = lending(eth={}), lending(eth=lie)
    named = {"a": truth.node(), "b": lies.node()}
    found = wallet([(name, named[name]) for name in order], [truth.market("eth")])
    (row,) = rows(found)
    assert row.reading.status is expected
    if row.reading.valuation is not None:
        alone = wallet([("b", lies.node())], [truth.market("eth")])
        healths = [h for h in (HONEST, *(health(one) for one in rows(alone))) if h is not None]
        assert health(row) == min(healths)
    assert [doubt.kind for doubt in row.reading.doubts if doubt.kind is DoubtKind.DISPUTED] == [DoubtKind.DISPUTED]
    assert "no majority decides" in found.notes[0]
    assert found.confirmed_by == 1


def test_f14_a_market_that_one_endpoint_says_does_not_exist_is_unknown_unless_the_other_sees_it_past_the_line() -> None:
    truth, falling = lending(eth={}), lending(eth={"debt": 90 * 10**18})
    nowhere = lending(btc={})
    found = wallet([("a", truth.node()), ("b", nowhere.node())], [truth.market("eth")])
    (row,) = rows(found)
    assert (row.reading.status, row.reading.valuation) == (Status.UNKNOWN, None)
    assert "has no market" in (row.reading.reason or "")
    found = wallet([("a", nowhere.node()), ("b", falling.node())], [truth.market("eth")])
    assert [one.reading.status for one in rows(found)] == [Status.LIQUIDATABLE]


def test_f14_only_the_market_that_is_lied_about_is_in_doubt() -> None:
    truth, lies = lending(eth={}, btc={}), lending(eth={}, btc={"price": PAR * 9 // 10})
    markets = [truth.market("eth"), truth.market("btc")]
    first, second = rows(wallet([("a", truth.node()), ("b", lies.node())], markets))
    assert (health(first), first.reading.doubts) == (HONEST, ())
    assert (health(second), len(second.reading.doubts)) == (HONEST * 9 // 10, 1)


def test_f14_three_that_all_differ_show_the_worst() -> None:
    nodes = [
        (name, lending(eth={"debt": debt * 10**18}).node()) for name, debt in zip("abc", (50, 40, 60), strict=True)
    ]
    found = wallet(nodes, [lending(eth={}).market("eth")])
    (row,) = rows(found)
    assert health(row) == 80 * WAD // 60 // 1  # of the endpoint with 60 of debt, rounded down
    assert found.notes[0].startswith("a and b and c answer differently")


def test_the_order_of_badness_never_puts_unknown_towards_safe() -> None:
    def reading(**pool: Any) -> Any:
        chain = lending(eth=pool)
        return rows(wallet([("a", chain.node())], [chain.market("eth")]))[0].reading

    broken = [reading(debt=debt * 10**18) for debt in (90, 99)]
    ordered = [reading(debt=0), reading(debt=10**18), reading(), reading(price=None), *broken]
    assert [one.status for one in ordered] == [
        Status.NO_DEBT,
        Status.OWING,
        Status.OWING,
        Status.UNKNOWN,
        Status.LIQUIDATABLE,
        Status.LIQUIDATABLE,
    ]
    assert sorted(ordered, key=badness) == ordered


def test_every_status_has_its_badness_and_debt_without_a_health_is_a_bug() -> None:
    (row,) = rows(wallet([("a", lending(eth={}).node())], [lending(eth={}).market("eth")]))
    ranks = {status: badness(replace(row.reading, status=status))[0] for status in Status}
    assert [status for status in Status if ranks[status] == 1] == [
        status for status in Status if status not in (Status.LIQUIDATABLE, Status.UNKNOWN, Status.NO_DEBT)
    ]
    with pytest.raises(ValueError, match="has a health"):
        badness(replace(row.reading, valuation=None))


# --- a second endpoint that is no help ---


def after_the_head(fault: Fault) -> Fault:
    """Honest about blocks, `fault` about everything that is read at one."""

    async def played(exchange: Any) -> Any:
        asked = exchange.asked if isinstance(exchange.asked, list) else [exchange.asked]
        blocks = all(one["method"].startswith("eth_getBlock") for one in asked)
        return await (honest if blocks else fault)(exchange)

    return played


USELESS = {
    "fails": after_the_head(status(404)),
    "hangs": after_the_head(hang),
    "does not know the block": after_the_head(error(-32000, "header not found")),
    "reverts everything it is asked": after_the_head(error(-32601, "method not found")),
}


@pytest.mark.parametrize("fault", USELESS.values(), ids=USELESS)
@pytest.mark.parametrize("place", [0, 1])
def test_an_endpoint_that_is_no_help_is_a_note_and_never_makes_the_wallet_unknown(fault: Fault, place: int) -> None:
    chain = lending(eth={})
    nodes: list[Any] = [("good", chain.node())]
    nodes.insert(place, ("bad", chain.node(), fault))
    found = wallet(nodes, [chain.market("eth")])
    assert [health(row) for row in rows(found)] == [HONEST]
    assert found.complete
    assert found.confirmed_by == 1
    assert any("bad" in note for note in found.notes)


def without(selector: bytes) -> Fault:
    """A node that refuses every request with this function in it."""

    async def played(exchange: Any) -> Any:
        return await (error(-32601, "not on this plan") if selector.hex() in json.dumps(exchange.asked) else honest)(
            exchange
        )

    return played


def test_f14_a_third_endpoint_that_hangs_leaves_the_dispute_as_it_is() -> None:
    truth, lies = lending(eth={}), lending(eth={"debt": 10 * 10**18})
    nodes: Given = [("a", truth.node()), ("b", lies.node()), ("c", truth.node(), after_the_head(hang))]
    found = wallet(nodes, [truth.market("eth")], deadline=2.0)
    (row,) = rows(found)
    assert health(row) == HONEST
    assert [doubt.text for doubt in row.reading.doubts if doubt.kind is DoubtKind.DISPUTED] == [
        "a and b answer differently at this block; the worst of it is shown"
    ]


def test_where_each_endpoint_refuses_something_else_the_two_together_are_read() -> None:
    chain = lending(eth={})
    no_prices = without(function("morpho_blue/oracle.price").selector)
    no_totals = without(function("morpho_blue/morpho.market").selector)
    found = wallet([("a", chain.node(), no_prices), ("b", chain.node(), no_totals)], [chain.market("eth")])
    assert [health(row) for row in rows(found)] == [HONEST]
    assert found.confirmed_by == 1
    assert [note.partition(":")[0] for note in found.notes] == ["not confirmed by a", "not confirmed by b"]


@pytest.mark.parametrize("place", [0, 1])
def test_an_endpoint_that_always_says_the_block_has_changed_is_not_heeded_for_ever(place: int) -> None:
    async def changed(exchange: Any) -> Any:
        asked = exchange.asked
        if isinstance(asked, dict) and asked["method"] == "eth_getBlockByNumber" and asked["params"][0] != "latest":
            return await result(exchange.honest["result"] | {"hash": "0x" + "ee" * 32})(exchange)
        return await honest(exchange)

    chain = lending(eth={})
    nodes: list[Any] = [("good", chain.node())]
    nodes.insert(place, ("bad", chain.node(), changed))
    found = wallet(nodes, [chain.market("eth")])
    assert [health(row) for row in rows(found)] == [HONEST]
    assert found.confirmed_by == 1
    assert any(note.startswith("not confirmed by bad: block 100") for note in found.notes)


def test_a_market_in_which_nothing_is_held_is_confirmed_by_its_quote() -> None:
    nothing, other = ({"debt": 0, "collateral": 0, "price": price} for price in (PAR, 2 * PAR))
    truth = lending(eth=nothing)
    same = wallet([("a", truth.node()), ("b", truth.node())], [truth.market("eth")])
    assert (rows(same), same.confirmed_by, same.complete) == ([], 2, True)
    differing = wallet([("a", truth.node()), ("b", lending(eth=other).node())], [truth.market("eth")])
    assert (rows(differing), differing.confirmed_by) == ([], 1)
    assert "no majority decides" in differing.notes[0]


def test_f13_the_wallet_is_read_where_the_majority_is() -> None:
    chain = lending(eth={})
    nodes = [("liar", lending(eth={"debt": 1}).node(branch="private")), ("b", chain.node()), ("c", chain.node())]
    found = wallet(nodes, [chain.market("eth")])
    assert [health(row) for row in rows(found)] == [HONEST]
    assert found.confirmed_by == 2
    assert found.notes == ("liar has another block 100 than most, a fork of its own, and was not asked",)


# --- F27, F28: prices ---


@pytest.mark.parametrize("price", [0, None], ids=["f27 zero", "f28 reverts"])
def test_a_price_that_is_none_makes_its_positions_unknown_and_no_others(price: int | None) -> None:
    chain = lending(good={}, bad={"price": price}, other={"debt": 20 * 10**18})
    found = wallet([("a", chain.node())], [chain.market(name) for name in ("good", "bad", "other")])
    good, bad, other = rows(found)
    assert (health(good), health(other)) == (HONEST, 4 * WAD)
    assert (bad.reading.status, bad.reading.valuation) == (Status.UNKNOWN, None)
    assert bad.reading.reason is not None
    assert "price" in bad.reading.reason
    assert not found.complete


def test_f28_a_market_that_reverts_altogether_leaves_the_others() -> None:
    chain = lending(good={})
    missing = replace(chain.market("good"), id=bytes(32), name="testnet/morpho-blue/missing")
    found = wallet([("a", chain.node())], [missing, chain.market("good")])
    assert [health(row) for row in rows(found)] == [HONEST]
    assert "has no market" in str(found.markets[0].error)
    assert not found.complete


# --- blocks that go away ---


@dataclass
class Reorganised(Scripted):
    """Its newest block is replaced whenever something was read at it, `times` times."""

    times: int = 1

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        found = await super().answer(method, params)
        if method == "eth_call" and self.times > 0:
            self.times -= 1
            self.branch += "'"
        return found


def reorganised(chain: Lending, times: int) -> Reorganised:
    node = chain.node()
    return Reorganised(call=node.call, answers=node.answers, times=times)


def test_a_block_that_is_replaced_while_it_is_read_is_read_again() -> None:
    chain = lending(eth={})
    found = wallet([("a", reorganised(chain, 1))], [chain.market("eth")])
    assert [health(row) for row in rows(found)] == [HONEST]
    assert found.block is not None
    assert found.block.hash == Scripted(branch="main'").hash(100)


def test_a_block_of_a_given_number_is_read_again_by_its_new_hash() -> None:
    chain = lending(eth={})
    found = wallet([("a", reorganised(chain, 1))], [chain.market("eth")], number=100)
    assert found.block is not None
    assert found.block.hash == Scripted(branch="main'").hash(100)


def test_a_chain_that_never_settles_is_unknown_with_what_to_do() -> None:
    chain = lending(eth={})
    found = wallet([("a", reorganised(chain, 10**6))], [chain.market("eth")])
    assert isinstance(found.error, ChainError)
    assert "keep being replaced; try again in a minute" in str(found.error)
    assert (found.block, found.confirmed_by, found.complete) == (None, 0, False)


def test_f24_an_old_head_is_unknown_with_what_to_do() -> None:
    chain = lending(eth={})
    found = wallet([("a", chain.node())], [chain.market("eth")], chain={"stale_head": 60})
    assert isinstance(found.error, StaleHead)
    assert "try another endpoint with --rpc URL" in str(found.error)


# --- the deadline ---


@pytest.mark.parametrize("fault", [hang, after_the_head(hang), after_the_head(delay(60))], ids=["all", "reads", "slow"])
def test_f02_endpoints_that_hang_end_at_the_deadline(fault: Fault) -> None:
    chain = lending(eth={})

    async def run() -> Wallet:
        async with AsyncExitStack() as stack:
            servers = [
                await stack.enter_async_context(serve(chain.node(), name=n, always=fault, gate=fault)) for n in "ab"
            ]
            configured = chain_at(*servers, markets=(chain.market("eth"),))
            async with asyncio.timeout(1.0 + 1.0):
                return await read_wallet(configured, [OWNER], deadline=1.0)

    found = asyncio.run(run())
    assert isinstance(found.error, Transient)
    assert str(found.error) == "a, b: no answer within 1 s; try another endpoint with --rpc URL"


def test_what_was_under_way_at_the_deadline_leaves_no_trace_in_a_loop_that_goes_on() -> None:
    chain = lending(eth={})
    complaints: list[Any] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        async with serve(chain.node(), name="a", always=after_the_head(delay(0.5, status(500)))) as server:
            found = await read_wallet(chain_at(server, markets=(chain.market("eth"),)), [OWNER], deadline=0.3)
            assert found.error is not None
            await asyncio.sleep(0.8)
        gc.collect()

    asyncio.run(run())
    assert complaints == []


# --- markets that the owner's logs name ---

SUPPLIED = "morpho_blue/morpho.SupplyCollateral"


@dataclass
class Limited(Scripted):
    """Serves logs of a few blocks at once; counts the questions for logs, and may stop answering them."""

    served: list[tuple[int, int]] = field(default_factory=list)
    until: int = 10**9

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_getLogs" and "fromBlock" in params[0]:
            span = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
            self.served.append(span)
            found = await super().answer(method, params)
            if span[1] > self.until:
                await asyncio.Event().wait()
            return found
        return await super().answer(method, params)


def entered(chain: Lending, *names: str, at: int = 40, **values: Any) -> Limited:
    """A node with the logs of `OWNER`'s collateral in the markets called `names`."""
    plain = chain.node()
    node = Limited(call=plain.call, answers=plain.answers, **values)
    word = "0x" + "00" * 12 + OWNER[2:].lower()
    for place, name in enumerate(names):
        topics = ["0x" + event(SUPPLIED).topic.hex(), "0x" + chain.pools[name].id.hex(), word, word]
        node.log(at, place, MORPHO, topics, "0x" + (10**20).to_bytes(32).hex())
    return node


SINGLETON = Market(1, "morpho_blue", "testnet/morpho-blue", MORPHO, start=0)


def test_a_market_that_only_the_logs_name_is_read_at_the_same_block() -> None:
    chain = lending(known={}, found={"debt": 20 * 10**18})
    servers: list[Server] = []
    node = entered(chain, "known", "found")
    wanted = {"singletons": (SINGLETON,)}
    found = wallet([("a", node)], [chain.market("known")], chain=wanted, seen=servers)
    assert [health(row) for row in rows(found)] == [HONEST, 4 * WAD]
    assert found.markets[1].market.name == f"testnet/morpho-blue/{chain.pools['found'].id.hex()[:10]}"
    (line,) = found.entered
    assert (line.known, line.complete, line.reason) == (100, True, None)
    assert found.complete


def test_the_search_begins_when_the_known_markets_have_been_read() -> None:
    chain = lending(known={})
    servers: list[Server] = []
    wallet([("a", entered(chain))], [chain.market("known")], chain={"singletons": (SINGLETON,)}, seen=servers)
    wallet([("b", chain.node())], [chain.market("known")], seen=servers)
    flat, alone = ([m for one in server.seen for m in ([one] if isinstance(one, str) else one)] for server in servers)
    before, after = flat[: flat.index("eth_getLogs")], flat[flat.index("eth_getLogs") :]
    # Whether what is held are vault shares, and what stands behind the prices: labels, and the last things that are asked.
    assert after.count("eth_call") == 2
    assert before.count("eth_call") == alone.count("eth_call") - 2


def test_a_search_that_hangs_keeps_what_was_read_and_says_how_far_it_came() -> None:
    chain = lending(known={}, found={})
    node = entered(chain, "found", at=10, until=60, log_limit=(20, "block range limited to 20 blocks"))
    found = wallet([("a", node)], [chain.market("known")], chain={"singletons": (SINGLETON,)}, deadline=2.0)
    assert [health(row) for row in rows(found)] == [HONEST, HONEST]
    (line,) = found.entered
    assert line.known == 59  # windows of 20 blocks, the fourth of which never came
    assert (line.complete, line.reason) == (False, "the time was up before its logs were read to the head")
    assert not found.complete


def test_logs_that_are_refused_are_said_with_the_reason() -> None:
    chain = lending(known={})
    node = entered(chain, log_limit=(0, "eth_getLogs is not available on this plan, block range 0"))
    found = wallet([("a", node)], [chain.market("known")], chain={"singletons": (SINGLETON,)}, deadline=5.0)
    (line,) = found.entered
    assert not line.complete
    assert "not available on this plan" in (line.reason or "")
    assert [health(row) for row in rows(found)] == [HONEST]


def test_log_ranges_are_learned_once() -> None:
    chain = lending(known={})
    windows: Windows = {}
    wanted = {"singletons": (SINGLETON,)}
    first = entered(chain, log_limit=(20, "block range limited to 20 blocks"))
    wallet([("a", first)], [], chain=wanted, windows=windows)
    assert first.served[0] == (0, 100)
    second = entered(chain, log_limit=(20, "block range limited to 20 blocks"))
    wallet([("a", second)], [], chain=wanted, windows=windows)
    assert second.served[0] == (0, 19)
    assert all(high - low < 20 for low, high in second.served)
