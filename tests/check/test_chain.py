"""A chain as a whole: what the time does not reach, what moves while it is read, and a market that an endpoint does not answer for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from eth_utils.address import to_checksum_address

from tests.chain.server import Oops
from tests.check.node import Sound, about, chain_of, check, served
from watcher.check import check_chain, partial
from watcher.check.chain import steps
from watcher.model import Market

POOL = Market(1, "aave_v3", "test/aave-v3/core", to_checksum_address("0x" + "aa" * 20), start=5)


@dataclass
class Stuck(Sound):
    """Answers every probe, but nothing that is asked at a block's hash, which is how markets are read."""

    failure: Oops | None = None

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        if params and isinstance(params[-1], dict) and "blockHash" in params[-1]:
            if self.failure is not None:
                raise self.failure
            await asyncio.Event().wait()
        return await super().answer(method, params)


def test_a_market_that_is_not_read_in_time_is_unknown_and_so_is_the_audit_after_it() -> None:
    async def story() -> None:
        async with served(Stuck()) as server:
            found = await check_chain(chain_of([server], markets=(POOL,)), 10, deadline=3.0)
            assert about(found, "read", POOL.name) == ("unknown", "not read before the time was up")
            assert about(found, "audit", "test") == ("unknown", "no market could be read")
            assert about(found, "endpoints", "test")[0] == "ok"
            assert partial(found)

    asyncio.run(story())


def test_a_market_that_the_source_fails_to_answer_for_is_unknown_and_not_wrong() -> None:
    found = check(served(Stuck(failure=Oops(-32603, "internal error"))), markets=(POOL,))
    result, detail = about(found, "read", POOL.name)
    assert result == "unknown"
    assert "internal error" in detail
    assert partial(found)


@dataclass
class Restless(Sound):
    """Every look at its newest block finds another history."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.histories = count()

    def block(self, number: int) -> dict[str, Any] | None:
        self.branch = str(next(self.histories))
        return super().block(number)


def test_a_chain_whose_newest_block_keeps_being_replaced_is_given_up_after_a_few_readings() -> None:
    found = check(served(Restless()), markets=(POOL,))
    result, detail = about(found, "read", POOL.name)
    assert result == "unknown"
    assert "is no longer" in detail


def test_markets_are_read_from_the_endpoints_that_passed_and_no_other() -> None:
    async def story() -> None:
        async with served(Sound(age=4_000), name="old") as old, served(name="good") as good:
            found = await check_chain(chain_of([old, good], markets=(POOL,)))
            assert about(found, "head", "old")[0] == "fail"
            assert about(found, "code", POOL.name)[0] == "ok"
            assert not [seen for seen in old.seen if "eth_getCode" in seen and isinstance(seen, tuple)]

    asyncio.run(story())


def test_an_endpoint_on_a_fork_of_its_own_is_outvoted_and_not_read_from() -> None:
    found = check(served(Sound(branch="other"), name="fork"), served(name="a"), served(name="b"))
    assert about(found, "fork", "fork") == ("fail", "has another block 19992 than most, a fork of its own")
    assert about(found, "fork", "a") == ("ok", "block 19992 is the same at 2 of 3 endpoints")
    assert about(found, "endpoints", "test") == ("ok", "2 of 3 endpoints can be read from")
    assert not partial(found)


def test_of_two_endpoints_on_two_forks_neither_is_believed() -> None:
    found = check(served(Sound(branch="other"), name="a"), served(name="b"))
    reason = "the endpoints hold different blocks 19992, and none has a majority"
    assert [about(found, "fork", name) for name in "ab"] == [("fail", reason)] * 2
    assert about(found, "endpoints", "test")[0] == "fail"
    assert partial(found)


def test_every_step_that_is_announced_is_taken() -> None:
    async def story() -> None:
        async with served(name="a") as a, served(name="b") as b:
            chain, taken = chain_of([a, b], markets=(POOL,)), list[str]()
            await check_chain(chain, 5, step=taken.append)
            assert len(taken) == steps(chain, 5)
            assert taken[-2:] == ["test: markets", "test: audit"]

    asyncio.run(story())
