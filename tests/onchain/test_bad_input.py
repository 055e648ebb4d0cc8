"""Bad markets in a wallet: each is unknown with its reason, or shown as the protocol says; everything else stays as it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from tests.onchain.account_scene import OWNER, Ask, ask, figures, indebted, user_data
from tests.onchain.conftest import Local
from tests.onchain.test_pre_liquidation import scan
from watcher.exit import Exit
from watcher.localchain import aave_actions, morpho_actions
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import ZERO, deploy
from watcher.localchain.hostile import REVERTS
from watcher.localchain.morpho import LENDER, MorphoChain, MorphoMarket
from watcher.localchain.own import own
from watcher.localchain.scenario import account
from watcher.units import WAD

__all__ = ["ask"]  # a fixture

REVERTING = "0x60006000fd"  # code that reverts without a word, whatever it is asked
BURNING = "0xfe"  # code that takes all gas
LLTV = 625 * 10**15
LIQUIDATOR = account("liquidator")


async def made(
    world: MorphoChain,
    *,
    symbol: str = "ODD",
    decimals: int = 18,
    price: int = 2_000 * 10**24,
    model: ChecksumAddress = ZERO,
) -> MorphoMarket:
    """A market that a stranger has made: its own collateral, its own oracle, USDC to borrow."""
    token = await deploy(world.chain, own("Token"), symbol, symbol, decimals)
    oracle = await deploy(world.chain, own("ScaledOracle"), price)
    owed = world.tokens["USDC"]
    params = (owed.address, token.address, oracle.address, model, LLTV)
    await world.morpho.send("createMarket", params)
    base = world.markets["hostile"]
    id = keccak(encode(["address"] * 4 + ["uint256"], params))
    return replace(base, id=id, params=params, loan=owed, collateral=token, oracle=oracle)


async def entered(world: MorphoChain, market: MorphoMarket, who: str = OWNER, *, debt: int = 500 * 10**6) -> None:
    """One whole collateral token against `debt`."""
    assert market.collateral is not None
    await morpho_actions.lend(world, market, LENDER, 4 * debt)
    await morpho_actions.supply_collateral(world, market, who, WAD)
    await morpho_actions.borrow(world, market, who, debt)


def of_id(said: Any, market: MorphoMarket) -> dict[str, Any]:
    """The only record of a market, by its id."""
    (found,) = [record for record in said.records if record["market"].endswith(market.id.hex()[:10])]
    return dict(found)


def unknown(record: dict[str, Any]) -> str:
    """The reason of a market or position of which nothing is told."""
    assert record["status"] == "unknown"
    assert "health" not in record and "debt" not in record
    return str(record["reason"])


@pytest.mark.parametrize("mode", [REVERTS, 2, 3, 4], ids=["reverting", "empty", "burning all gas", "short"])
def test_f35_a_token_without_decimals_makes_its_market_unknown_and_no_other(
    mode: int, local: Local, chain: object, ask: Ask
) -> None:
    async def play() -> tuple[MorphoMarket, MorphoMarket]:
        odd, good = await made(local.morpho), await made(local.morpho, symbol="GOOD")
        for market in (odd, good):
            await entered(local.morpho, market)
        assert odd.collateral is not None
        await odd.collateral.send("setMode", mode)
        return odd, good

    odd, good = asyncio.run(play())
    said = ask(OWNER)
    assert said.code == Exit.SOURCE
    assert "decimals" in unknown(of_id(said, odd))
    assert of_id(said, good)["health"] == "2.5"
    assert "UNKNOWN" in ask(OWNER, "--format", "table").out


@pytest.mark.parametrize("decimals", [0, 77, 255])
def test_f35_a_token_of_absurd_decimals_is_shown_as_the_contract_counts_it(
    decimals: int, local: Local, chain: object, ask: Ask
) -> None:
    async def play() -> MorphoMarket:
        market = await made(local.morpho, decimals=decimals)
        await entered(local.morpho, market)
        return market

    market = asyncio.run(play())
    record = of_id(ask(OWNER), market)
    assert (record["health"], record["collateral"], record["debt"]) == ("2.5", "2000", "500")
    (held,) = [leg for leg in record["legs"] if leg["side"] == "collateral"]
    assert (held["symbol"], int(held["amount_raw"])) == ("ODD", WAD)
    table = ask(OWNER, "--format", "table").out
    assert "ODD" in table and max(map(len, table.splitlines())) <= 160


@pytest.mark.parametrize("answer", [0, 2**255, 2**256 - 1])
def test_f27_an_absurd_answer_of_a_fake_markets_oracle_is_unknown_and_the_rest_is_shown(
    answer: int, local: Local, chain: object, ask: Ask
) -> None:
    fake, good = asyncio.run(beside_a_good_one(local))
    asyncio.run(set_oracle(fake, answer))
    said = ask(OWNER)
    assert said.code == Exit.SOURCE and unknown(of_id(said, fake))
    assert of_id(said, good)["health"] == "2.5"


@pytest.mark.parametrize("code", [REVERTING, BURNING, "0x", "0x601f6000f3"], ids=["reverts", "burns", "none", "short"])
def test_f28_an_oracle_that_does_not_answer_costs_its_market_and_no_other(
    code: str, local: Local, chain: object, ask: Ask
) -> None:
    fake, good = asyncio.run(beside_a_good_one(local))
    assert fake.oracle is not None
    asyncio.run(local.chain.rpc("anvil_setCode", fake.oracle.address, code))
    said = ask(OWNER)
    assert said.code == Exit.SOURCE and "price" in unknown(of_id(said, fake))
    assert of_id(said, good)["health"] == "2.5"


@pytest.mark.parametrize("code", [REVERTING, BURNING], ids=["reverts", "burns"])
def test_f28_an_interest_model_that_does_not_answer_costs_its_market_and_no_other(
    code: str, local: Local, chain: object, ask: Ask
) -> None:
    async def play() -> tuple[MorphoMarket, MorphoMarket]:
        model = await deploy(local.chain, own("FlatModel"), 10**9)
        await local.morpho.morpho.send("enableIrm", model.address)
        fake, good = await made(local.morpho, model=model.address), await made(local.morpho, symbol="GOOD")
        for market in (fake, good):
            await entered(local.morpho, market)
        await local.chain.rpc("anvil_setCode", model.address, code)
        return fake, good

    fake, good = asyncio.run(play())
    said = ask(OWNER)
    assert said.code == Exit.SOURCE and "rate" in unknown(of_id(said, fake)).lower()
    assert of_id(said, good)["health"] == "2.5"


async def beside_a_good_one(local: Local) -> tuple[MorphoMarket, MorphoMarket]:
    """A stranger's market and a good one; the owner stands alike in both."""
    fake, good = await made(local.morpho, symbol="FAKE"), await made(local.morpho, symbol="GOOD")
    for market in (fake, good):
        await entered(local.morpho, market)
    return fake, good


