"""`watcher account --risk` on real contracts: margins are the contracts' own answers, and what a scenario liquidates they liquidate."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.onchain.everything.test_everything import asked, told
from tests.onchain.everything.truth import Figures
from tests.onchain.everything.world import OWNER, World
from tests.onchain.liquidation_scene import Deed, done, priced
from watcher.__main__ import main
from watcher.appraisal.asset import Asset
from watcher.appraisal.closing import Closer
from watcher.appraisal.held import Held
from watcher.cli.account.bands import usual
from watcher.cli.account.sheet import sheets
from watcher.cli.risk.look import holdings
from watcher.config import Chain, dump
from watcher.config.chain import Group
from watcher.errors import CallReverted
from watcher.localchain import aave_actions, compound_v2_actions, morpho_actions
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import DEPLOYER, Contract
from watcher.localchain.scenario import account
from watcher.model import Side
from watcher.risk.owner import Closing
from watcher.store.open import open_store
from watcher.store.prices import Source, enter
from watcher.wallet import read_wallet

HOUR, DAYS = 3600, 40
PAYER = account("payer of everything")
CLOSE = 1e-9  # roundings of raw units, of what is worth thousands


def grouped(world: World) -> Chain:
    """With the groups that say which tokens are ETH, dollars and BTC: every market has its own."""
    found: dict[str, list[Any]] = {"ETH": [], "USD": [], "BTC": []}
    named: list[tuple[str, Contract | None]] = [
        (symbol, one.token) for market in (world.v3, world.v2) for symbol, one in market.reserves.items()
    ]
    named += [*world.morpho.tokens.items(), *world.usd.tokens.items(), *world.eth.tokens.items()]
    named += [(symbol, one.token) for symbol, one in world.compound.markets.items()]
    kinds = {"WETH": "ETH", "wstETH": "ETH", "USDC": "USD", "DAI": "USD", "WBTC": "BTC"}
    for symbol, token in named:
        if token is not None and symbol in kinds:
            found[kinds[symbol]].append(token.address)
    return replace(world.configured(), groups=tuple(Group(name, tuple(tokens)) for name, tokens in found.items()))


def put(store: Path, now: int) -> None:
    """Made-up hourly prices of the two coins, up to now."""
    random = np.random.default_rng(3)
    moves = random.standard_t(4, (24 * DAYS, 2)) @ np.array([[0.006, 0.004], [0.0, 0.003]])
    times = (now // HOUR - np.arange(24 * DAYS)[::-1]) * HOUR
    with open_store(store, write=True, create=True) as made:
        for place, (pair, last) in enumerate((("ETH/USD", 2_000), ("BTC/USD", 60_000))):
            prices = last * np.exp(np.cumsum(moves[:, place]) - moves[:, place].sum())
            rows = [(int(time), int(price * 1e8)) for time, price in zip(times, prices, strict=True)]
            enter(made, Source(pair, "file", 8), rows)


Ask = Callable[..., Any]


@pytest.fixture
def risk(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """``risk(code)``: the report's json, which ends with that code."""
    chains, store = tmp_path / "chains.toml", tmp_path / "w.db"
    chains.write_text(dump(grouped(world)), encoding="utf-8")

    def run(code: int, *, prices: bool = True) -> Any:
        if prices and not store.exists():
            put(store, asyncio.run(world.chain.timestamp()))
        capsys.readouterr()
        where = ("--db", str(store), "--no-sync", "--format", "json", "--quiet", "--scenarios", "1000")
        assert main(["account", OWNER, "--chains", str(chains), "--risk", *where]) == code
        return json.loads(capsys.readouterr().out)

    return run


def test_margins_are_the_contracts_own_and_the_same_report_is_the_same_again(world: World, risk: Ask) -> None:
    first = risk(0)
    positions = {one["market"]: one for one in first if one["kind"] == "risk_position"}
    block = next(int(one["block"]) for one in first if one["kind"] == "position")
    truth: dict[str, Figures] = asked(world, block, told)
    assert positions.keys() == {name for name, one in truth.items() if one.health is not None}
    for name, one in positions.items():
        check(one, truth[name])
    (basis,) = [one for one in first if one["kind"] == "risk_basis"]
    assert {one["pair"] for one in basis["factors"]} == {"ETH/USD", "BTC/USD"}
    assert basis["not_shown"] == []
    assert [one for one in risk(0) if one["kind"].startswith("risk_")] == [
        one for one in first if one["kind"].startswith("risk_")
    ]


def check(record: Any, truth: Figures) -> None:
    """Equity and what it is measured by, from the contract's collateral, debt and health alone."""
    dollars = truth.rate * Fraction(1, 10**truth.decimals)
    held, owed = float(truth.collateral * dollars), float(truth.debt * dollars)
    assert truth.health is not None
    health = truth.health / 1e18
    figures = {
        "equity": held - owed,
        "maintenance": held - health * owed,
        "initial": held - owed - float(truth.available * dollars),
        "excess": (health - 1) * owed,
        "equity_over_mm": (held - owed) / (held - health * owed),
        "leverage": held / (held - owed),
        "ltv": owed / held,
        "threshold": health * owed / held,
        "health": health,
    }
    for name, figure in figures.items():
        loose = 1e-3 if name == "initial" else 1e-6  # what may be borrowed is cut to whole units and average factors
        assert float(record[name]) == pytest.approx(figure, rel=loose), (record["market"], name)


