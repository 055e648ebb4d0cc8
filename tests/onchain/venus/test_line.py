"""On the line, one unit of the oracle's answer above and below it and one raw unit of debt: a liquidation goes through exactly when we say.

A liquidator accrues his own pair and nothing else, so every pair has a line of its own: ours is what `liquidation` says of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tests.onchain.venus.scene import ADA, Scene, View, play
from tests.onchain.venus.truth import PAYER, STRANGER
from watcher.adapter import Liquidation
from watcher.adapters.venus import ADAPTER
from watcher.adapters.venus.facts import Holding, Quote
from watcher.adapters.venus.makeup import makeup
from watcher.formula.compound.layout import snapshot
from watcher.localchain import venus_actions as do
from watcher.localchain.venus_pool import VenusPool
from watcher.model import Blocked, Moment
from watcher.units import WAD


@dataclass(frozen=True, slots=True)
class Case:
    """A position and the price that is moved; `pairs` are (debt, collateral)."""

    collateral: dict[str, int]
    debts: dict[str, int]
    moved: str
    pairs: tuple[tuple[str, str], ...]
    mode: int = 0


USDC, WBTC = 10**6, 10**8
CASES = {
    "one pair": Case({"WETH": 3 * WAD}, {"USDC": 4_000 * USDC + 1}, "WETH", (("USDC", "WETH"),)),
    "two by two": Case(
        {"WETH": 3 * WAD + 1, "WBTC": WBTC // 10},
        {"USDC": 3_000 * USDC, "USDT": 2_500 * WAD + 3},
        "WETH",
        (("USDC", "WETH"), ("USDC", "WBTC"), ("USDT", "WETH"), ("USDT", "WBTC")),
    ),
    "VAI beside a debt": Case(
        {"WETH": 3 * WAD}, {"USDC": 1_000 * USDC, "VAI": 2_500 * WAD + 7}, "WETH", (("VAI", "WETH"), ("USDC", "WETH"))
    ),
    "e-mode": Case({"USDC": 9_000 * USDC}, {"USDT": 8_000 * WAD}, "USDT", (("USDT", "USDC"),), mode=1),
    "e-mode with a fallback": Case(
        {"USDC": 900 * USDC, "WETH": 2 * WAD},
        {"USDT": 3_500 * WAD},
        "WETH",
        (("USDT", "USDC"), ("USDT", "WETH")),
        mode=1,
    ),
    "the same asset on both sides": Case(
        {"WETH": 5 * WAD, "USDC": 777 * USDC},
        {"WETH": WAD, "USDC": 3_000 * USDC},
        "WETH",
        (("WETH", "WETH"), ("USDC", "USDC")),
    ),
    "the coin of the chain": Case({"WETH": 2 * WAD}, {"BNB": 2_000 * WAD + 5}, "WETH", (("BNB", "WETH"),)),
    "coins as collateral": Case({"BNB": 5_000 * WAD}, {"USDC": 3_000 * USDC}, "USDC", (("USDC", "BNB"),)),
    "dust": Case({"WETH": 2 * 10**12}, {"USDC": 2}, "WETH", (("USDC", "WETH"),)),
}


def pair_open(view: View, quote: Quote, holding: Holding, debt: str, collateral: str) -> bool:
    """Whether we say that this pair can be liquidated."""
    found = ADAPTER.liquidation(view.terms, quote, holding, view.token(debt), view.token(collateral))
    return isinstance(found, Liquidation) and found.blocked is None


def answer_on_the_line(view: View, case: Case, at: Moment, pair: tuple[str, str]) -> int:
    """The answer at which we call the pair closed, next to one at which we call it open."""
    quote, token = view.accrued(at=at), view.token(case.moved)
    rising = case.moved not in case.collateral
    low, high = 1, 1 << 130

    def open_at(answer: int) -> bool:
        tried = ADAPTER.reprice(view.terms, quote, {token: answer})
        return pair_open(view, tried, view.holdings[ADA], *pair)

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if open_at(middle) is not rising else (low, middle)
    return low if rising else high


RARE = ("e-mode with a fallback", "the same asset on both sides", "coins as collateral")  # --long
NAMES = [pytest.param(name, marks=pytest.mark.long) if name in RARE else name for name in CASES]


@pytest.mark.parametrize("name", NAMES)
def test_one_unit_of_the_oracle_decides_every_pair(pool: VenusPool, name: str) -> None:
    """Other markets stay stale, the pair's own are accrued: neighbouring pairs may differ, and do so on the chain as well."""
    case = CASES[name]

    async def story(scene: Scene) -> None:
        await scene.open_position(ADA, case.collateral, case.debts, mode=case.mode)
        await pool.chain.mine(30)
        known = (await scene.view([ADA])).terms
        seen = []
        for pair in case.pairs[:: max(1, len(case.pairs) // 2)]:
            for offset in (-1, 0, 1):
                view = await scene.view([ADA], known)
                answer = answer_on_the_line(view, case, Moment(view.block.number + 1, view.block.timestamp + 1), pair)
                await do.set_price(pool, case.moved, answer + offset)
                view = await scene.view([ADA], known)
                ours = [pair_open(view, view.accrued(), view.holdings[ADA], *one) for one in case.pairs]
                truth = [await scene.truth.liquidated(ADA, *one, 1, view.block.number) for one in case.pairs]
                assert ours == [one.done for one in truth]
                assert {one.reason for one in truth} <= {"", "INSUFFICIENT_SHORTFALL"}
                seen.append(ours[case.pairs.index(pair)])
        closed = {True: [False, False, True], False: [True, False, False]}[case.moved not in case.collateral]
        assert seen == closed * min(2, len(case.pairs))

    play(pool, story)


async def owe(scene: Scene, view: View, symbol: str, stored: int) -> None:
    """Put a stored debt in the place of Ada's, as of the index that it has: in the vToken's storage, or as VAI's controller does it."""
    pool = scene.pool
    if symbol == "VAI":
        await pool.comptroller.send("setMintedVAIOf", ADA, stored, sender=pool.controller.address)
        return
    asset = next(asset for asset in view.terms.assets if asset.token.symbol == symbol)
    place = hex(snapshot(asset.snapshots, bytes.fromhex(ADA[2:])))
    await pool.chain.rpc("anvil_setStorageAt", asset.v, place, f"0x{stored:064x}")
    await pool.chain.mine()


def owing(holding: Holding, place: int | None, stored: int) -> Holding:
    if place is None:
        assert holding.vai is not None
        return replace(holding, vai=replace(holding.vai, amount=stored))
    entries = tuple(replace(one, principal=stored) if one.place == place else one for one in holding.entries)
    return replace(holding, entries=entries)


@pytest.mark.parametrize("symbol", ["USDC", "WBTC", "VAI"])
def test_one_raw_unit_of_debt_decides_too(pool: VenusPool, symbol: str) -> None:
    """The largest stored debt at which we call the pair closed, one unit more, one less."""

    async def story(scene: Scene) -> None:
        debt = {"USDC": 1_000 * USDC, "WBTC": WBTC // 60, "VAI": 1_000 * WAD}[symbol]
        await scene.open_position(ADA, {"WETH": 3 * WAD, "USDT": 7 * WAD}, {symbol: debt})
        await pool.chain.mine(30)
        view = await scene.view([ADA])
        at = Moment(view.block.number + 1, view.block.timestamp + 1)
        place = view.terms.place(view.token(symbol))
        seen = []
        for offset in (-1, 0, 1):
            quote, holding = view.accrued(at=at), view.holdings[ADA]
            low, high = debt, 100 * debt
            while high - low > 1:
                middle = (low + high) // 2
                opened = pair_open(view, quote, owing(holding, place, middle), symbol, "WETH")
                low, high = (low, middle) if opened else (middle, high)
            await owe(scene, view, symbol, low + offset)
            view = await scene.view([ADA], view.terms)
            at = Moment(view.block.number + 1, view.block.timestamp + 1)
            verdict = await scene.truth.liquidated(ADA, symbol, "WETH", 1, view.block.number)
            ours = pair_open(view, view.accrued(), view.holdings[ADA], symbol, "WETH")
            assert (ours, verdict.reason) == (verdict.done, "" if ours else "INSUFFICIENT_SHORTFALL")
            seen.append(ours)
        assert seen == [False, False, True]

    play(pool, story)


def test_where_one_liquidator_is_named_only_he_goes_through(pool: VenusPool) -> None:
    """The line is the same, the contract says who may; we name him among the market's contracts."""

    async def story(scene: Scene) -> None:
        await scene.open_position(ADA, {"WETH": 3 * WAD}, {"USDC": 4_000 * USDC})
        await pool.comptroller.send("_setLiquidatorContract", PAYER)
        await do.set_price(pool, "WETH", 1_500 * WAD)
        view = await scene.view([ADA])
        assert view.terms.liquidator == PAYER and PAYER in dict(makeup(view.terms).contracts).values()
        assert view.value(ADA).liquidatable and view.value(ADA).blocked is None
        for who, reason in ((PAYER, ""), (STRANGER, "UNAUTHORIZED")):
            verdict = await scene.truth.liquidated(ADA, "USDC", "WETH", 1, view.block.number, payer=who)
            assert (verdict.done, verdict.reason) == (not reason, reason)

    play(pool, story)


@pytest.mark.parametrize("whose", ["everybody's", "one account's"])
@pytest.mark.parametrize("debt", ["USDC", "VAI"])
def test_a_forced_liquidation_needs_no_shortfall(pool: VenusPool, debt: str, whose: str) -> None:
    """Of that debt alone, and up to all of it; another debt of the same healthy account stays closed."""

    async def story(scene: Scene) -> None:
        await scene.open_position(ADA, {"WETH": 9 * WAD}, {"USDC": 1_000 * USDC, "VAI": 500 * WAD})
        market = pool.controller.address if debt == "VAI" else pool.markets[debt].v.address
        if whose == "everybody's":
            await pool.comptroller.send("setForcedLiquidation", market, True)
        else:
            await pool.comptroller.send("_setForcedLiquidationForUser", ADA, market, True)
        view = await scene.view([ADA])
        seen = view.value(ADA)
        assert seen.liquidatable and seen.health is not None and seen.health > 2 * WAD
        for symbol in ("USDC", "VAI"):
            verdict = await scene.truth.liquidated(ADA, symbol, "WETH", 1, view.block.number)
            assert verdict.done is (symbol == debt)
            assert pair_open(view, view.accrued(), view.holdings[ADA], symbol, "WETH") is (symbol == debt)
        found = ADAPTER.liquidation(
            view.terms, view.accrued(), view.holdings[ADA], view.token(debt), view.token("WETH")
        )
        owed = await scene.truth.owed(ADA, debt, view.block.number)
        assert isinstance(found, Liquidation) and found.repay == owed

    play(pool, story)


STOPS = {
    "liquidations of the debt": ("USDC", 5),
    "seizures of the collateral": ("WETH", 4),
    "repayments of the debt": ("USDC", 3),
}


@pytest.mark.parametrize("name", [*STOPS, "the whole protocol", "liquidations of the collateral"])
def test_a_pause_blocks_what_the_line_allows(pool: VenusPool, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.open_position(ADA, {"WETH": 3 * WAD}, {"USDC": 4_000 * USDC})
        await do.set_price(pool, "WETH", 1_500 * WAD)
        if name == "the whole protocol":
            await pool.comptroller.send("_setProtocolPaused", True)
        else:
            symbol, action = STOPS.get(name, ("WETH", 5))
            await pool.comptroller.send("_setActionsPaused", [pool.markets[symbol].v.address], [action], True)
        view = await scene.view([ADA])
        seen = view.value(ADA)
        verdict = await scene.truth.liquidated(ADA, "USDC", "WETH", 1, view.block.number)
        assert seen.liquidatable
        assert (seen.blocked is None) is verdict.done is (name == "liquidations of the collateral")
        assert seen.blocked in (None, Blocked.PAUSED)

    play(pool, story)
