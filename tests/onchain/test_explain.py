"""`watcher explain` on the real contracts: one cause gets all of it, and at every cut the figures are the contract's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.onchain.account_scene import OWNER, Said, at_once, configured, indebted, user_data
from tests.onchain.conftest import Local
from tests.onchain.explained import explained, of_liquidation
from tests.onchain.liquidation_scene import ADA, BOB, CYD, done
from tests.onchain.scan_scene import commands
from tests.onchain.test_backfill import Pruned, through
from tests.onchain.test_liquidations_morpho import told
from watcher.__main__ import main
from watcher.config import Endpoint, dump
from watcher.exit import Exit
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER
from watcher.localchain.morpho import MorphoChain
from watcher.localchain.scenario import account, set_price

Explain = Callable[..., Said]
LIQUIDATOR = account("payer")


@pytest.fixture
def explain(
    local: Local, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Explain:
    """``explain("--from", "120")`` of the owner as json, without a store."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("WATCHER_DB", raising=False)

    def go(*arguments: str, url: str = "") -> Said:
        chain = configured(local, [Endpoint("node", url)] if url else ())
        path = tmp_path / "chains.toml"
        path.write_text(dump(replace(chain, finality=1)), encoding="utf-8")
        form = () if {"--format", "--plot"} & {*arguments} else ("--format", "json")
        capsys.readouterr()
        code = main(["explain", OWNER, *arguments, "--chains", str(path), "--quiet", *form])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return go


@dataclass
class Story:
    """The block before, and the blocks of single causes, by name."""

    first: int
    blocks: dict[str, int]


