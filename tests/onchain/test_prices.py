"""`watcher prices sync` against feeds whose rounds are set: all it ever answered comes into the store, as a plain call says it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from web3 import AsyncWeb3

from tests.onchain.account_scene import asked_web3, configured, plain
from tests.onchain.conftest import Local
from watcher.__main__ import main
from watcher.chain.endpoint import Endpoint
from watcher.chain.reader import Reader
from watcher.chain.rpc import Rpc
from watcher.config import UsdFeed, dump
from watcher.connection import connect
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import Contract, deploy, post
from watcher.localchain.own import own
from watcher.prices.chain import Rounds, Updates, source_of
from watcher.prices.pair import Pair, token
from watcher.prices.rounds import Feed, feed, read, search
from watcher.query import Query
from watcher.store.open import open_store
from watcher.store.prices import Marks, Source, marks

HOUR = 3600
REVERTS = 1  # of Misbehaving.sol
Mark = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scene:
    """A proxy that has read two aggregators, the first with 20 rounds and the second with 350, one an hour up to now."""

    proxy: Contract
    aggregators: tuple[Contract, Contract]
    said: tuple[Mark, ...]

    @property
    def began(self) -> int:
        return self.said[0][0]


async def answered(chain: Anvil, aggregator: Contract, said: Sequence[Mark]) -> None:
    """Rounds of given times, all in one block."""
    async with chain.one_block():
        for time, answer in said:
            await post(chain, aggregator.transaction("setAt", answer, time))


async def staged(chain: Anvil) -> Scene:
    """A feed's constructor posts a round of its own time."""
    first = await deploy(chain, own("Feed"), 8, "ETH / USD", 2_000 * 10**8)
    began = await chain.timestamp()
    proxy = await deploy(chain, own("FeedProxy"), first.address)
    early = [(began + hour * HOUR, 2_000 * 10**8 + 7 * hour) for hour in range(1, 20)]
    await answered(chain, first, early)
    await chain.advance(20 * HOUR)
    second = await deploy(chain, own("Feed"), 8, "ETH / USD", 2_001 * 10**8)
    again = await chain.timestamp()
    await proxy.send("replace", second.address)
    late = [(again + hour * HOUR, 2_000 * 10**8 + 9 * hour) for hour in range(1, 350)]
    await answered(chain, second, late)
    await chain.advance(350 * HOUR)
    said = ((began, 2_000 * 10**8), *early, (again, 2_001 * 10**8), *late)
    return Scene(proxy, (first, second), said)


async def asked(chain: Anvil, query: Query[Any]) -> Any:
    async with Rpc([Endpoint("anvil", chain.url)], chain.chain_id) as rpc:
        reader = Reader(rpc)
        return await reader.run(query, await reader.head())


@pytest.fixture
def scene(chain: Anvil) -> Scene:
    return asyncio.run(staged(chain))


def fed(chain: Anvil, scene: Scene) -> Feed:
    found = asyncio.run(asked(chain, feed(scene.proxy.address)))
    assert isinstance(found, Feed)
    return found


def test_every_round_of_every_phase_is_what_a_plain_call_says(local: Local, chain: Anvil, scene: Scene) -> None:
    found = fed(chain, scene)
    assert [(phase.number, phase.rounds) for phase in found.phases] == [(1, 20), (2, 350)]
    assert (found.description, found.decimals, found.aggregator) == ("ETH / USD", 8, scene.aggregators[1].address)
    rounds = asyncio.run(asked(chain, read(found, 0, found.total)))

    async def one_by_one(w3: AsyncWeb3[Any]) -> list[Mark]:
        proxy = plain(w3, scene.proxy)
        told = [await proxy.functions.getRoundData(found.id(place)).call() for place in range(0, found.total, 10)]
        return [(row[3], row[1]) for row in told]

    assert list(rounds[::10]) == asked_web3(local, one_by_one)
    assert rounds == scene.said


def test_a_time_is_found_in_either_phase(chain: Anvil, scene: Scene) -> None:
    found = fed(chain, scene)
    for place in (0, 1, 19, 20, 21, 299, 300, 369):
        time = scene.said[place][0]
        assert asyncio.run(asked(chain, search(found, time))) == place
        assert asyncio.run(asked(chain, search(found, time + 1))) == place + 1