def test_without_prices_it_says_which_are_missing_and_what_brings_them(world: World, risk: Ask) -> None:
    found = risk(4, prices=False)
    (basis,) = [one for one in found if one["kind"] == "risk_basis"]
    weth = world.v3.reserves["WETH"].token.address
    assert any(f"watcher prices sync {world.chain.chain_id}:{weth}/USD" in line for line in basis["not_shown"])
    shown = {one["market"]: one["horizons"] for one in found if one["kind"] == "risk_position"}
    assert shown.pop(world.compound.name)  # nothing but stablecoins: their pegs are known
    assert not any(shown.values())


def test_what_a_scenario_liquidates_the_contracts_liquidate(world: World) -> None:
    """The prices of a scenario are set on the real oracles; two blocks later everybody is liquidated, for as much as was foretold.

    A little above its line nobody is, by the contracts or by us.
    """
    asyncio.run(_prepared(world))
    held = asyncio.run(_held(world))
    snapshot = asyncio.run(world.chain.snapshot())
    for place, fall in enumerate(SAFE):
        assert _closed(world, held, place, fall) is None
    asyncio.run(_fallen(world, SAFE))
    for refused in _attempts(world):
        with pytest.raises(CallReverted):
            asyncio.run(refused())
    asyncio.run(world.chain.revert(snapshot))
    asyncio.run(_fallen(world, BELOW))
    foretold = [_closed(world, held, place, fall) for place, fall in enumerate(BELOW)]
    assert all(foretold)
    taken = [_taken(held, one) for one in foretold[:2] if one is not None]
    seen = asyncio.run(_liquidated(world, held, taken))
    for closing, (repaid, seized), loose in zip(foretold, seen, (CLOSE, CLOSE, 1e-6, 1e-7, CLOSE), strict=True):
        assert closing is not None
        assert closing.repaid.max() == pytest.approx(repaid, rel=loose)
        assert closing.seized.max() == pytest.approx(seized, rel=loose)


# The asset of each position whose price falls, and to which part: Aave V3 and V2, Compound V2, Comet, Morpho.
SAFE = (Fraction(36, 128), Fraction(36, 128), Fraction(77, 128), Fraction(73, 128), Fraction(91, 128))
BELOW = (Fraction(33, 128), Fraction(33, 128), Fraction(72, 128), Fraction(68, 128), Fraction(88, 128))


@dataclass(frozen=True, slots=True)
class Case:
    market: str
    asset: str  # address
    debt: str


def cases(world: World) -> tuple[Case, ...]:
    loan = world.morpho.markets["WETH/USDC"]
    return (
        Case(world.v3.name, world.v3.reserves["WETH"].token.address, world.v3.reserves["USDC"].token.address),
        Case(world.v2.name, world.v2.reserves["WETH"].token.address, world.v2.reserves["USDC"].token.address),
        Case(world.compound.name, _token(world, "USDC"), _token(world, "DAI")),
        Case(world.usd.name, world.usd.tokens["WETH"].address, world.usd.base.address),
        Case(world.morpho.market("WETH/USDC").name, loan.params[1], loan.params[0]),
    )


def _token(world: World, symbol: str) -> str:
    token = world.compound.markets[symbol].token
    assert token is not None
    return token.address


async def _held(world: World) -> tuple[Held, ...]:
    wallet = await read_wallet(grouped(world), [OWNER], deadline=60)
    found = {one.name: one for one in holdings(wallet, sheets(wallet, usual(wallet.chain)))}
    return tuple(found[case.market] for case in cases(world))


def _closed(world: World, held: tuple[Held, ...], place: int, fall: Fraction) -> Closing | None:
    """Two blocks on, this position's asset at that part of its price; in a market that counts in ETH, ETH with it."""
    assets: tuple[Asset, ...] = tuple(dict.fromkeys(asset for one in held for asset in one.assets))
    case = cases(world)[place]
    moved = {case.asset} | ({str(one.token.address)} if (one := held[place].unit) is not None and place == 1 else set())
    factors = np.array([float(fall) if asset.token.address in moved else 1.0 for asset in assets])
    return Closer(held, assets, {world.chain.chain_id: 12.0})(place, factors, 24.0)


async def _prepared(world: World) -> None:
    for market in (world.v3, world.v2):
        await aave_actions.prepare_liquidator(market, PAYER, OWNER, "USDC")
    await morpho_actions.prepare_payer(world.morpho, world.morpho.markets["WETH/USDC"], PAYER)
    await compound_v2_actions.pay(world.compound, world.compound.markets["DAI"], PAYER)