async def set_oracle(market: MorphoMarket, answer: int) -> None:
    assert market.oracle is not None
    await market.oracle.send("set", answer)


@pytest.mark.parametrize("part", ["pool", "oracle"])
def test_f28_an_aave_market_whose_view_reverts_is_unknown_and_the_others_are_shown(
    part: str, local: Local, v30: AaveMarket, v36: AaveMarket, ask: Ask
) -> None:
    """The pool behind its proxy, as after a half-made upgrade, or its price oracle: nothing is invented, the old market stays."""

    async def play() -> None:
        for market in (v30, v36):
            await indebted(market)
        broken = v36.pool if part == "pool" else v36.oracle
        await local.chain.rpc("anvil_setCode", broken.address, REVERTING)

    asyncio.run(play())
    said = ask(OWNER)
    assert said.code == Exit.SOURCE
    assert "revert" in unknown(said.of(v36.name))
    assert figures(said.of(v30.name)) == user_data(v30)


def test_a_paused_and_a_frozen_reserve_are_shown_with_their_figures_and_what_they_stop(
    v36: AaveMarket, ask: Ask
) -> None:
    async def play() -> None:
        await indebted(v36)
        await aave_actions.pause(v36, "WETH", True)
        await aave_actions.freeze(v36, "WBTC", True)
        await aave_actions.pause(v36, "USDC", True)

    asyncio.run(play())
    said = ask(OWNER)
    record = said.of(v36.name)
    assert said.code == Exit.OK and figures(record) == user_data(v36)
    stops = {asset["symbol"]: (asset["paused"], asset["frozen"]) for asset in record["assets"]}
    assert (stops["WETH"], stops["WBTC"], stops["USDC"], stops["DAI"]) == (
        (True, False),
        (False, True),
        (True, False),
        (False, False),
    )
    table = ask(OWNER, "--format", "table").out
    assert "WETH is paused" in table and "WBTC is frozen" in table


