"""Morpho Blue: the line, liquidations, a hostile oracle, forecasts and the curve, each against the real contract on the local chain."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address as checksum
from eth_utils.crypto import keccak

from tests.onchain.morpho_scene import BORROWED, Scene, amount_for, answer_on_the_line
from tests.onchain.morpho_truth import PAYER
from watcher.adapter import Liquidation, Refusal, Which
from watcher.adapters.morpho_blue import ADAPTER
from watcher.adapters.morpho_blue.facts import Model
from watcher.errors import AnswerError, CallReverted, MissingPrice, Overflow
from watcher.formula.morpho import largest_seizure, repaid_for, seized_for
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER, deploy
from watcher.localchain.morpho import FEE_RECIPIENT, MorphoChain
from watcher.localchain.own import own
from watcher.localchain.scenario import account
from watcher.model import Moment
from watcher.units import WAD

ALICE, BOB, CAROL = account("alice"), account("bob"), account("carol")
VECTORS = Path(__file__).parents[1] / "formula" / "vectors"
HEALTHY = "position is healthy"
ALLOWED = ""  # no reason: the simulated liquidation succeeded


def play(world: MorphoChain, story: Any) -> None:
    """Run one story on an opened scene."""

    async def told() -> None:
        scene = await Scene.open(world)
        try:
            await story(scene)
        finally:
            await scene.close()

    asyncio.run(told())


def debt_of(name: str) -> int:
    """An uneven debt of some thousand units of value in the market's loan token."""
    return 1_234_567_891 if name.endswith("USDC") or name == "hostile" else 1_234_567_891_234_567_891


