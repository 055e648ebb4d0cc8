"""Aave V3 on the local chain beyond one's own actions: logs, the end of known terms, stable debt, pauses, broken prices, round trips."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.onchain.aave_liquidation import liquidated
from tests.onchain.aave_scene import FIGURES, Scene, attempt, check_accounts, scene
from watcher.adapter import Acted, Action, Borrow, Repay, SetMode, Supply, Touch, Which, Withdraw
from watcher.adapters.aave_v3 import ADAPTER
from watcher.chain.logs import logs
from watcher.errors import CallReverted, MissingPrice
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.scenario import account, fund, set_price, set_sequencer
from watcher.model import Blocked, DoubtKind, Moment, PositionKey, Side
from watcher.query import together
from watcher.units import MAX, Raw

Step = Callable[[Scene], Awaitable[object]]


async def opened(stage: Scene) -> None:
    """The first account owes dollars against ether and bitcoin, the second one ether against dollars."""
    ada, bob = stage.actors[:2]
    await do.supply(stage.local, ada, "WETH", 10 * 10**18)
    await do.supply(stage.local, ada, "WBTC", 10**7)
    await do.borrow(stage.local, ada, "USDC", 12_000 * 10**6)
    await do.supply(stage.local, bob, "USDC", 50_000 * 10**6)
    await do.borrow(stage.local, bob, "WETH", 10**18)


MOVES: dict[str, tuple[Step, tuple[int, ...]]] = {
    "supply": (lambda s: do.supply(s.local, s.actors[0], "LINK", 10**18), (0,)),
    "withdraw": (lambda s: do.withdraw(s.local, s.actors[0], "WBTC", do.ALL), (0,)),
    "borrow": (lambda s: do.borrow(s.local, s.actors[0], "DAI", 10**18), (0,)),
    "repay": (lambda s: do.repay(s.local, s.actors[0], "USDC", do.ALL), (0,)),
    "repay with aTokens": (lambda s: do.repay_with_receipt(s.local, s.actors[2], "USDC", 10**6), (2,)),
    "receive aTokens": (lambda s: do.transfer_receipt(s.local, s.actors[0], s.actors[2], "WBTC", 10**5), (0, 2)),
    "switch collateral off": (lambda s: do.use_as_collateral(s.local, s.actors[0], "WBTC", False), (0,)),
    "enter an e-mode": (lambda s: do.set_mode(s.local, s.actors[2], 2), (2,)),
}


@pytest.mark.parametrize("name", MOVES)
def test_logs_name_every_account_whose_holding_has_changed(aave: AaveMarket, name: str) -> None:
    step, expected = MOVES[name]

    async def run() -> tuple[frozenset[PositionKey], set[PositionKey], tuple[PositionKey, ...]]:
        async with scene(aave, 3, funded=False) as stage:
            await opened(stage)
            await do.supply(aave, stage.actors[2], "USDC", 1_000 * 10**6)
            await do.borrow(aave, stage.actors[2], "USDC", 100 * 10**6)
            terms = await stage.terms()
            _, before = await stage.world(terms)
            start = (await stage.reader.head()).number
            await step(stage)
            _, after = await stage.world(terms)
            last = (await stage.reader.head()).number
            named: set[PositionKey] = set()
            async for _, rows in logs(stage.w3, ADAPTER.moves(terms), start + 1, last):
                for _, moved in rows:
                    assert not isinstance(moved, Touch)
                    named |= moved
            changed = {key for key in before if before[key] != after[key]}
            return frozenset(named), changed, tuple(stage.key(who) for who in stage.actors)

    named, changed, keys = asyncio.run(run())
    assert changed == {keys[place] for place in expected}
    assert changed <= named


RULES: dict[str, Step] = {
    "a threshold": lambda s: do.set_thresholds(s.local, "WETH", 7_000, 7_500, 10_600),
    "a pause": lambda s: do.pause(s.local, "WETH", True),
    "a freeze": lambda s: do.freeze(s.local, "WETH", True),
    "a sentinel": lambda s: do.install_sentinel(s.local, 3_600),
}


@pytest.mark.parametrize("name", RULES)
def test_known_terms_end_when_a_rule_changes_and_not_before(aave: AaveMarket, name: str) -> None:
    async def run() -> tuple[bool, bool, list[object]]:
        async with scene(aave, 2, funded=False) as stage:
            terms = await stage.terms()
            await opened(stage)
            held = await stage.reader.run(ADAPTER.fresh(terms), await stage.reader.head())
            start = (await stage.reader.head()).number
            await RULES[name](stage)
            head = await stage.reader.head()
            kept = await stage.reader.run(ADAPTER.fresh(terms), head)
            said: list[object] = []
            async for _, rows in logs(stage.w3, ADAPTER.moves(terms), start + 1, head.number):
                said += [moved for _, moved in rows]
            return held, kept, said

    held, kept, said = asyncio.run(run())
    assert (held, kept) == (True, False)
    assert Touch.TERMS in said


def test_a_wallet_costs_four_trips_for_terms_and_three_with_known_ones(aave: AaveMarket) -> None:
    async def run() -> tuple[int, int]:
        async with scene(aave, 2, funded=False) as stage:
            await opened(stage)
            block = await stage.reader.head()
            start = stage.reader.rounds
            terms = await stage.reader.run(ADAPTER.terms(stage.market), block)
            unknown = stage.reader.rounds - start
            start = stage.reader.rounds
            keys = [stage.key(who) for who in stage.actors]
            asked = [ADAPTER.fresh(terms), ADAPTER.quote(terms), ADAPTER.holdings(terms, keys)]
            answers = await stage.reader.run(together(asked), block)
            assert answers[0] is True
            return unknown, stage.reader.rounds - start

    unknown, known = asyncio.run(run())
    assert unknown <= 4
    assert known <= 3


def test_a_pause_a_grace_period_and_a_sentinel_block_what_the_line_allows(v36: AaveMarket) -> None:
    async def run() -> None:
        async with scene(v36, 2, funded=False) as stage:
            await opened(stage)
            ada = stage.actors[0]
            liquidator = account("liquidator")
            await fund(v36.reserves["USDC"].token, liquidator, 10**12, v36.pool.address)
            await set_price(v36.reserves["WETH"].feed, 1_200 * 10**8)
            await set_price(v36.reserves["WBTC"].feed, 20_000 * 10**8)

            async def blocked() -> tuple[Blocked | None, str]:
                terms = await stage.terms()
                quote, holdings = await stage.world(terms)
                ours = ADAPTER.value(terms, quote, holdings[stage.key(ada)])
                assert ours.liquidatable
                try:
                    await v36.pool.call(*do.liquidation(v36, ada, "WETH", "USDC"), sender=liquidator)
                    return ours.blocked, "done"
                except CallReverted as reverted:
                    return ours.blocked, stage.refused(reverted.data)

            assert await blocked() == (None, "done")
            await do.pause(v36, "USDC", True)
            assert await blocked() == (Blocked.PAUSED, "ReservePaused")
            await do.pause(v36, "USDC", False, 3_600)
            assert await blocked() == (Blocked.GRACE, "LiquidationGraceSentinelCheckFailed")
            until = await v36.pool.call("getLiquidationGracePeriod", v36.reserves["USDC"].token.address)
            await v36.chain.next_timestamp(until)
            await v36.chain.mine()
            assert await blocked() == (Blocked.GRACE, "LiquidationGraceSentinelCheckFailed")
            await v36.chain.next_timestamp(until + 1)
            await v36.chain.mine()
            assert await blocked() == (None, "done")

    asyncio.run(run())


def test_a_sentinel_holds_liquidations_only_close_to_the_line(aave: AaveMarket) -> None:
    async def run() -> None:
        async with scene(aave, 2, funded=False) as stage:
            await opened(stage)
            ada, liquidator = stage.actors[0], account("liquidator")
            await fund(aave.reserves["USDC"].token, liquidator, 10**12, aave.pool.address)
            sequencer = await do.install_sentinel(aave, 3_600)
            await set_sequencer(sequencer, up=False, since=await aave.chain.timestamp())
            for ether, expected, errors in (
                (890, Blocked.SENTINEL, {"PriceOracleSentinelCheckFailed", "59"}),
                (500, None, {"done"}),
            ):
                await set_price(aave.reserves["WETH"].feed, ether * 10**8)
                terms = await stage.terms()
                quote, holdings = await stage.world(terms)
                ours = ADAPTER.value(terms, quote, holdings[stage.key(ada)])
                assert ours.liquidatable
                assert ours.blocked is expected
                assert DoubtKind.SEQUENCER in {doubt.kind for doubt in ours.doubts}
                try:
                    await aave.pool.call(*do.liquidation(aave, ada, "WETH", "USDC"), sender=liquidator)
                    said = "done"
                except CallReverted as reverted:
                    said = stage.refused(reverted.data)
                assert said in errors

    asyncio.run(run())


def test_stable_debt_grows_is_repaid_and_liquidated_as_the_contract_says(v30: AaveMarket) -> None:
    async def run() -> None:
        async with scene(v30, 2, funded=False) as stage:
            ada, bob = stage.actors
            await do.supply(v30, ada, "WETH", 10 * 10**18)
            await do.borrow(v30, ada, "USDC", 6_000 * 10**6, do.STABLE)
            await do.borrow(v30, ada, "USDC", 4_000 * 10**6)
            await do.supply(v30, bob, "WBTC", 10**8)
            await do.borrow(v30, bob, "DAI", 9_000 * 10**18, do.STABLE)
            await do.borrow(v30, bob, "USDC", 9_000 * 10**6)
            await v30.chain.advance(40 * 86_400)
            terms = await stage.terms()
            assert await check_accounts(stage, terms) == 2 * len(FIGURES)
            dai = v30.reserves["DAI"].token.address
            await fund(v30.reserves["DAI"].token, bob, 10**23, v30.pool.address)
            at = await v30.chain.timestamp() + 60
            quote, holdings = await stage.world(terms, at)
            for part in (Raw(2_500 * 10**18), Raw(MAX)):
                predicted = ADAPTER.act(terms, quote, holdings[stage.key(bob)], Repay(dai, part))
                assert isinstance(predicted, Acted)
                await v30.chain.next_timestamp(at)
                await v30.pool.send("repay", dai, part, do.STABLE, bob, sender=bob)
                quote, holdings = await stage.world(terms)
                assert predicted.holding == holdings[stage.key(bob)]
                assert predicted.quote == quote
                at += 90_000
                quote, holdings = await stage.world(terms, at)
            liquidator = account("liquidator")
            await fund(v30.reserves["USDC"].token, liquidator, 10**12, v30.pool.address)
            for ether, outcome in ((1_150, "whole"), (600, "whole with deficit")):
                await set_price(v30.reserves["WETH"].feed, ether * 10**8)
                await check_accounts(stage, terms)
                assert await liquidated(stage, terms, ada, "USDC", "WETH") == outcome

    asyncio.run(run())


def test_one_broken_price_makes_unknown_only_whom_the_contract_would_read_it_for(aave: AaveMarket) -> None:
    async def run() -> None:
        async with scene(aave, 2, funded=False) as stage:
            await opened(stage)
            ada, bob = stage.actors
            await do.supply(aave, bob, "GHO", 10**18)  # never collateral
            await set_price(aave.reserves["WBTC"].feed, 0)
            await set_price(aave.reserves["GHO"].feed, -1)
            terms = await stage.terms()
            quote, holdings = await stage.world(terms)
            with pytest.raises(CallReverted):
                await aave.pool.call("getUserAccountData", ada)
            with pytest.raises(MissingPrice) as missing:
                ADAPTER.value(terms, quote, holdings[stage.key(ada)])
            assert missing.value.token == aave.reserves["WBTC"].token.address
            ours = ADAPTER.value(terms, quote, holdings[stage.key(bob)])
            theirs = await aave.pool.call("getUserAccountData", bob)
            assert tuple(getattr(ours, name) for name in FIGURES) == theirs
            assert [doubt.kind for doubt in ours.doubts] == [DoubtKind.UNPRICED]
            await set_price(aave.reserves["GHO"].feed, 10**8)
            quote, holdings = await stage.world(terms)
            idle = [
                leg for leg in ADAPTER.value(terms, quote, holdings[stage.key(bob)]).legs if leg.side is Side.DEPOSIT
            ]
            assert [(leg.token.symbol, leg.value) for leg in idle] == [("GHO", 10**8)]

    asyncio.run(run())


def test_who_holds_nothing_has_no_position(aave: AaveMarket) -> None:
    async def run() -> tuple[PositionKey, ...]:
        async with scene(aave, 3, funded=False) as stage:
            await do.supply(aave, stage.actors[2], "GHO", 10**18)
            await do.supply(aave, stage.actors[0], "WETH", 10**18)
            terms = await stage.terms()
            found = await stage.reader.run(ADAPTER.positions(terms, stage.actors), await stage.reader.head())
            assert found == (stage.key(stage.actors[0]), stage.key(stage.actors[2]))
            return found

    assert len(asyncio.run(run())) == 2


def test_a_quote_can_be_brought_to_any_later_time_and_back(aave: AaveMarket) -> None:
    async def run() -> None:
        async with scene(aave, 2, funded=False) as stage:
            await opened(stage)
            terms = await stage.terms()
            block = await stage.reader.head()
            stored = await stage.reader.run(ADAPTER.quote(terms), block)
            later = Moment(block.number, block.timestamp + 86_400)
            far = ADAPTER.accrue(terms, stored, Moment(block.number, block.timestamp + 10**7), Which.ALL)
            assert ADAPTER.accrue(terms, far, later, Which.ALL) == ADAPTER.accrue(terms, stored, later, Which.ALL)
            still = ADAPTER.accrue(terms, far, later, Which.NONE)
            assert [(s.income, s.owed) for s in still.states] == [(s.index, s.debt_index) for s in stored.states]

    asyncio.run(run())


def test_isolation_caps_freezes_and_collateral_that_lends_nothing(aave: AaveMarket) -> None:
    """One account against the rules that a random run hardly meets; each step is predicted, sent and compared."""
    sizes = {symbol: 10**reserve.decimals for symbol, reserve in aave.reserves.items()}
    tokens = {symbol: reserve.token.address for symbol, reserve in aave.reserves.items()}
    new = aave.version != "3.0"

    async def run() -> None:
        async with scene(aave, 2) as stage:
            ada, bob = stage.actors
            for symbol in ("WETH", "USDC", "DAI", "WBTC"):
                await do.supply(aave, bob, symbol, 100_000 * sizes[symbol])

            async def step(wanted: Action, outcome: str) -> None:
                terms = await stage.terms()
                at = await aave.chain.timestamp() + 100
                assert await attempt(stage, terms, ada, wanted, at) == outcome, wanted

            def of(kind: type[Supply | Withdraw | Borrow | Repay], symbol: str, whole: int) -> Action:
                return kind(tokens[symbol], Raw(whole * sizes[symbol]))

            await step(of(Supply, "AAVE", 1_000), "Supply")  # isolated: not collateral by itself
            nothing = "LtvValidationFailed" if new else "CollateralBalanceIsZero"
            await step(of(Borrow, "USDC", 10), nothing)
            await do.use_as_collateral(aave, ada, "AAVE", True)
            await step(of(Borrow, "USDC", 1_000), "Borrow")
            await step(of(Borrow, "WETH", 1), "AssetNotBorrowableInIsolation")
            await step(of(Supply, "WETH", 1), "Supply")  # in isolation nothing else becomes collateral
            await step(of(Repay, "USDC", 400), "Repay")
            await step(of(Supply, "AAVE", 200_000), "Supply")
            await step(of(Borrow, "DAI", 5_000_001), "DebtCeilingExceeded")
            await step(Repay(tokens["USDC"], Raw(MAX)), "Repay")
            await step(Withdraw(tokens["AAVE"], Raw(MAX)), "Withdraw")
            await do.use_as_collateral(aave, ada, "WETH", True)
            await step(of(Supply, "WETH", 50), "Supply")
            await step(of(Supply, "WBTC", 1_000_001), "SupplyCapExceeded")
            await step(of(Borrow, "WBTC", 500_001), "InvalidAmount" if new else "BorrowCapExceeded")
            await do.supply(aave, bob, "WBTC", 450_000 * sizes["WBTC"])
            await step(of(Borrow, "WBTC", 500_001), "BorrowCapExceeded")
            await step(of(Borrow, "USDC", 20_000), "Borrow")
            await do.freeze(aave, "USDC", True)
            await step(of(Borrow, "USDC", 1), "ReserveFrozen")
            await step(of(Supply, "USDC", 1), "ReserveFrozen")
            await step(of(Repay, "USDC", 1), "Repay")
            await do.pause(aave, "USDC", True)
            await step(of(Repay, "USDC", 1), "ReservePaused")
            await do.pause(aave, "USDC", False)
            await do.set_thresholds(aave, "WETH", 0, 8_250, 10_500)
            await do.supply(aave, ada, "LINK", 1_000 * sizes["LINK"])
            await step(of(Withdraw, "LINK", 1), "LtvValidationFailed")
            await step(of(Withdraw, "WETH", 1), "Withdraw")
            await step(SetMode(1), "InvalidDebtInEmode" if new else "InconsistentEModeCategory")
            await check_accounts(stage, await stage.terms())

    asyncio.run(run())
