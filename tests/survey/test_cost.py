"""What a survey will take is said before it is begun, and who can do it."""

from __future__ import annotations

import asyncio

import pytest

from tests.survey.town import HEAD, START, Desk, Town, deeds, line
from watcher.errors import ChainError
from watcher.store import survey
from watcher.store.open import open_store
from watcher.survey.cost import Cost, cost
from watcher.survey.open import open_market, prepared


def priced(town: Town, *desks: Desk) -> Cost:
    async def run() -> Cost:
        return await cost(await prepared(line(town, *desks), town.market))

    return asyncio.run(run())


def test_the_estimate_is_near_what_it_takes() -> None:
    town = Town(deeds(1_000, 6))
    found = priced(town, Desk(town, rate=10))
    assert found.blocks == HEAD - 64 - START + 1
    assert 5_000 < found.logs < 7_500 and found.accounts == found.logs
    assert found.bytes > 6_000 * 703
    desk = Desk(town)
    asyncio.run(open_market(line(town, desk), town.market))
    assert len(desk.asked) / 3 < found.requests < 3 * len(desk.asked)


def test_who_can_give_the_logs_is_named_and_who_cannot_with_the_reason() -> None:
    town = Town(deeds(100, 3))
    found = priced(town, Desk(town, pruned=HEAD), Desk(town))
    assert found.able == ("desk 2",)
    ((name, reason),) = found.unable
    assert name == "desk 1" and "beginning" in reason


def test_where_nobody_can_it_is_an_error() -> None:
    town = Town(deeds(100, 3))
    with pytest.raises(ChainError, match="--rpc URL"):
        priced(town, Desk(town, pruned=HEAD))


def test_what_is_stored_costs_nothing_more(tmp_path: object) -> None:
    town = Town(deeds(100, 3))
    with open_store(f"{tmp_path}/watcher.db", write=True, create=True) as store:

        async def run() -> Cost:
            await open_market(line(town, Desk(town)), town.market, store)
            return await cost(await prepared(line(town, Desk(town)), town.market, store))

        found = asyncio.run(run())
    assert found.blocks < 100 and found.accounts < 100


def test_a_list_can_be_priced_where_nobody_gives_the_logs(tmp_path: object) -> None:
    town = Town(deeds(100, 3))
    with open_store(f"{tmp_path}/watcher.db", write=True, create=True) as store:
        survey.add(store, town.market, dict.fromkeys(map(town.key, town.held)))

        async def run() -> Cost:
            return await cost(await prepared(line(town, Desk(town, pruned=HEAD)), town.market, store))

        found = asyncio.run(run())
    assert (found.accounts, found.logs, found.able) == (len(town.held), 0, ())
    assert [name for name, _ in found.unable] == ["desk 1"]
