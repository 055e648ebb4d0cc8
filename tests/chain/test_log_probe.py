"""Before a range is searched: every endpoint must return a known early log and one at each tenth, or is asked for none of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.chain.faults import status
from tests.chain.server import Fault, Oops, Scripted, honest, serve
from tests.chain.test_log_proof import full
from tests.chain.test_logs import ASKED, chain
from watcher.chain.log_probe import Probed, probe, tenths
from watcher.chain.rpc import Rpc
from watcher.errors import EndpointError, Lying

EARLY = tuple(range(5, 5_000, 100))  # several in each tenth
LOST = "0x" + "ab" * 32


def probed(first: int = 0, last: int = 4_999, fault: Fault = honest, **nodes: Scripted) -> Probed:
    """What comes of the probe; the `fault` is that of the endpoint called `broken`."""

    async def main() -> Probed:
        servers = [serve(node, name=name, always=fault if name == "broken" else honest) for name, node in nodes.items()]
        running = [await server.__aenter__() for server in servers]
        try:
            async with Rpc([server.endpoint for server in running]) as rpc:
                return await probe(rpc, ASKED, first, last)
        finally:
            for server in servers:
                await server.__aexit__(None, None, None)

    return asyncio.run(main())


def reasons(found: Probed) -> dict[str, str]:
    return {name: str(error) for name, error in found.barred.items()}


def test_endpoints_that_have_everything_are_fit_and_the_earliest_log_of_each_tenth_was_returned_by_all() -> None:
    found = probed(one=full(*EARLY), two=full(*EARLY))
    assert (found.fit, reasons(found)) == (("one", "two"), {})
    assert [event.block for event in found.landmarks] == [5 + 500 * part for part in range(10)]


@pytest.mark.parametrize("blooms", [True, False], ids=["with filters", "without filters"])
@pytest.mark.parametrize("kept", [range(400, 9_999), range(3_000, 9_999), range(3_400), range(0)])
def test_f17_an_endpoint_without_the_logs_of_one_tenth_is_barred(kept: range, blooms: bool) -> None:
    found = probed(whole=full(*EARLY, blooms=blooms), silent=full(*EARLY, kept=kept, blooms=blooms))
    assert found.fit == ("whole",)
    assert "log" in reasons(found)["silent"]


def test_f17_alone_a_pruned_endpoint_is_barred_by_its_own_headers() -> None:
    found = probed(silent=full(*EARLY, kept=range(2_600, 9_999)))
    assert (found.fit, found.landmarks) == ((), ())
    assert reasons(found) == {"silent": "silent: keeps back logs of block 0; ask another"}


def test_f17_a_tenth_without_any_log_of_ours_is_judged_by_those_of_others() -> None:
    found = probed(whole=full(7), silent=full(7, kept=range(4_000)))
    assert (found.fit, [event.block for event in found.landmarks]) == (("whole",), [7])
    assert reasons(found) == {"silent": "silent: keeps back logs of block 4000; ask another"}


def test_a_log_that_was_made_up_bars_whoever_gave_it_and_nobody_else() -> None:
    liar = full(*EARLY)
    answer = liar.block
    liar.log(2, 0, liar.mined(5)[0]["address"], liar.mined(5)[0]["topics"], liar.mined(5)[0]["data"])
    honest_headers = full(*EARLY)
    liar.block = honest_headers.block  # type: ignore[method-assign]
    assert answer(2) != liar.block(2)
    found = probed(liar=liar, one=full(*EARLY), two=full(*EARLY))
    assert found.fit == ("one", "two")
    assert reasons(found) == {"liar": "liar: returns a log of block 2 that its header rules out"}


def test_a_log_of_another_hash_than_its_block_bars_whoever_gave_it() -> None:
    liar = full(*EARLY)
    liar.mined(5)[0]["blockHash"] = LOST
    found = probed(liar=liar, one=full(*EARLY))
    assert found.fit == ("one",)
    assert isinstance(found.barred["liar"], Lying)


def test_an_endpoint_of_another_branch_is_barred_by_the_majority_and_without_one_nobody_is_fit() -> None:
    fork = full(*EARLY, branch="fork")
    found = probed(one=full(*EARLY), fork=fork, two=full(*EARLY))
    assert found.fit == ("one", "two")
    assert "another block" in reasons(found)["fork"]
    assert probed(one=full(*EARLY), fork=full(*EARLY, branch="fork")).fit == ()


def test_an_endpoint_that_does_not_answer_is_barred_with_its_own_reason() -> None:
    found = probed(whole=full(*EARLY), broken=full(*EARLY), fault=status(403))
    assert found.fit == ("whole",)
    assert isinstance(found.barred["broken"], EndpointError)
    assert "does not let us in" in reasons(found)["broken"]


def test_an_endpoint_that_does_not_know_old_blocks_any_more_is_barred() -> None:
    gone = full(*EARLY)
    block = gone.block
    gone.block = lambda number: None if number < 900 else block(number)  # type: ignore[method-assign]
    found = probed(whole=full(*EARLY), gone=gone)
    assert found.fit == ("whole",)
    assert "block not known" in reasons(found)["gone"]


def test_an_endpoint_that_takes_only_small_ranges_is_fit() -> None:
    small = full(*EARLY, log_limit=(50, "You can make eth_getLogs requests with up to a 50 block range."))
    assert probed(small=small, whole=full(*EARLY)).fit == ("small", "whole")


def test_where_the_logs_of_everybody_are_refused_the_landmarks_decide() -> None:
    def wants(node: Scripted) -> Scripted:
        matching = node.matching

        def refuses(asked: Any) -> Any:
            if "address" not in asked:
                raise Oops(-32602, "please specify an address in your request")
            return matching(asked)

        node.matching = refuses  # type: ignore[method-assign]
        node.answers["eth_getBlockReceipts"] = []
        return node

    silent = wants(chain(*EARLY, head=5_000, kept=range(1_000, 9_999)))
    found = probed(silent=silent, whole=wants(chain(*EARLY, head=5_000)))
    assert found.fit == ("whole",)
    assert reasons(found) == {"silent": "silent: has no log 0 of block 5, which others have"}


def test_a_range_is_cut_into_tenths_that_leave_no_block_out() -> None:
    for first, last in ((0, 4_999), (7, 9), (3, 3), (100, 1_234)):
        parts = tenths(first, last)
        assert [block for low, high in parts for block in range(low, high + 1)] == list(range(first, last + 1))
        assert len(parts) == min(10, last - first + 1)