async def _fallen(world: World, falls: tuple[Fraction, ...]) -> None:
    """All oracles answer anew in one block."""
    v3, v2, compound, comet, morpho = falls
    ether = 1 / v2  # a market in ETH sees everything else rise
    feeds: list[tuple[Contract, str, Fraction]] = [
        (world.v3.reserves["WETH"].feed, "latestAnswer", v3),
        (world.v2.reserves["USDC"].feed, "latestAnswer", ether),
        (world.v2.reserves["WBTC"].feed, "latestAnswer", ether),
        (world.usd.feeds["WETH"], "latestAnswer", comet),
    ]
    loan = world.morpho.markets["WETH/USDC"]
    feeds.append((loan.source, "latestAnswer" if loan.feed is not None else "price", morpho))
    deeds: list[Deed] = [priced(one, int(await one.call(read) * part)) for one, read, part in feeds]
    usdc = world.compound.markets["USDC"].ctoken.address
    answer = int(await world.compound.oracle.call("getUnderlyingPrice", usdc) * compound)
    deeds.append((world.compound.oracle, ("setUnderlyingPrice", usdc, answer), DEPLOYER))
    await done(world.chain, deeds, 12)


def _attempts(world: World) -> list[Callable[[], Coroutine[Any, Any, Any]]]:
    """Every liquidation as a call that changes nothing."""
    loan = morpho_actions.liquidation(world.morpho.markets["WETH/USDC"], OWNER, 10**15)
    calls: list[tuple[Contract, tuple[Any, ...]]] = [
        (world.v3.pool, aave_actions.liquidation(world.v3, OWNER, "WETH", "USDC")),
        (world.v2.pool, aave_actions.liquidation(world.v2, OWNER, "WETH", "USDC")),
        (world.usd.comet, ("absorb", PAYER, [OWNER])),
        (world.morpho.morpho, loan),
    ]
    return [partial(of.call, *words, sender=PAYER) for of, words in calls]


async def _liquidated(
    world: World, held: tuple[Held, ...], taken: list[tuple[str, float]]
) -> list[tuple[float, float]]:
    """(repaid, seized) of each, as parts of what was owed and held in that very block, from balances before and after."""
    loan = world.morpho.markets["WETH/USDC"]
    owed = next(leg.amount for leg in held[2].valuation.legs if leg.side is Side.DEBT)
    half = owed // 2  # Compound's close factor; the interest of two blocks comes on top
    compound = world.compound.markets
    aaves = (world.v3, world.v2)
    before = [await _receipts(one, symbol) for one, (symbol, _) in zip(aaves, taken, strict=True)]
    ctokens = await compound["USDC"].ctoken.call("balanceOf", OWNER)
    _, shares, collateral = await world.morpho.morpho.call("position", loan.id, OWNER)
    owing = await world.usd.comet.call("borrowBalanceOf", OWNER)
    deeds: list[Deed] = []
    for one, (symbol, part) in zip(aaves, taken, strict=True):  # V3 refuses more where dust would be left
        amount = round(part * await one.reserves["USDC"].debt.call("balanceOf", OWNER))
        deeds.append((one.pool, aave_actions.liquidation(one, OWNER, symbol, "USDC", amount), PAYER))
    words = compound_v2_actions.liquidation(world.compound, OWNER, "DAI", "USDC", half)
    deeds.append((compound["DAI"].ctoken, words, PAYER))
    deeds.append((world.usd.comet, ("absorb", PAYER, [OWNER]), PAYER))
    deeds.append((world.morpho.morpho, morpho_actions.liquidation(loan, OWNER, shares=shares), PAYER))
    paid = [await one.reserves["USDC"].token.call("balanceOf", PAYER) for one in aaves]
    await done(world.chain, deeds, 12)
    found = []
    for one, (symbol, _), had, purse in zip(aaves, taken, before, paid, strict=True):
        repaid = purse - await one.reserves["USDC"].token.call("balanceOf", PAYER)
        left = await one.reserves["USDC"].debt.call("balanceOf", OWNER)
        found.append((repaid / (repaid + left), 1 - await _receipts(one, symbol) / had))
    due = half + await compound["DAI"].ctoken.call("borrowBalanceStored", OWNER)
    found.append((half / due, 1 - await compound["USDC"].ctoken.call("balanceOf", OWNER) / ctokens))
    credit = await world.usd.comet.call("balanceOf", OWNER)
    assert await world.usd.comet.call("borrowBalanceOf", OWNER) == 0
    assert await world.usd.comet.call("collateralBalanceOf", OWNER, world.usd.tokens["WETH"].address) == 0
    found.append((1 + credit / owing, 1.0))
    _, rest, kept = await world.morpho.morpho.call("position", loan.id, OWNER)
    found.append((1 - rest / shares, 1 - kept / collateral))
    return found


async def _receipts(market: AaveMarket, symbol: str) -> int:
    return int(await market.reserves[symbol].receipt.call("balanceOf", OWNER))


def _taken(held: tuple[Held, ...], closing: Closing) -> tuple[str, float]:
    """Which collateral is foretold to go, and which part of the debt for it."""
    assets = dict.fromkeys(asset for one in held for asset in one.assets)
    (symbol,) = [asset.token.symbol for asset, part in zip(assets, closing.seized, strict=True) if part]
    return symbol, float(closing.repaid.max())
