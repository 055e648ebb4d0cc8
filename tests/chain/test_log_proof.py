"""F17: an endpoint that answers `[]` although there are logs, because it pruned them or has not indexed them yet, is found out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chain.server import Oops, Scripted, serve
from tests.chain.test_logs import chain, values, walk
from watcher.chain.log_proof import NEWEST, Withheld
from watcher.chain.logs import Window
from watcher.errors import EndpointError, Lying


def full(*blocks: int, **changed: Any) -> Scripted:
    """A chain with a log of the market in each of these blocks and one of somebody else in every tenth, its headers with filters."""
    node = chain(*blocks, **{"head": 5_000, "blooms": True} | changed)
    for number in range(0, node.head + 1, 10):
        node.log(number, 1, "0x" + "77" * 20, ["0x" + "99" * 32])
    return node


def without_address(node: Scripted) -> Scripted:
    """As some public endpoints: logs of everybody are not for free."""
    matching = node.matching

    def wants(asked: Any) -> Any:
        if "address" not in asked:
            raise Oops(-32602, "please specify an address in your request")
        return matching(asked)

    node.matching = wants  # type: ignore[method-assign]
    return node


def without_receipts(node: Scripted, error: Oops) -> Scripted:
    answer = node.answer

    async def refuses(method: str, params: Any) -> Any:
        if method == "eth_getBlockReceipts":
            raise error
        return await answer(method, params)

    node.answer = refuses  # type: ignore[method-assign]
    return node


HERE = (7, 3_000, 4_990)
OLD, NEW = range(2_000, 10_000), range(4_980)  # what a pruned node has left, and one whose index is behind


@pytest.mark.parametrize("kept", [OLD, NEW], ids=["pruned", "not indexed"])
def test_f17_logs_that_one_endpoint_keeps_back_are_read_from_another(kept: range) -> None:
    silent, whole = full(*HERE, kept=kept), full(*HERE)
    assert values(walk([serve(silent, name="silent"), serve(whole, name="whole")], 0, 5_000)) == [*HERE]


@pytest.mark.parametrize("kept", [OLD, NEW], ids=["pruned", "not indexed"])
def test_f17_without_another_the_walk_ends_in_an_error_and_not_in_nothing(kept: range) -> None:
    with pytest.raises(Withheld, match="logs of block"):
        walk([serve(full(*HERE, kept=kept))], 0, 5_000)


@pytest.mark.parametrize("backward", [False, True])
def test_f17_a_single_block_whose_logs_are_not_indexed_is_asked_elsewhere(backward: bool) -> None:
    nodes = serve(full(*HERE, kept=NEW), name="silent"), serve(full(*HERE), name="whole")
    assert walk(nodes, 4_990, 4_990, backward=backward) == [(4_990, [4_990])]


def test_f17_backward_the_walk_ends_where_a_pruned_node_does() -> None:
    nodes = serve(full(*HERE, kept=OLD), name="silent"), serve(full(*HERE), name="whole")
    assert values(walk(nodes, 0, 5_000, backward=True)) == [*reversed(HERE)]


@pytest.mark.parametrize("kept", [OLD, NEW], ids=["pruned", "not indexed"])
def test_f17_receipts_serve_where_the_logs_of_everybody_are_refused(kept: range) -> None:
    with pytest.raises(Withheld):
        walk([serve(without_address(full(*HERE, kept=kept)))], 0, 5_000)


def test_f17_receipts_that_are_gone_are_no_proof_of_anything_being_there() -> None:
    node = without_address(full(*HERE, kept=OLD))
    node.answers["eth_getBlockReceipts"] = None
    with pytest.raises(Withheld):
        walk([serve(node)], 0, 5_000)


def test_f17_receipts_that_are_none_are_a_lie() -> None:
    node = without_address(full(*HERE))
    node.answers["eth_getBlockReceipts"] = [{"logs": [{"address": 7}]}]
    with pytest.raises(Lying, match="eth_getBlockReceipts"):
        walk([serve(node)], 0, 5_000)


def test_an_endpoint_that_gives_neither_is_believed() -> None:
    node = without_receipts(without_address(full(*HERE)), Oops(-32601, "the method does not exist"))
    assert values(walk([serve(node)], 0, 5_000)) == [*HERE]


def test_a_receipt_that_fails_for_a_moment_is_an_error_and_not_a_belief() -> None:
    node = without_receipts(without_address(full(*HERE)), Oops(-32603, "internal error"))
    with pytest.raises(EndpointError, match="internal error"):
        walk([serve(node)], 0, 5_000)


def test_a_filter_that_fits_by_chance_costs_a_look_and_changes_nothing() -> None:
    """Emitter and topics are all in the block, but in logs of different contracts."""
    node = full(7)
    (mine,) = node.mined(7)
    node.log(4_999, 0, mine["address"], ["0x" + "99" * 32])
    node.log(4_999, 1, "0x" + "66" * 20, mine["topics"])
    assert values(walk([serve(node)], 0, 5_000)) == [7]


def test_blocks_without_any_logs_are_leapt_over_until_one_has_some() -> None:
    """The filter of an empty block proves nothing about the node."""
    silent = full(7, kept=OLD)
    silent.logs = [log for log in silent.logs if not 8 <= int(log["blockNumber"], 16) < 100]
    silent.log(8 + 64, 0, "0x" + "77" * 20, ["0x" + "99" * 32])
    with pytest.raises(Withheld, match="logs of block 72"):
        walk([serve(silent)], 8, 5_000)


@pytest.mark.parametrize("behind", [1, NEWEST])
def test_f17_the_newest_blocks_of_a_range_are_all_looked_at(behind: int) -> None:
    last = 5_000 - behind + 1
    with pytest.raises(Withheld, match=f"block {last}"):
        walk([serve(full(last, kept=range(last)))], 4_000, 5_000)


def test_what_an_endpoint_was_found_to_keep_is_not_asked_again() -> None:
    node, windows = full(*HERE), dict[str, Window]()
    walk([serve(node)], 1_000, 5_000, windows=windows)
    assert windows["local"].kept == 1_000
    node = without_receipts(without_address(full(*HERE)), Oops(-32603, "internal error"))  # neither may be asked now
    assert values(walk([serve(node)], 1_500, 4_000, windows=windows)) == [3_000]


def test_a_chain_without_filters_is_read_as_before() -> None:
    assert values(walk([serve(chain(*HERE, head=5_000, kept=range(4_000)))], 0, 5_000)) == [7, 3_000]