def test_rounds_that_never_were_are_passed_over(chain: Anvil) -> None:
    """An aggregator without a proxy; its rounds 3 to 40 have no data."""

    async def answers() -> tuple[tuple[Mark, ...], list[int]]:
        alone = await deploy(chain, own("Feed"), 8, "BTC / USD", 1)
        now = await chain.timestamp()
        said = [(now + 10, 2), *((0, 7) for _ in range(38)), (now + 20, 3)]
        await answered(chain, alone, said)
        found = await asked(chain, feed(alone.address))
        places = [await asked(chain, search(found, now + late)) for late in (0, 10, 11, 20, 21)]
        return await asked(chain, read(found, 0, found.total)), places

    marks, places = asyncio.run(answers())
    assert [answer for _, answer in marks] == [1, 2, 3]
    assert places[0] == 0
    assert places[1] == 1
    assert 2 <= places[2] <= 40
    assert places[3:] == [40, 41] or 2 <= places[3] <= 40


def test_the_logs_of_the_aggregator_say_the_same_as_its_rounds(local: Local, chain: Anvil, scene: Scene) -> None:
    async def both() -> tuple[Marks, Marks, list[tuple[int, int]]]:
        async with connect(configured(local)) as line:
            block = await line.block()
            found = await line.reader.run(feed(scene.proxy.address), block)
            assert found is not None
            source = source_of(Pair("ETH", "USD"), found)
            steps: list[tuple[int, int]] = []
            first, end = scene.said[20][0], scene.said[-1][0] + 1  # the present aggregator's
            logs = await Updates(line, block, found, source).marks(first, end, lambda *step: steps.append(step))
            return logs, await Rounds(line, block, found, source).marks(first, end, lambda *_: None), steps

    by_log, by_round, steps = asyncio.run(both())
    assert len(by_round) == 350
    assert list(by_log) == list(by_round)
    assert steps


def test_a_feed_without_rounds_is_none(local: Local, chain: Anvil, scene: Scene) -> None:
    assert asyncio.run(asked(chain, feed(local.v36.pool.address))) is None
    asyncio.run(scene.aggregators[1].send("setMode", REVERTS))
    assert asyncio.run(asked(chain, feed(scene.proxy.address))) is None


def synced(local: Local, scene: Scene, folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[Any, str]:
    """`watcher prices sync` of the WETH of Aave 3.6, whose dollar feed is the scene's proxy: its rows, and its notes."""
    weth = local.v36.reserves["WETH"].token.address
    known = replace(configured(local), usd=(UsdFeed(weth, scene.proxy.address),))
    (folder / "chains.toml").write_text(dump(known), encoding="utf-8")
    where = ("--chains", str(folder / "chains.toml"), "--db", str(folder / "watcher.db"))
    capsys.readouterr()
    code = main(["prices", "sync", "--by", "feeds", *where, "--format", "json", *more])
    out, err = capsys.readouterr()
    assert code == 0, err
    return json.loads(out), err


def test_a_sync_brings_every_answer_once_and_later_only_what_is_new(
    local: Local, chain: Anvil, scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weth = str(Pair(token(chain.chain_id, local.v36.reserves["WETH"].token.address), "USD"))
    source = Source(weth, f"feed {scene.proxy.address}", 8, "ETH/USD")
    rows, err = synced(local, scene, tmp_path, capsys, "--since", "2020-01-01")
    assert "1 sources: about 2 requests for about 370 rows" in err
    assert rows == [{"pair": weth, "source": source.name, "read": "370", "new": "370", "error": None}]
    with open_store(tmp_path / "watcher.db") as store:
        assert marks(store, source) == scene.said
    asyncio.run(scene.aggregators[1].send("set", 2_345 * 10**8))
    assert synced(local, scene, tmp_path, capsys)[0][0]["new"] == "0"  # a reorganisation could still take it away
    asyncio.run(chain.advance(HOUR))
    rows, err = synced(local, scene, tmp_path, capsys, "--since", "2020-01-01")
    assert "about 1 requests for about 1 rows" in err
    assert rows[0]["new"] == "1"
    with open_store(tmp_path / "watcher.db") as store:
        assert marks(store, source)[-1][1] == 2_345 * 10**8


def test_the_sources_of_a_market_are_read_and_what_has_no_rounds_is_said(
    local: Local, chain: Anvil, scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Aave's sources are feeds; Morpho's oracle is not one."""
    morpho = local.morpho.market("WETH/USDC")
    rows, err = synced(
        local,
        scene,
        tmp_path,
        capsys,
        "--market",
        local.v36.market().name,
        "--market",
        f"{morpho.name.rpartition('/')[0]}/0x{morpho.id.hex()}",
        "--since",
        "2020-01-01",
    )
    reserves = {str(Pair(token(chain.chain_id, one.token.address), "USD")) for one in local.v36.reserves.values()}
    assert {row["pair"] for row in rows} == reserves
    assert all(row["new"] == row["read"] != "0" for row in rows)
    assert {row["source"] for row in rows} >= {f"feed {scene.proxy.address}"}
    assert "has no rounds of its own" in err