@pytest.mark.parametrize("name", BORROWED)
def test_one_unit_of_the_oracle_decides_for_us_and_for_the_contract(morpho: MorphoChain, name: str) -> None:
    """On the line, one unit of the source above it and one below, `liquidate` succeeds exactly when we say liquidatable."""

    async def story(scene: Scene) -> None:
        market = morpho.markets[name]
        start = await scene.view(name, [])
        price = start.quote.price or 0
        debt = debt_of(name)
        await scene.open_position(market, ALICE, amount_for(market, price, debt, WAD // 2), debt)
        seen = []
        for offset in (-1, 0, 1):
            at = await scene.moment(86_400)
            line = answer_on_the_line(market, await scene.view(name, [ALICE]), ALICE, at)
            await scene.set_answer(market, line + offset, at.timestamp)
            view = await scene.view(name, [ALICE])
            (verdict,) = await scene.truth.liquidations(market, [ALICE], view.block.number)
            seen.append((view.value(ALICE).liquidatable, verdict.reason))
        assert seen == [(True, ALLOWED), (False, HEALTHY), (False, HEALTHY)]

    play(morpho, story)


@pytest.mark.parametrize("name", BORROWED)
def test_one_raw_unit_of_debt_decides_too(morpho: MorphoChain, name: str) -> None:
    """Alice owes exactly what her collateral carries; Bob, with the same collateral, one unit more."""

    async def story(scene: Scene) -> None:
        market = morpho.markets[name]
        price = (await scene.view(name, [])).quote.price or 0
        debt = debt_of(name)
        collateral = amount_for(market, price, debt, WAD // 2)
        for who, extra in ((ALICE, 0), (BOB, 1), (CAROL, -1)):
            await scene.open_position(market, who, collateral, debt + extra)
        at = await scene.moment(3_600)
        before = await scene.view(name, [ALICE])
        await scene.set_answer(market, answer_on_the_line(market, before, ALICE, at), at.timestamp)
        view = await scene.view(name, [ALICE, BOB, CAROL])
        verdicts = await scene.truth.liquidations(market, [ALICE, BOB, CAROL], view.block.number)
        ours = [view.value(who) for who in (ALICE, BOB, CAROL)]
        owed = [worth.debt for worth in ours]
        assert owed[2] < owed[0] < owed[1] and owed[1] - owed[0] in (1, 2)
        assert [worth.liquidatable for worth in ours] == [False, True, False]
        assert [verdict.reason for verdict in verdicts] == [HEALTHY, ALLOWED, HEALTHY]

    play(morpho, story)


def test_equality_is_healthy(morpho: MorphoChain) -> None:
    """Without interest the two sides can be made the very same integer."""

    async def story(scene: Scene) -> None:
        market = morpho.markets["hostile"]
        await scene.open_position(market, ALICE, WAD, 1_000_000_000)
        for price, reason in ((1_600 * 10**24, HEALTHY), (1_600 * 10**24 - 1, ALLOWED)):
            await scene.set_answer(market, price)
            view = await scene.view("hostile", [ALICE])
            worth = view.value(ALICE)
            (verdict,) = await scene.truth.liquidations(market, [ALICE], view.block.number)
            assert verdict.reason == reason
            assert (worth.line.weighted - worth.line.owed, worth.liquidatable) == (0 if reason else -1, not reason)

    play(morpho, story)


DEPTHS = (9_999, 9_500, 8_000, 1_000, 1)  # bps of the price on the line: from dust under it to worthless
DEBTS = (1, 2, 17, 1_234_567_891)


@pytest.mark.parametrize("name", BORROWED)
def test_a_real_liquidation_moves_what_we_said(morpho: MorphoChain, name: str) -> None:
    """Repay, seizure and bad debt against the tokens that really moved, for dust and for size, just under the line and far below."""

    async def story(scene: Scene) -> None:
        market = morpho.markets[name]
        price = (await scene.view(name, [])).quote.price or 0
        done = []
        for depth in DEPTHS:
            for debt in DEBTS:
                who = account(f"debtor of {debt} at {depth}")
                await scene.open_position(market, who, amount_for(market, price, debt + 2, WAD * 9 // 10), debt)
                at = await scene.moment(60)
                line = answer_on_the_line(market, await scene.view(name, [who]), who, at)
                await scene.set_answer(market, max(1, line * depth // 10_000), at.timestamp)
                done.append(await liquidated(scene, name, who))
                await scene.set_answer(market, price if market.feed is None else price // 10**16)
        assert sum(one is not None for one in done) >= len(DEPTHS) * len(DEBTS) // 2
        assert {one.deficit > 0 for one in done if one is not None} == {True, False}

    play(morpho, story)


async def liquidated(scene: Scene, name: str, who: str) -> Liquidation | None:
    """The largest liquidation, announced and carried out in the next block; None where we announce that it is refused."""
    market, send = scene.world.markets[name], scene.world.morpho.send
    assert market.collateral is not None
    at = await scene.moment(12)
    view = await scene.view(name, [who])
    quote, held = view.foretold(at), view.holdings[who]
    said = ADAPTER.liquidation(view.terms, quote, held, market.params[0], market.params[1])
    await scene.world.chain.next_timestamp(at.timestamp)
    if isinstance(said, Refusal):
        with pytest.raises(CallReverted):
            await send("liquidate", market.params, who, 0, 1, b"", sender=PAYER)
        return None
    price, lltv, borrow = quote.price or 0, market.params[4], quote.totals.borrow
    plan = largest_seizure(quote.totals, held.collateral, held.borrow_shares, price, lltv)
    assert plan is not None
    whole = seized_for(held.borrow_shares, borrow, price, said.incentive) <= held.collateral
    all_of_it = not whole and repaid_for(held.collateral, borrow, price, said.incentive) <= held.borrow_shares
    before = await market.collateral.call("balanceOf", PAYER), await market.loan.call("balanceOf", PAYER)
    seized, shares = (said.seize, 0) if all_of_it else (0, plan.shares)
    await send("liquidate", market.params, who, seized, shares, b"", sender=PAYER)
    after = await market.collateral.call("balanceOf", PAYER), await market.loan.call("balanceOf", PAYER)
    assert (after[0] - before[0], before[1] - after[1]) == (said.seize, said.repay)
    assert quote.totals.supply.assets - (await scene.truth.stored(market))[0] == said.deficit
    return said


def test_the_oracle_may_be_as_hostile_as_it_likes(morpho: MorphoChain) -> None:
    """Unknown where the contract reverts or would give the collateral away; everybody else is read as ever."""

    async def story(scene: Scene) -> None:
        market = morpho.markets["hostile"]
        assert market.oracle is not None
        await scene.open_position(market, ALICE, WAD, 1_000_000_000)
        await scene.open_position(morpho.markets["WBTC/USDC"], BOB, 10**8, 1_000_000_000)
        wanted = {"hostile": [ALICE], "WBTC/USDC": [BOB]}
        for mode in (1, 2, 3, 4):  # reverts, empty answer, burns all gas, short answer
            await market.oracle.send("setMode", mode)
            views = await scene.views(wanted)
            with pytest.raises(MissingPrice):
                views["hostile"].value(ALICE)
            (verdict,) = await scene.truth.liquidations(market, [ALICE], views["hostile"].block.number)
            assert verdict.answer is None and verdict.reason != HEALTHY
            assert views["WBTC/USDC"].value(BOB).health is not None
            reports = await scene.reported(views["hostile"])
            assert [report.figures for report in reports.values()] == [{"debt": 1_000_000_000}]
        await market.oracle.send("setMode", 0)
        await scene.set_answer(market, 2**255)
        view = await scene.view("hostile", [ALICE])
        with pytest.raises(Overflow):
            view.value(ALICE)
        (verdict,) = await scene.truth.liquidations(market, [ALICE], view.block.number)
        assert verdict.answer is None and verdict.reason != HEALTHY
        await scene.set_answer(market, 0)
        view = await scene.view("hostile", [ALICE])
        with pytest.raises(MissingPrice, match="would allow any liquidation"):
            view.value(ALICE)
        seized = await morpho.morpho.call("liquidate", market.params, ALICE, WAD, 0, b"", sender=PAYER)
        assert seized == (WAD, 0)  # all collateral for nothing

    play(morpho, story)


@pytest.mark.parametrize("name", ["WETH/USDC", "wstETH/WETH", "USDC/WETH", "hostile"])
def test_a_forecast_is_what_the_contract_stores_when_its_time_has_come(morpho: MorphoChain, name: str) -> None:
    async def story(scene: Scene) -> None:
        market = morpho.markets[name]
        price = (await scene.view(name, [])).quote.price or 0
        free = (await scene.truth.stored(market))[0]
        debt = free * 19 // 20
        await scene.open_position(market, ALICE, amount_for(market, price, debt, WAD // 2), debt)
        for later in (1, 2, 12, 3_600, 7 * 86_400, 90 * 86_400):
            at = await scene.moment(later)
            view = await scene.view(name, [ALICE, FEE_RECIPIENT])
            said = view.accrued(at)
            await morpho.chain.next_timestamp(at.timestamp)
            await morpho.morpho.send("accrueInterest", market.params)
            totals = said.totals
            sides = (totals.supply.assets, totals.supply.shares, totals.borrow.assets, totals.borrow.shares)
            assert await scene.truth.stored(market) == (*sides, at.timestamp, view.quote.fee)
            shares, _, _ = await scene.truth.position(market, FEE_RECIPIENT)
            assert shares == view.holdings[FEE_RECIPIENT].supply_shares + said.minted
            assert (said.at_target, said.price) == ((await scene.view(name, [])).quote.at_target, view.quote.price)

    play(morpho, story)


def test_under_another_model_only_the_block_that_was_read_is_known(morpho: MorphoChain) -> None:
    async def story(scene: Scene) -> None:
        market = morpho.markets["WBTC/USDC"]
        await scene.open_position(market, ALICE, 10**8, 20_000 * 10**6)
        await morpho.chain.advance(86_400)
        view = await scene.view("WBTC/USDC", [ALICE])
        assert view.terms.model is Model.OTHER
        (owed,) = await scene.truth.owed(market, [(ALICE, view.holdings[ALICE].borrow_shares)], view.block.number)
        assert owed.answer is not None and view.value(ALICE).debt == owed.answer[0]
        with pytest.raises(AnswerError):
            view.accrued(Moment(view.block.number + 1, view.block.timestamp + 1))

    play(morpho, story)


def test_the_contracts_own_answer_is_ours(morpho: MorphoChain) -> None:
    """`reported` equals `value` for everybody, liquidatable or not, with and without debt."""

    async def story(scene: Scene) -> None:
        market = morpho.markets["wstETH/WETH"]
        owners = [account(f"owner {n}") for n in range(12)]
        for n, who in enumerate(owners):
            await scene.open_position(market, who, 10**18, n * 10**17)
        await scene.set_answer(market, 9 * 10**35)
        await morpho.chain.advance(86_400)
        view = await scene.view("wstETH/WETH", owners)
        reports = await scene.reported(view)
        told = [(reports[view.holdings[w].key].figures, reports[view.holdings[w].key].which) for w in owners]
        ours = [view.value(who) for who in owners]
        assert told == [({"debt": v.debt, "liquidatable": v.liquidatable}, Which.ALL) for v in ours]
        assert {v.liquidatable for v in ours} == {True, False}

    play(morpho, story)


def test_markets_of_an_owner_are_found_in_logs(morpho: MorphoChain) -> None:
    async def story(scene: Scene) -> None:
        assert ADAPTER.discover is not None
        for name in ("wstETH/WETH", "hostile"):
            await scene.open_position(morpho.markets[name], ALICE, 10**18, 0)
        asked = ADAPTER.discover(morpho.singleton(), [ALICE])
        topics = ["0x" + word.hex() for word in (asked.indexed[2] or ())]
        names = [name.rpartition(".")[2] for name in asked.events]
        signatures = {
            "SupplyCollateral": "(bytes32,address,address,uint256)",
            "Supply": "(bytes32,address,address,uint256,uint256)",
        }
        hashes = ["0x" + keccak(text=name + signatures[name]).hex() for name in names]
        logs = await morpho.chain.rpc(
            "eth_getLogs",
            {
                "address": morpho.morpho.address,
                "fromBlock": hex(morpho.start),
                "toBlock": "latest",
                "topics": [hashes, None, None, topics],
            },
        )
        found = {bytes.fromhex(log["topics"][1][2:]) for log in logs}
        assert found == {morpho.markets[name].id for name in ("wstETH/WETH", "hostile")}

    play(morpho, story)


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_our_curve_on_the_local_chain_answers_as_the_original_did(chain: Anvil, every: int) -> None:
    """The vectors were made by the real AdaptiveCurveIrm; so the market that uses ours behaves as if it used that."""
    rows: list[list[int]] = json.loads((VECTORS / "morpho_adaptive_curve.json").read_text())["rows"]

    async def story() -> None:
        model = await deploy(chain, own("CurveModel"), DEPLOYER)
        params = (*(checksum("0x" + f"{n:02x}" * 20) for n in range(1, 5)), WAD // 2)
        identity = keccak(encode(["address"] * 4 + ["uint256"], params))
        slot = "0x" + keccak(identity + bytes(32)).hex()
        now = await chain.timestamp()
        for supplied, borrowed, at_target, elapsed, average, end in rows[::every]:
            now += 1
            await chain.rpc("anvil_setStorageAt", model.address, slot, "0x" + at_target.to_bytes(32).hex())
            await chain.next_timestamp(now)
            await chain.mine()
            market = (supplied, 0, borrowed, 0, now - elapsed, 0)
            assert await model.call("borrowRateView", params, market) == average
            await chain.next_timestamp(now + 1)
            await model.send("borrowRate", params, (*market[:4], now + 1 - elapsed, 0), sender=DEPLOYER)
            assert await model.call("rateAtTarget", identity) == end
            now += 1

    asyncio.run(story())
