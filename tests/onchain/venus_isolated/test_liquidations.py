"""`watcher liquidations` tells of a pair, a whole account and a healed one what everybody's balances say that they came to."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.onchain.explained import only_liquidated
from tests.onchain.scan_scene import commands
from tests.onchain.venus_isolated.conftest import configured
from tests.onchain.venus_isolated.scene import ADA, BOB, CYD, Scene
from tests.onchain.venus_isolated.truth import PAYER
from watcher.adapter import Refusal
from watcher.adapters.venus_isolated.paths import whole
from watcher.exit import Exit
from watcher.localchain.contract import Receipt
from watcher.localchain.scenario import set_price
from watcher.localchain.venus_isolated import NAME, VenusIsolated, VenusPool
from watcher.model import Moment

SLUG = "defi-friends"
POOL = f"{NAME}/{SLUG}"


@dataclass(frozen=True, slots=True)
class Came:
    """What one transaction did to the payer's vTokens and tokens, to the protocol's tokens and to bad debt, by symbol."""

    block: int
    given: dict[str, int]
    paid: dict[str, int]
    fees: dict[str, int]
    bad: dict[str, int]


async def balances(world: VenusIsolated, pool: VenusPool) -> list[dict[str, int]]:
    found: list[dict[str, int]] = [{}, {}, {}, {}]
    for symbol, market in pool.markets.items():
        found[0][symbol] = await market.vtoken.call("balanceOf", PAYER)
        found[1][symbol] = await market.token.call("balanceOf", PAYER)
        found[2][symbol] = await market.token.call("balanceOf", world.reserve.address)
        found[3][symbol] = await market.vtoken.call("badDebt")
    return found


async def came(world: VenusIsolated, pool: VenusPool, function: str, *args: Any, of: str | None = None) -> Came:
    before = await balances(world, pool)
    contract = pool.comptroller if of is None else pool.markets[of].vtoken
    receipt: Receipt = await contract.send(function, *args, sender=PAYER)
    after = await balances(world, pool)
    moved = [{s: new[s] - old[s] for s in new if new[s] != old[s]} for old, new in zip(before, after, strict=True)]
    return Came(receipt.block, moved[0], {s: -amount for s, amount in moved[1].items()}, moved[2], moved[3])


async def story(world: VenusIsolated) -> list[tuple[str, Came]]:
    scene, pool = await Scene.open(world), world.pools[SLUG]
    try:
        await scene.open_position(pool, ADA, {"WETH": 10**19}, {"USDC": 12_000 * 10**6})
        await scene.open_position(
            pool, BOB, {"WETH": 4 * 10**16, "USDC": 5 * 10**6}, {"USDC": 40 * 10**6, "EURS": 2_000}
        )
        await scene.open_position(pool, CYD, {"WETH": 5 * 10**16, "USDC": 9 * 10**6}, {"USDC": 68 * 10**6})
        await world.chain.advance(86_400)
        await set_price(pool.markets["WETH"].feed, 1_400 * 10**8)
        vtokens = {market.token.address: market.vtoken.address for market in pool.markets.values()}
        weth = pool.markets["WETH"].vtoken.address
        found: list[tuple[str, Came]] = []
        found.append((ADA, await came(world, pool, "liquidateBorrow", ADA, 5_000 * 10**6, weth, of="USDC")))
        view = await scene.view(SLUG, (CYD,))
        ways = whole(
            view.terms, view.accrued(at=Moment(view.block.number + 1, view.block.timestamp)), view.holdings[CYD]
        )
        assert not isinstance(ways, Refusal)
        orders = [(vtokens[c], vtokens[d], amount) for d, c, amount in ways[0].orders]
        found.append((CYD, await came(world, pool, "liquidateAccount", CYD, orders)))
        await set_price(pool.markets["WETH"].feed, 900 * 10**8)
        found.append((BOB, await came(world, pool, "healAccount", BOB)))
        return found
    finally:
        await scene.close()


def added(rows: list[dict[str, Any]], amount: str, symbol: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        if int(row[amount]):
            found[row[symbol]] = found.get(row[symbol], 0) + int(row[amount])
    return found


def test_every_liquidation_is_told_as_balances_say(
    world: VenusIsolated, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = asyncio.run(story(world))
    watcher = commands(configured(world), tmp_path, capsys, monkeypatch)
    said = watcher("liquidations", POOL, "--since", str(world.start))
    assert said.code == Exit.OK, said.err
    rows = json.loads(said.out)
    rows = rows["liquidations"] if isinstance(rows, dict) else rows
    rows = [row for row in rows if row["kind"] == "liquidation"]
    assert len(rows) == 5  # a whole account has a row for each of its pairs, a healed one for each of its debts
    for who, one in truth:
        mine = [row for row in rows if row["borrower"] == who]
        assert {int(row["block"]) for row in mine} == {one.block}
        along = [part for row in mine for part in row["received_along"]]
        given = added(mine, "received_raw", "received_symbol")
        for symbol, amount in added(along, "amount_raw", "symbol").items():
            given[symbol] = given.get(symbol, 0) + amount
        assert given == {f"v{symbol}": amount for symbol, amount in one.given.items()}
        assert added(mine, "repaid_raw", "debt_symbol") == one.paid
        fees = added(mine, "protocol_fee_raw", "collateral_symbol")
        for symbol, amount in added(
            [part for row in mine for part in row["protocol_fees_along"]], "amount_raw", "symbol"
        ).items():
            fees[symbol] = fees.get(symbol, 0) + amount
        assert fees == one.fees
        bad = [part for row in mine for part in row["bad_debt"]]
        assert added(bad, "amount_raw", "symbol") == one.bad
        assert all(row["unknown"] == [] for row in mine), [row["unknown"] for row in mine]
        if not one.bad:  # of vTokens taken along with others no log says whose they are: mixed
            only_liquidated(watcher, who, one.block)
    assert {bool(one.bad) for _, one in truth} == {True, False}
