"""One endpoint after another fault: each check of it can fail, and is seen to fail, while the others still tell what they see."""

from __future__ import annotations

import pytest

from tests.chain.faults import error, hang, status
from tests.chain.server import closed_port
from tests.check.node import Sound, about, arrays_up_to, check, served
from watcher.chain.endpoint import Endpoint
from watcher.check import Result, partial


def test_an_endpoint_without_a_fault_passes_every_check() -> None:
    found = check(served())
    assert [(one.check, one.result) for one in found if one.result is not Result.OK] == []
    assert about(found, "chain id") == ("ok", "1 (test)")
    assert about(found, "archive") == ("ok", "state back to block 1, the oldest that was asked for")
    assert about(found, "logs") == ("ok", "all 19937 blocks at once")
    assert about(found, "batch") == ("ok", "100 requests in one")
    assert about(found, "endpoints", "test") == ("ok", "1 of 1 endpoints can be read from")
    assert not partial(found)


def test_f11_the_wrong_chain_fails_and_nothing_else_is_asked_there() -> None:
    found = check(served(Sound(chain_id=5)))
    assert about(found, "chain id") == ("fail", "is on chain 5, not on 1; check its URL")
    assert {one.check for one in found if one.subject == "local"} == {"chain id"}
    assert about(found, "endpoints", "test") == ("fail", "0 of 1 endpoints can be read from")
    assert partial(found)


def test_f11_a_wrong_chain_beside_a_right_one_is_named_and_does_not_stop_the_chain() -> None:
    found = check(served(Sound(chain_id=5), name="strange"), served(name="good"))
    assert about(found, "chain id", "strange")[0] == "fail"
    assert about(found, "endpoints", "test") == ("ok", "1 of 2 endpoints can be read from")
    assert not partial(found)


def test_a_head_older_than_the_chain_allows_cannot_stand_for_the_present() -> None:
    found = check(served(Sound(age=900)))
    result, detail = about(found, "head")
    assert result == "fail"
    assert detail.endswith("s old, more than the 300 s that test allows")
    assert about(found, "endpoints", "test")[0] == "fail"


def test_f12_an_endpoint_that_lags_behind_another_is_told_by_how_much() -> None:
    found = check(served(Sound(head=19_990, age=122), name="slow"), served(name="quick"))
    assert about(found, "lag", "slow") == ("warn", "10 blocks behind the newest endpoint")
    assert about(found, "lag", "quick") == ("ok", "none")
    assert about(found, "head", "slow")[0] == "ok"


def test_f12_a_block_or_two_behind_is_no_lag() -> None:
    found = check(served(Sound(head=19_998, age=26), name="slow"), served(name="quick"))
    assert about(found, "lag", "slow") == ("ok", "2 blocks behind the newest endpoint")


def test_f60_blocks_from_the_future_say_that_this_clock_is_wrong() -> None:
    found = check(served(Sound(age=-3_600)))
    result, detail = about(found, "clock")
    assert result == "warn"
    assert "ahead of this machine's clock" in detail
    assert about(check(served(Sound(age=-30))), "clock")[0] == "ok"


@pytest.mark.parametrize(
    ("keeps", "text"),
    [
        (128, "state back to block 19872 (128 below the head), not further"),
        (12_000, "state back to block 10000 (10000 below the head), not further"),
        (64, "no state 128 blocks back"),
    ],
)
def test_without_an_archive_the_deepest_state_that_was_served_is_told(keeps: int, text: str) -> None:
    result, detail = about(check(served(Sound(keeps=keeps))), "archive")
    assert result == "warn"
    assert detail.startswith(text)
    assert "missing trie node" in detail


def test_f31_a_chain_without_multicall_is_told_that_reads_go_call_by_call() -> None:
    found = check(served(Sound(multicall=False)))
    advice = next(one.verdict.advice for one in found if one.check == "multicall3")
    assert about(found, "multicall3") == ("warn", "no code at 0xcA11bde05977b3631167028862bE2a173976CA11")
    assert "call by call" in advice
    assert not partial(found)


