"""Aave V2 on the local chain beyond one's own actions: stable debt, pauses, prices that are missing, discovery, liquidations."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from tests.onchain.aave_liquidation import liquidated
from tests.onchain.aave_scene import FIGURES, Scene, check_accounts, scene
from tests.onchain.aave_v2.play import opened, rebalanced
from watcher.adapter import Acted, Liquidation, LogQuery, Repay, Which
from watcher.adapters import adapter
from watcher.chain.logs import logs
from watcher.errors import CallReverted, MissingPrice
from watcher.localchain import aave_actions as do
from watcher.localchain import aave_v2_actions as v2_do
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_setup import WHALE
from watcher.localchain.aave_v2 import artifact
from watcher.localchain.aave_v2_actions import seed
from watcher.localchain.contract import Contract
from watcher.localchain.scenario import account, fund, set_price
from watcher.model import Blocked, Moment, PositionKey, Unit
from watcher.query import Query, together
from watcher.units import MAX, Raw

YEAR = 365 * 86_400
ADAPTER = adapter("aave_v2")


def test_a_wallet_costs_four_trips_for_terms_and_three_with_known_ones(v2: AaveMarket) -> None:
    async def run() -> tuple[int, int, Unit]:
        async with scene(v2, 2, funded=False) as stage:
            await opened(stage)
            block = await stage.reader.head()
            start = stage.reader.rounds
            terms = await stage.reader.run(ADAPTER.terms(stage.market), block)
            unknown = stage.reader.rounds - start
            start = stage.reader.rounds
            keys = [stage.key(who) for who in stage.actors]
            asked: list[Query[Any]] = [ADAPTER.fresh(terms), ADAPTER.quote(terms), ADAPTER.holdings(terms, keys)]
            answers = await stage.reader.run(together(asked), block)
            assert answers[0] is True
            return unknown, stage.reader.rounds - start, terms.unit

    unknown, known, unit = asyncio.run(run())
    assert unknown <= 4
    assert known <= 3
    assert unit == (Unit("USD", 8) if v2.base is None else Unit("ETH", 18))


def test_a_paused_pool_and_a_reserve_that_is_off_block_what_the_line_allows_and_a_frozen_one_does_not(
    v2_eth: AaveMarket,
) -> None:
    async def run() -> None:
        async with scene(v2_eth, 2, funded=False) as stage:
            await opened(stage)
            ada, liquidator = stage.actors[0], account("liquidator")
            await fund(v2_eth.reserves["USDC"].token, liquidator, 10**12, v2_eth.pool.address)
            await set_price(v2_eth.reserves["WBTC"].feed, v2_eth.reserves["WBTC"].asset.price // 3)

            async def blocked() -> tuple[Blocked | None, str]:
                terms = await stage.terms()
                quote, holdings = await stage.world(terms)
                ours = ADAPTER.value(terms, quote, holdings[stage.key(ada)])
                assert ours.liquidatable
                try:
                    await v2_eth.pool.call(*do.liquidation(v2_eth, ada, "WBTC", "USDC"), sender=liquidator)
                    return ours.blocked, "done"
                except CallReverted as reverted:
                    return ours.blocked, stage.refused(reverted.data)

            assert await blocked() == (None, "done")
            for symbol in ("WBTC", "USDC"):
                await v2_do.freeze(v2_eth, symbol, True)
            assert await blocked() == (None, "done")
            await v2_do.pause(v2_eth, True)
            assert await blocked() == (Blocked.PAUSED, "ReservePaused")
            await v2_do.pause(v2_eth, False)
            assert await blocked() == (None, "done")
            for symbol in ("WBTC", "WETH"):  # both of its collaterals
                await v2_do.switch_off(v2_eth, symbol)
            assert await blocked() == (Blocked.PAUSED, "ReserveInactive")

    asyncio.run(run())


def test_stable_debt_grows_is_repaid_rebalanced_and_liquidated_as_the_contract_says(v2: AaveMarket) -> None:
    async def run() -> None:
        async with scene(v2, 2, funded=False) as stage:
            await opened(stage)
            ada = stage.actors[0]
            terms = await stage.terms()
            dai = v2.reserves["DAI"].token.address
            await fund(v2.reserves["DAI"].token, ada, 10**23, v2.pool.address)
            for part in (Raw(500 * 10**18), Raw(400 * 10**18)):
                at = await v2.chain.timestamp() + YEAR // 9
                quote, holdings = await stage.world(terms, at)
                predicted = ADAPTER.act(terms, quote, holdings[stage.key(ada)], Repay(dai, part))
                assert isinstance(predicted, Acted)
                await v2.chain.next_timestamp(at)
                await v2.pool.send("repay", dai, part, do.STABLE, ada, sender=ada)
                quote, holdings = await stage.world(terms)
                assert predicted.holding == holdings[stage.key(ada)]
                assert predicted.quote == quote
            rate = holdings[stage.key(ada)].balance(v2.reserves["DAI"].id).rate
            await rebalanced(stage)
            await v2.chain.advance(40 * 86_400)
            assert await check_accounts(stage, terms) == 2 * len(FIGURES)
            _, holdings = await stage.world(terms)
            assert holdings[stage.key(ada)].balance(v2.reserves["DAI"].id).rate > rate
            liquidator = account("liquidator")
            for symbol in ("DAI", "USDC"):
                token = v2.reserves[symbol]
                await fund(token.token, liquidator, 10**6 * 10**token.decimals, v2.pool.address)
            seen: Counter[str] = Counter()
            for percent in (40, 5):  # half of the debt, more than the collateral is worth
                await set_price(v2.reserves["WBTC"].feed, v2.reserves["WBTC"].asset.price * percent // 100)
                await check_accounts(stage, terms)
                for debt in ("DAI", "USDC"):
                    for collateral in ("WBTC", "WETH"):
                        seen[await liquidated(stage, terms, ada, debt, collateral)] += 1
            assert seen["whole"] >= 4, seen

    asyncio.run(run())


def test_the_fallback_oracle_is_asked_where_a_source_answers_nothing_and_no_answer_is_unknown(v2: AaveMarket) -> None:
    async def run() -> None:
        async with scene(v2, 2, funded=False) as stage:
            await opened(stage)
            ada, bob = stage.actors
            reserve = v2.reserves["WBTC"]
            terms = await stage.terms()
            await set_price(reserve.feed, 0)
            quote, holdings = await stage.world(terms)
            with pytest.raises(MissingPrice) as missing:
                ADAPTER.value(terms, quote, holdings[stage.key(ada)])
            assert missing.value.token == reserve.token.address
            ours = ADAPTER.value(terms, quote, holdings[stage.key(bob)])
            assert tuple(getattr(ours, name) for name in FIGURES) == await v2.pool.call("getUserAccountData", bob)
            found = await v2.oracle.call("getFallbackOracle")
            fallback = Contract(v2.chain, to_checksum_address(found), artifact("PriceOracle").abi)
            await fallback.send("setAssetPrice", reserve.token.address, reserve.asset.price + 7)
            assert await check_accounts(stage, terms) == 2 * len(FIGURES)
            quote, _ = await stage.world(terms)
            answers = {price.token.symbol: price.answer for price in ADAPTER.prices(terms, quote)}
            assert answers["WBTC"] == reserve.asset.price + 7

    asyncio.run(run())


def test_logs_find_everybody_who_owes_or_holds_and_what_they_have_adds_up_to_the_pools_totals(v2: AaveMarket) -> None:
    async def found(stage: Scene, asked: LogQuery[PositionKey]) -> set[PositionKey]:
        head = await stage.reader.head()
        return {key async for _, rows in logs(stage.w3, asked, v2.start, head.number) for _, key in rows}

    async def run() -> None:
        owners = await seed(v2, 36)
        async with scene(v2, 2, funded=False) as stage:
            await opened(stage)
            await rebalanced(stage)
            await v2_do.swap_rate(v2, stage.actors[0], "DAI", do.STABLE)
            assert ADAPTER.borrowers and ADAPTER.suppliers and ADAPTER.founding and ADAPTER.totals and ADAPTER.shares
            terms = await stage.terms()
            debtors = await found(stage, ADAPTER.borrowers([terms]))
            assert debtors == {stage.key(who) for who in (*owners, *stage.actors, account("rich"))}
            holders = await found(stage, ADAPTER.suppliers([terms]))
            assert holders > debtors and stage.key(WHALE) in holders
            head = await stage.reader.head()
            founded = [
                r async for _, rows in logs(stage.w3, ADAPTER.founding(terms), v2.start, head.number) for r in rows
            ]
            assert len(founded) == len(v2.reserves)
            quote = await stage.reader.run(ADAPTER.quote(terms), head)
            holdings = await stage.reader.run(ADAPTER.holdings(terms, sorted(holders, key=lambda key: key.key)), head)
            sums: Counter[str] = Counter()
            for holding in holdings.values():
                seen = ADAPTER.shares(terms, holding)
                for part in (seen.debts, seen.deposits):
                    sums.update(part)
            totals = ADAPTER.totals(terms, quote)
            for token, amount in (*totals.debts.items(), *totals.deposits.items()):
                assert sums[token] == amount
            assert any(sums[reserve.stable] for reserve in terms.reserves if reserve.stable)
            later = Moment(head.number, head.timestamp + 86_400)
            far = ADAPTER.accrue(terms, quote, Moment(head.number, head.timestamp + 10**7), Which.ALL)
            assert ADAPTER.accrue(terms, far, later, Which.ALL) == ADAPTER.accrue(terms, quote, later, Which.ALL)

    asyncio.run(run())


def test_a_liquidation_that_happened_is_read_as_it_was(v2_eth: AaveMarket) -> None:
    async def run() -> None:
        async with scene(v2_eth, 3, funded=False) as stage:
            await opened(stage)
            terms = await stage.terms()
            start = await v2_eth.chain.block_number()
            await set_price(v2_eth.reserves["WBTC"].feed, v2_eth.reserves["WBTC"].asset.price * 35 // 100)
            payer = account("liquidator")
            await fund(v2_eth.reserves["DAI"].token, payer, 10**24, v2_eth.pool.address)
            at = await v2_eth.chain.timestamp() + 12
            quote, holdings = await stage.world(terms, at)
            debt, collateral = (v2_eth.reserves[symbol].token.address for symbol in ("DAI", "WBTC"))
            ours = ADAPTER.liquidation(terms, quote, holdings[stage.key(stage.actors[0])], debt, collateral)
            await v2_eth.chain.next_timestamp(at)
            await v2_eth.pool.send("liquidationCall", collateral, debt, stage.actors[0], MAX, False, sender=payer)
            assert ADAPTER.liquidations
            query = ADAPTER.liquidations(terms)
            head = await v2_eth.chain.block_number()
            (one,) = [row async for _, rows in logs(stage.w3, query, start + 1, head) for _, row in rows]
            assert (one.key, one.liquidator, one.debt, one.collateral) == (
                stage.key(stage.actors[0]),
                payer,
                debt,
                collateral,
            )
            held = await v2_eth.reserves["WBTC"].token.call("balanceOf", payer)
            spent = 10**24 - await v2_eth.reserves["DAI"].token.call("balanceOf", payer)
            assert (one.repay, one.taken, one.fee, one.written_off) == (spent, held, 0, None)
            assert isinstance(ours, Liquidation)
            assert (one.repay, one.taken) == (ours.repay, ours.seize)

    asyncio.run(run())