def test_f34_a_reserve_whose_threshold_governance_takes_away_is_shown_as_it_is_now(v36: AaveMarket, ask: Ask) -> None:
    """A deprecated reserve: frozen, loan-to-value 0; its threshold still protects the debt."""

    async def play() -> None:
        await indebted(v36)
        await aave_actions.set_thresholds(v36, "WETH", 0, 7_000, 10_500)
        await aave_actions.freeze(v36, "WETH", True)

    asyncio.run(play())
    record = ask(OWNER).of(v36.name)
    assert figures(record) == user_data(v36)
    (weth,) = [leg for leg in record["legs"] if leg["symbol"] == "WETH"]
    assert (weth["threshold"], weth["ltv"]) == ("0.7", "0")


def test_f39_a_look_alike_token_is_another_token_and_its_market_another_market(
    local: Local, chain: object, ask: Ask
) -> None:
    """The same symbols at other addresses: two positions, each under its market's id, unverified where no list has it."""

    async def play() -> tuple[MorphoMarket, MorphoMarket]:
        fake = await made(local.morpho, symbol="WETH", price=10 * 2_000 * 10**24)
        real = local.morpho.markets["WETH/USDC"]
        await entered(local.morpho, fake)
        await entered(local.morpho, real)
        return fake, real

    fake, real = asyncio.run(play())
    said = ask(OWNER)
    tokens = {}
    for market in (fake, real):
        record = of_id(said, market)
        (leg,) = [leg for leg in record["legs"] if leg["side"] == "collateral"]
        tokens[record["market"]] = leg["token"]
        assert leg["symbol"] == "WETH" and market.collateral is not None
        assert leg["token"] == market.collateral.address
    assert len(set(tokens.values())) == 2
    assert real.collateral is not None
    moved = ask(OWNER, "--price", f"{real.collateral.address}=-20%")
    assert "what_if" in of_id(moved, real) and "what_if" not in of_id(moved, fake)
    assert [of_id(said, market)["listed"] for market in (fake, real)] == [False, False]
    table = ask(OWNER, "--format", "table").out
    assert table.count("WETH/USDC (unverified)") == 2
    named = ask(OWNER, "--market", f"local/morpho-blue/0x{real.id.hex()}")
    assert [record["listed"] for record in named.records] == [True]


def test_f40_bad_debt_that_lenders_pay_for_is_read_from_the_protocol_and_the_book_still_adds_up(
    local: Local, chain: object, ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The price halves, a liquidation takes all collateral, the rest of the debt is written off: shares stay, their worth falls."""
    world = local.morpho
    market = world.markets["WETH/USDC"]
    name = world.market("WETH/USDC").name

    async def play() -> None:
        await entered(world, market, debt=1_500 * 10**6)
        await entered(world, market, account("healthy"), debt=100 * 10**6)
        await market.source.send("set", 1_000 * 10**8)
        await morpho_actions.liquidate(world, market, LIQUIDATOR, OWNER, seized=WAD)

    before = of_id(ask(LENDER), market)
    asyncio.run(play())
    after = of_id(ask(LENDER), market)
    supplied, in_all, *_ = asyncio.run(world.morpho.call("market", market.id))
    shares, *_ = asyncio.run(world.morpho.call("position", market.id, LENDER))
    (lent,) = after["legs"]
    assert int(lent["amount_raw"]) == shares * (supplied + 1) // (in_all + 10**6)
    assert before["status"] == after["status"] == "no_debt"
    found = scan(local, tmp_path, capsys, name, "--below", "1000000")
    assert int(found["unknown"]) == 0 and found["coverage"]["exact"]
    assert {row["account"] for row in found["accounts"]} == {account("healthy")}


def test_f40_a_rebasing_token_moves_only_what_the_protocol_says_that_it_moves(v36: AaveMarket, ask: Ask) -> None:
    """Half of the pool's WETH is gone, as under a negative rebase: Aave still owes its depositors all of it, and so it is shown."""

    async def play() -> None:
        await indebted(v36)
        reserve = v36.reserves["WETH"]
        held = await reserve.token.call("balanceOf", reserve.receipt.address)
        await reserve.token.send("transfer", account("elsewhere"), held // 2, sender=reserve.receipt.address)

    asyncio.run(play())
    assert figures(ask(OWNER).of(v36.name)) == user_data(v36)