def test_f31_a_chain_configured_without_multicall_is_not_asked_for_it() -> None:
    assert about(check(served(), multicall3=None), "multicall3") == ("warn", "none is configured for this chain")


def test_a_multicall_that_answers_for_another_block_fails() -> None:
    node = Sound()
    node.call.timestamp -= 12  # type: ignore[attr-defined]
    result, detail = about(check(served(node)), "multicall3")
    assert result == "fail"
    assert "block 20000 is of" in detail


def test_a_multicall_that_answers_garbage_fails() -> None:
    node = Sound()
    node.call = lambda transaction, block: "0x" + "ff" * 64
    assert about(check(served(node)), "multicall3")[0] == "fail"


@pytest.mark.parametrize(
    ("limit", "text", "verdict"),
    [
        (10, "eth_getLogs requests with up to a 10 block range.", ("warn", "10 blocks at once, 10000 not")),
        (50, "eth_getLogs is limited to 0 - 50 blocks range", ("warn", "50 blocks at once, 10000 not")),
        (1_024, "block range is too wide (maximum 1024)", ("ok", "1024 blocks at once, 10000 not")),
        (1_500, "Block range is too large", ("ok", "1000 blocks at once, 10000 not")),
        (10_000, "range 19937 exceeds limit of 10000", ("ok", "10000 blocks at once, 19937 not")),
        (3, "query timeout exceeded", ("warn", "1 blocks at once, 10 not")),
    ],
)
def test_f16_the_largest_range_of_logs_is_found_by_a_few_probes(
    limit: int, text: str, verdict: tuple[str, str]
) -> None:
    result, detail = about(check(served(Sound(log_limit=(limit, text)))), "logs")
    assert (result, detail.partition(":")[0]) == verdict
    assert detail.endswith(text)


def test_an_endpoint_that_serves_no_logs_is_told_what_will_not_work() -> None:
    result, detail = about(check(served(Sound(log_limit=(0, "method eth_getLogs is disabled")))), "logs")
    assert (result, detail) == ("warn", "not served: eth_getLogs: method eth_getLogs is disabled")


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        (100, ("ok", "100 requests in one")),
        (99, ("ok", "10 requests in one, 100 not")),
        (10, ("ok", "10 requests in one, 100 not")),
        (9, ("warn", "no requests in one, 10 not")),
        (0, ("warn", "no requests in one, 10 not")),
    ],
)
def test_the_largest_batch_that_is_answered_as_one_is_found(limit: int, verdict: tuple[str, str]) -> None:
    result, detail = about(check(served(always=arrays_up_to(limit))), "batch")
    assert (result, detail.partition(":")[0]) == verdict


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        (status(401), "does not let us in (HTTP 401); check its key"),
        (status(503), "HTTP 503"),
        (error(-32000, "account suspended"), "eth_chainId: account suspended"),
    ],
)
def test_an_endpoint_that_does_not_say_its_chain_fails_with_the_reason(gate: object, reason: str) -> None:
    result, detail = about(check(served(gate=gate)), "chain id")
    assert result == "fail"
    assert reason in detail


def test_a_port_where_nobody_listens_fails() -> None:
    found = check(endpoints=(Endpoint("nobody", closed_port()),))
    result, detail = about(found, "chain id", "nobody")
    assert result == "fail"
    assert "no connection" in detail
    assert partial(found)


def test_an_endpoint_that_hangs_costs_its_share_of_the_time_and_what_is_known_by_then_is_told() -> None:
    found = check(served(always=hang, name="stuck"), served(name="good"), deadline=3.0)
    assert about(found, "chain id", "stuck")[0] == "ok"
    assert about(found, "head", "stuck") == ("unknown", "not asked before the time was up")
    assert about(found, "endpoints", "test") == ("ok", "1 of 2 endpoints can be read from")
    assert not partial(found)


def test_a_chain_without_an_endpoint_is_a_failure_that_says_how_to_name_one() -> None:
    (only,) = check()
    assert (only.check, only.result) == ("endpoints", Result.FAIL)
    assert "WATCHER_RPC_1" in only.verdict.advice
