"""Every figure of a Comet and of the positions in it to the last unit: against the twin, asked by plain web3."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.onchain.compound_v3.scene import Scene, play
from tests.onchain.compound_v3.town import move_prices, settle
from watcher.adapter import Which
from watcher.adapters.compound_v3 import ADAPTER
from watcher.health.audit import compare
from watcher.localchain import comet_actions as do
from watcher.localchain.comet import CometChain, LocalComet, upgrade
from watcher.localchain.scenario import account
from watcher.model import Moment, Side
from watcher.units import YEAR

ALICE, BOB = account("alice"), account("bob")
UNITS = {"usdc": "USD", "weth": "ETH", "usdt": "USD"}


@pytest.fixture(params=["usd", "eth", "wide"])
def local(comets: CometChain, request: pytest.FixtureRequest) -> LocalComet:
    """The test runs on every Comet."""
    found: LocalComet = getattr(comets, request.param)
    return found


def test_every_account_of_a_market_is_what_the_contract_says(comets: CometChain, local: LocalComet) -> None:
    """Debts and deposits with interest up to now, values at the feeds' answers, both lines, and who would be absorbed."""

    async def story(scene: Scene) -> None:
        owners = await settle(local, 27)
        await move_prices(local, 840 if local is comets.wide else 890)
        await local.chain.advance(20 * 86_400)
        view = await scene.view(owners)
        block, verdicts = view.block.number, set()
        owed = await scene.told(block, *(("borrowBalanceOf", [who]) for who in owners))
        lent = await scene.told(block, *(("balanceOf", [who]) for who in owners))
        stale = await scene.told(block, *(("isLiquidatable", [who]) for who in owners))
        true = await scene.absorbable(block, owners)
        for who, debt, deposit, early, late in zip(owners, owed, lent, stale, true, strict=True):
            seen = view.value(who)
            assert seen.unit.symbol == UNITS[local.plan.name]
            amounts = {side: [leg.amount for leg in seen.legs if leg.side is side] for side in Side}
            assert (sum(amounts[Side.DEBT]), sum(amounts[Side.DEPOSIT])) == (debt, deposit)
            assert seen.liquidatable is late
            assert view.value(who, view.accrued(which=Which.NONE)).liquidatable is early
            verdicts.add(late)
        assert verdicts == {True, False}
        reports = await scene.reader.run(ADAPTER.reported(view.terms, scene.keys(owners)), view.block)
        told = [reports[view.holdings[who].key] for who in owners]
        assert {frozenset(one.figures) for one in told} == {frozenset({"liquidatable", "debt"})}
        assert [compare(view.value(who), one) for who, one in zip(owners, told, strict=True)] == [()] * len(owners)

    play(local, story)


def test_values_are_the_feeds_answers_times_balances(local: LocalComet) -> None:
    async def story(scene: Scene) -> None:
        owners = await settle(local, 9, seed=2)
        await move_prices(local, 991)
        view = await scene.view(owners)
        symbols = {token.address: symbol for symbol, token in local.tokens.items()}
        for who in owners:
            for leg in view.value(who).legs:
                feed = local.feeds[symbols[leg.token.address]].address
                (price,) = await scene.told(view.block.number, ("getPrice", [feed]))
                assert leg.value == leg.amount * price // 10**leg.token.decimals
                if leg.side is Side.COLLATERAL:
                    held = await scene.told(view.block.number, ("userCollateral", [who, leg.token.address]))
                    assert leg.amount == held[0][0]

    play(local, story)


def test_the_market_itself_is_what_the_contract_says(local: LocalComet) -> None:
    async def story(scene: Scene) -> None:
        await settle(local, 9, seed=3)
        await local.chain.advance(100 * 86_400)
        view = await scene.view([])
        base, *collaterals = ADAPTER.panels(view.terms, view.accrued())
        supplied, borrowed = await scene.told(view.block.number, ("totalSupply", []), ("totalBorrow", []))
        assert (base.supplied, base.borrowed) == (supplied, borrowed)
        used = borrowed * 10**18 // supplied
        rates = await scene.told(view.block.number, ("getSupplyRate", [used]), ("getBorrowRate", [used]))
        assert [base.supply_rate, base.borrow_rate] == [rate * YEAR * 10**9 for rate in rates]
        for panel in collaterals:
            ((held, _),) = await scene.told(view.block.number, ("totalsCollateral", [panel.token.address]))
            assert panel.supplied == held
        assert ADAPTER.totals is not None and ADAPTER.shares is not None
        (basics,) = await scene.told(view.block.number, ("totalsBasic", []))
        assert ADAPTER.totals(view.terms, view.quote).debts == {view.terms.base.address: basics[5]}

    play(local, story)