async def lived(v36: AaveMarket) -> Story:
    """A wallet to which one thing after another happens, each in a block without any other: no time passes but where time is the cause."""
    await indebted(v36)
    chain, feed, weth = v36.chain, v36.reserves["WETH"].feed, v36.reserves["WETH"]
    usdc = v36.reserves["USDC"].token
    await do.prepare_liquidator(v36, LIQUIDATOR, OWNER, "USDC")
    story = Story(await chain.block_number(), {})

    async def now(name: str) -> None:
        story.blocks[name] = await chain.block_number()

    await at_once(v36, feed, "set", weth.asset.price * 9 // 10)
    await now("price")
    await chain.advance(86_400)
    await now("time")
    await at_once(v36, v36.pool, "repay", usdc.address, 500 * 10**6, 2, OWNER)
    await now("own action")
    await at_once(
        v36,
        v36.configurator,
        "configureReserveAsCollateral",
        weth.token.address,
        7_000,
        7_500,
        10_500,
        sender=DEPLOYER,
    )
    await now("terms")
    await at_once(v36, feed, "set", weth.asset.price // 2)
    await at_once(v36, v36.reserves["WBTC"].feed, "set", v36.reserves["WBTC"].asset.price // 4)
    await at_once(v36, v36.pool, *do.liquidation(v36, OWNER, "WETH", "USDC", 2_000 * 10**6), sender=LIQUIDATOR)
    await now("liquidation")
    await chain.mine()  # the newest block is not final
    return story


async def both(v36: AaveMarket, *, keep: bool) -> int:
    """The block in which the owner repays 500 USDC and is liquidated, by somebody who takes aTokens where `keep`."""
    await indebted(v36)
    await do.prepare_liquidator(v36, LIQUIDATOR, OWNER, "USDC")
    for symbol in ("WETH", "WBTC"):
        reserve = v36.reserves[symbol]
        await set_price(reserve.feed, reserve.asset.price // 4)
    seized = do.liquidation(v36, OWNER, "WETH", "USDC", 2_000 * 10**6, keep)
    repay = "repay", v36.reserves["USDC"].token.address, 500 * 10**6, 2, OWNER
    await done(v36.chain, [(v36.pool, seized, LIQUIDATOR), (v36.pool, repay, OWNER)], 12)
    return await v36.chain.block_number()


def aave(said: Said) -> dict[str, Any]:
    assert said.code == Exit.OK, said.err
    (row,) = [row for row in json.loads(said.out) if "aave" in row["market"]]
    found: dict[str, Any] = row
    return found


def test_one_cause_gets_all_of_it_and_every_cut_is_the_contracts_own(v36: AaveMarket, explain: Explain) -> None:
    story = asyncio.run(lived(v36))
    for name, block in story.blocks.items():
        row = aave(explain("--from", str(block - 1), "--to", str(block)))
        assert [(one["cause"], one["share"]) for one in row["causes"]] == [(name, "10000")], name
        (cause,) = row["causes"]
        assert cause["margin"] == cause["reverse_margin"] != "0"
        assert cause["token"] == ("WETH" if name == "price" else None)
    whole = aave(explain("--from", str(story.first), "--each"))
    assert {one["cause"] for one in whole["causes"]} == {*story.blocks}
    assert moved(whole) == sum(int(one["margin"]) for one in whole["causes"])
    assert moved(whole) == sum(int(one["reverse_margin"]) for one in whole["causes"])
    cuts = [(end["block"], end["health"]) for end in (whole["from"], whole["to"])]
    for piece in whole["pieces"]:
        cuts += [(piece[end], piece["health"][way]) for end, way in (("first", "before"), ("last", "after"))]
        assert sum(int(one["margin"]) for one in piece["causes"]) == int(piece["margin"]["after"]) - int(
            piece["margin"]["before"]
        )
    for number, health in cuts:
        assert int(health) == user_data(v36, OWNER, int(number))[-1], number
    assert {int(piece["last"]) for piece in whole["pieces"]} >= {
        story.blocks[name] for name in ("own action", "terms", "liquidation")
    }


def moved(row: dict[str, Any]) -> int:
    return int(row["to"]["margin"]) - int(row["from"]["margin"])


@pytest.mark.parametrize("keep", [False, True])
def test_an_own_action_in_the_block_of_a_liquidation_is_told_apart_by_amounts(
    v36: AaveMarket, explain: Explain, keep: bool
) -> None:
    block = asyncio.run(both(v36, keep=keep))
    row = aave(explain("--from", str(block - 1), "--to", str(block)))
    found = {one["cause"]: int(one["margin"]) for one in row["causes"]}
    assert found.keys() - {"time", "rates"} == {"own action", "liquidation"}
    unit = 10 ** int(row["decimals"])
    assert abs(found["own action"] - 500 * unit) <= 3 * unit // 10**6  # three raw units of USDC, at one dollar
    assert sum(found.values()) == moved(row)
    assert int(row["to"]["health"]) == user_data(v36, OWNER, block)[-1]


def test_out_of_the_store_the_deeds_are_those_of_the_archive(
    local: Local, v36: AaveMarket, explain: Explain, tmp_path: Path
) -> None:
    story = asyncio.run(lived(v36))
    last = ("--to", str(story.blocks["liquidation"]))
    archive = aave(explain("--from", str(story.first), *last))
    db = ("--db", str(tmp_path / "watcher.db"))
    past = ("--from", str(story.first), "--every", "30d", "--chains", str(tmp_path / "chains.toml"), "--quiet")
    assert main(["backfill", OWNER, *past, *db]) == Exit.OK
    stored = aave(explain("--from", str(story.first), *last, *db))
    assert (archive["source"], stored["source"]) == ("archive", "store")
    assert (stored["from"], stored["to"]) == (archive["from"], archive["to"])
    for deed in ("own action", "liquidation"):
        ours, theirs = (next(o["margin"] for o in row["causes"] if o["cause"] == deed) for row in (stored, archive))
        assert ours == theirs


def test_where_the_old_state_is_gone_the_earliest_block_is_named(
    v36: AaveMarket, chain: Anvil, explain: Explain
) -> None:
    story = asyncio.run(lived(v36))
    kept = story.blocks["own action"]
    said = asyncio.run(through(lambda node: Pruned(node, kept), chain, explain, "--from", str(story.first)))
    assert said.code == Exit.SOURCE
    assert f"the earliest block available is {kept}" in said.err


def test_on_morpho_liquidations_are_told_apart_too_twice_in_a_block_and_to_bad_debt(
    local: Local,
    morpho: MorphoChain,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = asyncio.run(told(morpho))
    watcher = commands(configured(local), tmp_path, capsys, monkeypatch)
    for who, block in zip((ADA, CYD, BOB), story.blocks, strict=True):
        assert [of_liquidation(row) for row in explained(watcher, who, block - 1, block)] == [True], block
