"""`watcher market` on the real contracts: its figures are what the pools' own data providers answer, its log what governance really did."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.chain.server import Front, serve
from tests.onchain.account_scene import Said, asked_web3, configured, plain, units
from tests.onchain.conftest import Local
from tests.onchain.test_liquidations import Forgetful
from watcher.__main__ import main
from watcher.config import Endpoint, dump
from watcher.exit import Exit
from watcher.localchain import aave_actions as do
from watcher.localchain import morpho_actions
from watcher.localchain.aave_market import AaveMarket, Reserve
from watcher.localchain.aave_setup import Workshop
from watcher.localchain.aave_v36 import artifact
from watcher.localchain.contract import deploy
from watcher.localchain.morpho import MorphoChain
from watcher.localchain.own import own
from watcher.localchain.scenario import account, set_price, set_sequencer
from watcher.units import WAD

Web3 = AsyncWeb3[AsyncHTTPProvider]
Record = dict[str, Any]
Look = Callable[..., Said]
WHO = account("borrower")


@pytest.fixture
def look(local: Local, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Look:
    """``look(market, "--changes")`` as json, without notes."""

    def go(market: str, *arguments: str, url: str = "") -> Said:
        chain = configured(local, [Endpoint("node", url)] if url else ())
        path = tmp_path / "chains.toml"
        path.write_text(dump(replace(chain, finality=1)), encoding="utf-8")
        form = () if "--format" in arguments else ("--format", "json")
        capsys.readouterr()
        code = main(["market", market, *arguments, "--chains", str(path), "--quiet", *form])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return go


async def used(aave: AaveMarket) -> None:
    """Somebody borrows, an asset is frozen, one is paused, and a day goes by."""
    await do.supply(aave, WHO, "WETH", 100 * 10**18)
    await do.borrow(aave, WHO, "USDC", 100_000 * 10**6)
    await do.borrow(aave, WHO, "WBTC", 10**6)
    await do.freeze(aave, "AAVE", True)
    await do.pause(aave, "LINK", True)
    await aave.chain.advance(86_400)
    await set_price(aave.reserves["WETH"].feed, 1_999 * 10**8)


def test_every_reserve_is_what_the_pool_itself_says(aave: AaveMarket, look: Look) -> None:
    asyncio.run(used(aave))
    said = look(aave.name)
    assert (said.code, said.err) == (Exit.OK, "")
    market: Record = json.loads(said.out)
    assert len(market["assets"]) == len(aave.reserves) + (aave.version == "3.0")  # an e-mode's own price source

    async def checked(w3: Web3) -> None:
        rows = {row["token"]: row for row in market["assets"]}
        for reserve in aave.reserves.values():
            await same(w3, aave, reserve, rows[reserve.token.address], int(market["block"]))

    asked_web3(aave, checked)
    table = look(aave.name, "--format", "table").out
    assert "close factor" in table
    assert "frozen" in table
    (header, *lines) = csv.reader(io.StringIO(look(aave.name, "--format", "csv").out))
    assert [line[header.index("symbol")] for line in lines] == [row["symbol"] for row in market["assets"]]


async def same(w3: Web3, aave: AaveMarket, reserve: Reserve, row: Record, block: int) -> None:
    """Configuration, caps, totals, rates and price of one reserve."""
    token, decimals = reserve.token.address, reserve.decimals
    of = plain(w3, aave.data_provider).functions
    _, ltv, threshold, bonus, _, _, _, _, _, frozen = await of.getReserveConfigurationData(token).call(
        block_identifier=block
    )
    if threshold:
        assert [units(row[name], 4) for name in ("ltv", "threshold", "liquidation_bonus")] == [
            ltv,
            threshold,
            bonus - 10_000,
        ]
        assert units(row["protocol_fee"], 4) == await of.getLiquidationProtocolFee(token).call(block_identifier=block)
    else:
        assert row["threshold"] is None
    caps = await of.getReserveCaps(token).call(block_identifier=block)
    for cap, name in zip(caps, ("borrow_cap", "supply_cap"), strict=True):
        assert (row[name] is None) if cap == 0 else (units(row[name], 0) == cap)
    assert row["frozen"] is frozen
    assert row["paused"] is await of.getPaused(token).call(block_identifier=block)
    supplied, owed = [
        await plain(w3, one).functions.totalSupply().call(block_identifier=block)
        for one in (reserve.receipt, reserve.debt)
    ]
    assert (units(row["supplied"], decimals), units(row["borrowed"], decimals)) == (supplied, owed)
    data = await of.getReserveData(token).call(block_identifier=block)
    assert (units(row["supply_rate"], 27), units(row["borrow_rate"], 27)) == (data[5], data[6])
    price = await plain(w3, aave.oracle).functions.getAssetPrice(token).call(block_identifier=block)
    assert units(row["price"]["price"], 8) == price


def test_a_price_that_is_missing_is_unknown_and_not_zero(v36: AaveMarket, look: Look) -> None:
    asyncio.run(broken(v36))
    said = look(v36.name)
    assert said.code == Exit.SOURCE
    assert "LINK has no usable price" in said.err
    rows = {row["symbol"]: row for row in json.loads(said.out)["assets"]}
    assert (rows["LINK"]["price"]["price"], rows["WETH"]["price"]["price"]) == (None, "2000")
    table = look(v36.name, "--format", "table")
    (line,) = [line for line in table.out.splitlines() if line.startswith("LINK") and "71.00 %" in line]
    assert "?" in line


async def broken(aave: AaveMarket) -> None:
    await set_price(aave.reserves["LINK"].feed, 0)


def test_a_sentinel_is_in_the_rules_in_the_log_and_in_what_it_holds_off(v36: AaveMarket, look: Look) -> None:
    async def installed(*, up: bool) -> None:
        feed = await do.install_sentinel(v36, 3_600)
        await set_sequencer(feed, up=up, since=await v36.chain.timestamp() - 7_200)

    asyncio.run(installed(up=True))
    assert json.loads(look(v36.name).out)["stops"] == []
    asyncio.run(installed(up=False))
    market: Record = json.loads(look(v36.name).out)
    assert market["stops"] == [
        "the sentinel holds liquidations at a health of 0.95 or more off now",
        "the sentinel holds borrowing off now",
    ]
    (clause,) = [rule["text"] for rule in market["rules"] if rule["topic"] == "sentinel"]
    rows = [row for row in json.loads(look(v36.name, "--changes").out) if row["parameter"] == "sentinel"]
    assert rows[0]["was_text"] == "–"
    assert rows[1]["was"] == rows[0]["now"]
    assert clause.startswith(rows[1]["now"])
    assert market["stops"][0] in look(v36.name, "--format", "table").out


def test_the_parameter_log_is_what_governance_did(aave: AaveMarket, look: Look) -> None:
    async def governed() -> int:
        first = await aave.chain.block_number() + 1
        token = aave.reserves["WETH"].token.address
        await do.set_thresholds(aave, "WETH", 7_900, 8_300, 10_600)
        await do.pause(aave, "LINK", True)
        await do.pause(aave, "LINK", False)
        await do.freeze(aave, "AAVE", True)
        await aave.configurator.send("setSupplyCap", token, 1_000)
        await aave.configurator.send("setSupplyCap", token, 0)
        await aave.configurator.send("setLiquidationProtocolFee", token, 2_000)
        feed = await deploy(aave.chain, own("Feed"), 8, "another WETH / USD", 2_000 * 10**8)
        await aave.oracle.send("setAssetSources", [token], [feed.address])
        await aave.configurator.send("setEModeCategory", *mode(aave))
        return first

    first = asyncio.run(governed())
    said = look(aave.name, "--changes", "--since", str(first))
    assert (said.code, said.err) == (Exit.OK, "")
    rows: list[Record] = json.loads(said.out)
    assert [
        (row["subject"], row["parameter"], row["was_text"], row["now_text"])
        for row in rows
        if "price" not in row["parameter"]
    ] == [
        ("WETH", "loan-to-value", "80 %", "79 %"),
        ("WETH", "liquidation threshold", "82.5 %", "83 %"),
        ("WETH", "liquidation bonus", "5 %", "6 %"),
        ("LINK", "paused", "no", "yes"),
        ("LINK", "paused", "yes", "no"),
        *([("AAVE", "loan-to-value", "60 %", "0 %")] if aave.version == "3.6" else []),
        ("AAVE", "frozen", "no", "yes"),
        ("WETH", "supply cap", "no limit", "1,000"),
        ("WETH", "supply cap", "1,000", "no limit"),
        ("WETH", "liquidation protocol fee", "10 %", "20 %"),
        ("e-mode 1", "liquidation threshold", "95 %", "94 %"),
    ]
    (source,) = [row for row in rows if row["parameter"] == "price source" and row["token"]]
    assert source["was"] == aave.reserves["WETH"].feed.address
    assert [int(row["block"]) for row in rows] == sorted(int(row["block"]) for row in rows)

    async def read(w3: Web3) -> list[int]:
        asked = plain(w3, aave.data_provider).functions.getReserveConfigurationData(aave.reserves["WETH"].token.address)
        (row,) = [one for one in rows if (one["subject"], one["parameter"]) == ("WETH", "liquidation threshold")]
        block = int(row["block"])
        seen = [(await asked.call(block_identifier=number))[2] for number in (block - 1, block)]
        return [int(row["was"]), int(row["now"]), *seen]

    was, now, *seen = asked_web3(aave, read)
    assert [was, now] == seen == [8_250, 8_300]


def mode(aave: AaveMarket) -> tuple[Any, ...]:
    """E-mode 1 with a lower threshold."""
    row = (1, 9_300, 9_400, 10_100)
    return (*row, "0x" + "0" * 40, "ETH correlated") if aave.version == "3.0" else (*row, "ETH correlated")


def test_an_upgrade_of_the_pool_is_in_the_log_with_the_rules_before_and_after(v36: AaveMarket, look: Look) -> None:
    async def upgraded() -> tuple[int, str]:
        first = await v36.chain.block_number() + 1
        strategy = await v36.pool.call("RESERVE_INTEREST_RATE_STRATEGY")
        code = await Workshop(v36.chain, artifact).make("PoolInstance", v36.provider.address, strategy)
        proxy = replace(v36.pool, abi=UPGRADE)
        await proxy.send("upgradeTo", code.address, sender=v36.provider.address)
        return first, code.address

    async def implementation(w3: Web3) -> str:
        word = await w3.eth.get_storage_at(v36.pool.address, SLOT)
        return w3.to_checksum_address(word[12:])

    before = asked_web3(v36, implementation)
    first, code = asyncio.run(upgraded())
    assert asked_web3(v36, implementation) == code
    said = look(v36.name, "--changes", "--since", str(first))
    assert said.code == Exit.OK
    (row,) = json.loads(said.out)
    assert (row["subject"], row["parameter"], row["was"], row["now"]) == ("pool", "pool code", before, code)
    assert row["rules_before"] == row["rules_after"] == "Aave 3.6 (revision 10), 11 reserves"


SLOT = 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC
UPGRADE = [
    {
        "type": "function",
        "name": "upgradeTo",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "newImplementation", "type": "address"}],
        "outputs": [],
    }
]


def test_without_an_archive_what_was_before_is_not_known_and_never_nothing(v36: AaveMarket, look: Look) -> None:
    async def told() -> Said:
        first = await v36.chain.block_number() + 1
        await do.set_thresholds(v36, "WETH", 8_000, 8_300, 10_500)
        await do.set_thresholds(v36, "WETH", 8_000, 8_200, 10_500)
        node = Forgetful(Front(v36.chain.url), first)
        try:
            async with serve(node) as server:
                return await asyncio.to_thread(look, v36.name, "--changes", "--since", str(first), url=server.url)
        finally:
            if node.node.session is not None:
                await node.node.session.close()

    said = asyncio.run(told())
    assert said.code == Exit.SOURCE
    assert "missing trie node" in said.err
    rows: list[Record] = json.loads(said.out)
    thresholds = [row for row in rows if row["parameter"] == "liquidation threshold"]
    assert [(row["was_known"], row["was_text"], row["now_text"]) for row in thresholds] == [
        (False, "?", "83 %"),
        (True, "83 %", "82 %"),
    ]


def test_a_morpho_market_its_fee_and_its_beginning(morpho: MorphoChain, look: Look) -> None:
    market = morpho.markets["wstETH/WETH"]
    name = f"local/morpho-blue/0x{market.id.hex()}"

    async def lived() -> None:
        await morpho_actions.supply_collateral(morpho, market, WHO, 10 * 10**18)
        await morpho_actions.borrow(morpho, market, WHO, 10**18)
        await morpho.chain.advance(86_400)
        await morpho.morpho.send("setFee", market.params, 15 * WAD // 100)
        await morpho.morpho.send("enableLltv", 98 * WAD // 100)

    asyncio.run(lived())
    rows: list[Record] = json.loads(look(name, "--changes").out)
    said = [(row["subject"], row["parameter"], row["was_text"], row["now_text"]) for row in rows]
    assert ("market", "liquidation loan-to-value", "–", "94.5 %") in said
    assert [row[2:] for row in said if row[1] == "fee on interest"] == [("–", "0 %"), ("0 %", "10 %"), ("10 %", "15 %")]
    assert said[-1] == ("Morpho", "new markets: LLTV 98 %", "no", "yes")
    whole: Record = json.loads(look(name).out)
    assets = {row["symbol"]: row for row in whole["assets"]}

    async def totals(w3: Web3) -> tuple[Any, ...]:
        return tuple(await plain(w3, morpho.morpho).functions.market(market.id).call())

    stored = asked_web3(Local(morpho.chain, None, None, morpho), totals)  # type: ignore[arg-type]
    assert (units(assets["WETH"]["supplied"], 18), units(assets["WETH"]["borrowed"], 18)) == (stored[0], stored[2])
    assert (assets["wstETH"]["threshold"], assets["wstETH"]["protocol_fee"]) == ("0.945", "0")
    assert units(assets["wstETH"]["liquidation_bonus"], 18) == WAD * WAD // (WAD - 3 * (WAD - 945 * 10**15) // 10) - WAD
