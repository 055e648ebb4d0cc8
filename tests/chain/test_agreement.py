"""The head by majority: lagging, silent and forked endpoints have no say in it, and one alone is believed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from tests.chain.faults import error, hang, status
from tests.chain.server import Fault, Scripted, Server, honest, serve
from watcher.chain.agreement import Agreed, agreed
from watcher.chain.rpc import Rpc
from watcher.errors import ChainError, EndpointError, StaleHead

GRACE = 0.3  # seconds; enough for a loopback answer
TIP = 1_700_000_000 + 12 * 100  # the time of block 100


@dataclass
class Forked(Scripted):
    """Honest below block `fork`, on another chain from there on."""

    fork: int = 0

    def hash(self, number: int) -> str:
        return Scripted(branch="main" if number < self.fork else "fork").hash(number)


Given = Sequence[tuple[str, Scripted] | tuple[str, Scripted, Fault]]


def agree(
    given: Given, number: int | None = None, groups: Sequence[Sequence[str]] | None = None, **limits: float
) -> Agreed:
    """What the nodes of these names agree on."""
    return asyncio.run(_agree(given, number, groups, limits))


async def _agree(
    given: Given, number: int | None, groups: Sequence[Sequence[str]] | None, limits: dict[str, float]
) -> Agreed:
    async with AsyncExitStack() as stack:
        servers: list[Server] = []
        for name, node, *fault in given:
            servers.append(
                await stack.enter_async_context(serve(node, name=name, always=fault[0] if fault else honest))
            )
        rpc = await stack.enter_async_context(Rpc([server.endpoint for server in servers], 1))
        names = groups or [[server.name for server in servers]]
        return await agreed(rpc, 1, names, number, grace=GRACE, **limits)


def test_one_endpoint_alone_is_believed() -> None:
    found = agree([("a", Scripted())])
    assert (found.block.number, found.block.hash, found.holders) == (100, Scripted().hash(100), ("a",))
    assert found.apart == found.notes == ()


def test_the_head_is_the_highest_block_that_two_of_three_hold() -> None:
    found = agree([("a", Scripted(head=99)), ("b", Scripted(head=101)), ("c", Scripted(head=100))])
    assert (found.block.number, found.block.hash) == (100, Scripted().hash(100))
    assert found.holders == ("b", "c")
    assert found.notes == ("a is 1 blocks behind and was not asked",)


def test_of_two_endpoints_the_slower_one_sets_the_pace() -> None:
    found = agree([("a", Scripted(head=102)), ("b", Scripted(head=100))])
    assert found.block.number == 100
    assert found.holders == ("a", "b")


def test_f12_a_lagging_endpoint_does_not_hold_the_head_back() -> None:
    found = agree([("slow", Scripted(head=60)), ("b", Scripted()), ("c", Scripted())])
    assert found.block.number == 100
    assert found.apart == ("slow",)
    assert found.notes == ("slow is 40 blocks behind and was not asked",)


def test_f12_an_endpoint_with_an_old_head_has_no_vote_even_where_there_are_only_two() -> None:
    found = agree([("old", Scripted(head=10)), ("b", Scripted())], limit=120.0, now=TIP + 5.0)
    assert found.block.number == 100
    assert found.holders == ("b",)
    assert found.notes == ("old is 1085 s behind and was not asked",)


@pytest.mark.parametrize("ahead", [100, 150])
def test_f13_an_endpoint_on_a_fork_of_its_own_is_ignored_and_named(
    ahead: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "watcher"):
        found = agree([("liar", Forked(head=ahead, fork=50)), ("b", Scripted()), ("c", Scripted())])
    assert (found.block.number, found.block.hash, found.holders) == (100, Scripted().hash(100), ("b", "c"))
    assert found.apart == ("liar",)
    assert found.notes == ("liar has another block 100 than most, a fork of its own, and was not asked",)
    assert found.notes[0] in caplog.text


def test_f13_two_that_differ_at_the_tip_agree_on_the_block_below_it() -> None:
    found = agree([("a", Scripted()), ("b", Forked(fork=98))])
    assert (found.block.number, found.block.hash, found.holders) == (97, Scripted().hash(97), ("a", "b"))


def test_f13_three_tips_of_which_no_two_are_one_meet_below() -> None:
    found = agree([("a", Scripted()), ("b", Forked(fork=99)), ("c", Scripted(branch="third"))])
    assert (found.block.number, found.holders, found.apart) == (98, ("a", "b"), ("c",))


def test_f13_two_that_have_nothing_in_common_are_both_not_believed() -> None:
    with pytest.raises(ChainError, match=r"a and b hold different blocks 100.*name one that you trust"):
        agree([("a", Scripted()), ("b", Scripted(branch="other", head=105))])


def test_a_silent_endpoint_is_not_waited_for_and_may_be_a_reserve() -> None:
    found = agree([("silent", Scripted(), hang), ("b", Scripted()), ("c", Scripted())])
    assert (found.block.number, found.holders, found.apart) == (100, ("b", "c"), ())
    assert found.notes == (f"silent: no answer within {GRACE:g} s of the first",)


def test_a_failing_endpoint_is_a_note() -> None:
    found = agree([("broken", Scripted(), status(404)), ("b", Scripted())])
    assert (found.block.number, found.holders) == (100, ("b",))
    assert found.notes == ("broken: HTTP 404; check its URL",)


def test_no_more_than_three_are_asked() -> None:
    found = agree([*((name, Scripted()) for name in "abc"), ("d", Scripted(branch="other"))])
    assert found.holders == ("a", "b", "c")


def test_the_fourth_is_asked_where_the_first_three_fail() -> None:
    found = agree([*((name, Scripted(), status(500)) for name in "abc"), ("d", Scripted())])
    assert found.holders == ("d",)
    assert len(found.notes) == 3


def test_public_endpoints_do_not_outvote_the_one_that_was_named_by_hand() -> None:
    nodes: Given = [("mine", Forked(head=120, fork=90)), ("p", Scripted()), ("q", Scripted())]
    found = agree(nodes, groups=[["mine"], ["p", "q"]])
    assert (found.block.number, found.holders) == (120, ("mine",))


def test_a_block_by_number_has_its_majority_too_and_nothing_below_it_will_do() -> None:
    nodes: Given = [("a", Forked(fork=48)), ("b", Scripted()), ("c", Scripted())]
    assert agree(nodes, 50).block.hash == Scripted().hash(50)
    assert agree(nodes, 50).holders == ("b", "c")
    with pytest.raises(ChainError, match="hold different blocks 50"):
        agree(nodes[:2], 50)


def test_a_number_that_only_one_endpoint_knows_is_read_from_it() -> None:
    found = agree([("pruned", Scripted(), error(-32000, "header not found")), ("archive", Scripted())], 7)
    assert (found.block.number, found.holders) == (7, ("archive",))


def test_f24_where_every_head_is_old_there_is_no_present() -> None:
    with pytest.raises(StaleHead, match="newest block of chain 1, 100, is 600 s old; try another endpoint"):
        agree([("a", Scripted()), ("b", Scripted(head=99))], limit=120.0, now=TIP + 600.0)


def test_f02_where_nobody_answers_the_error_names_everyone() -> None:
    with pytest.raises(EndpointError) as caught:
        agree([("a", Scripted(), status(500)), ("b", Scripted(), status(503))])
    assert "a: HTTP 500" in str(caught.value)
    assert "b: HTTP 503" in str(caught.value)