def test_the_principals_of_all_accounts_add_up_to_the_totals(comets: CometChain) -> None:
    async def story(scene: Scene) -> None:
        assert ADAPTER.totals is not None and ADAPTER.shares is not None
        owners = await settle(comets.wide, 18)
        view = await scene.view(owners)
        mine = [ADAPTER.shares(view.terms, view.holdings[who]) for who in owners]
        assert sum(sum(one.debts.values()) for one in mine) == view.quote.totals.borrowed
        for asset, amount in zip(view.terms.assets, view.quote.collateral, strict=True):
            assert sum(one.deposits.get(asset.token.address, 0) for one in mine) == amount

    play(comets.wide, story)


def test_base_sent_from_debt_to_debt_is_in_no_log_and_the_audit_says_so(comets: CometChain) -> None:
    """What Alice owes grows and what Bob owes falls, and nobody is told; a book that follows logs is contradicted by the contract."""
    local = comets.usd

    async def story(scene: Scene) -> None:
        for who in (ALICE, BOB):
            await do.supply(local, who, "WETH", 10**19)
            await do.borrow(local, who, 5_000 * 10**6)
        await local.chain.advance(30 * 86_400 + 7)
        before = await scene.view([ALICE, BOB])
        receipt = await do.transfer(local, ALICE, BOB, "USDC", 1_234_567_891)
        assert receipt.logs == ()
        after = await scene.view([ALICE, BOB])
        assert after.holdings[ALICE].principal < before.holdings[ALICE].principal
        assert after.holdings[BOB].principal > before.holdings[BOB].principal
        reports = await scene.reader.run(ADAPTER.reported(after.terms, scene.keys([ALICE, BOB])), after.block)
        for view, differing in ((before, ["debt"]), (after, [])):
            for held in view.holdings.values():
                seen = ADAPTER.value(after.terms, after.accrued(), held)
                assert [one.field for one in compare(seen, reports[held.key])] == differing

    play(local, story)


def test_a_forecast_is_what_the_contract_stores_when_its_time_has_come(local: LocalComet) -> None:
    async def story(scene: Scene) -> None:
        await settle(local, 9, seed=4)
        for later in (1, 12, 3_600, 90 * 86_400):
            view = await scene.view([])
            at = Moment(view.block.number + 1, view.block.timestamp + later)
            said = view.accrued(at)
            await local.chain.next_timestamp(at.timestamp)
            await do.touch(local, ALICE)
            assert (await scene.view([])).quote.totals == said.totals

    play(local, story)


def test_rules_are_read_from_the_code_and_again_after_an_upgrade(comets: CometChain) -> None:
    async def story(scene: Scene) -> None:
        view = await scene.view([])
        plan = comets.usd.plan
        assert [asset.token.symbol for asset in view.terms.assets] == [one.symbol for one in plan.listings]
        assert [asset.liquidate for asset in view.terms.assets] == [one.liquidate * 10**16 for one in plan.listings]
        assert (view.terms.minimum, view.terms.base_scale) == (plan.minimum, 10**6)
        assert await scene.reader.run(ADAPTER.fresh(view.terms), view.block)
        await upgraded(comets.usd)
        after = await scene.view([])
        assert not await scene.reader.run(ADAPTER.fresh(view.terms), after.block)
        assert after.terms.implementation != view.terms.implementation
        assert after.terms.assets[0].liquidate == 70 * 10**16
        assert after.quote.totals == view.quote.totals

    play(comets.usd, story)


async def upgraded(local: LocalComet) -> None:
    """The first collateral counts for 70 % instead of 90 %."""
    first, *others = local.plan.listings
    await upgrade(local, replace(local.plan, listings=(replace(first, borrow=60, liquidate=70), *others)))
