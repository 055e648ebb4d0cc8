"""Pre-liquidation on real Morpho: the lines of contracts that an account has authorised, and what they take, against the contracts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.onchain.account_scene import OWNER, Ask, ask
from tests.onchain.conftest import Local
from tests.onchain.morpho_scene import Scene, View
from tests.onchain.morpho_truth import PAYER
from tests.onchain.test_run import Watch, changes, db, run
from watcher.__main__ import main
from watcher.adapter import Liquidation, Refusal, Which
from watcher.adapters.morpho_blue import ADAPTER
from watcher.config import Endpoint, dump
from watcher.errors import CallReverted
from watcher.exit import Exit
from watcher.formula.pre_liquidation import Owed, largest
from watcher.localchain import morpho_actions
from watcher.localchain.contract import ZERO, Contract, deploy
from watcher.localchain.morpho import MorphoChain, MorphoMarket
from watcher.localchain.morpho_actions import authorise, pre_liquidation
from watcher.localchain.own import own
from watcher.localchain.scenario import account, fund
from watcher.localchain.stage.world import World
from watcher.model import Annex, DoubtKind, PositionKey, Status, Valuation
from watcher.store import recall
from watcher.store.open import open_store
from watcher.units import MAX, WAD

__all__ = ["ask", "db", "run"]  # fixtures

ALICE, BOB = account("alice"), account("bob")
VECTORS = Path(__file__).parents[1] / "formula" / "vectors" / "morpho_pre_liquidation.json"
PERCENT = WAD // 100
RULES = (75 * PERCENT, 20 * PERCENT, 150 * PERCENT, 101 * PERCENT, 115 * PERCENT)
ERRORS = {
    keccak(text=text)[:4]: text.partition("(")[0]
    for text in ("LiquidatablePosition()", "NotPreLiquidatablePosition()", "PreLiquidationTooLarge(uint256,uint256)")
}

Story = Callable[[Scene], Awaitable[None]]


def play(world: MorphoChain, story: Story) -> None:
    async def told() -> None:
        scene = await Scene.open(world)
        try:
            await story(scene)
        finally:
            await scene.close()

    asyncio.run(told())


async def attempt(contract: Contract, who: str, shares: int) -> tuple[int, int] | str:
    """What the contract answers a payer: what was seized and repaid, or why it refuses."""
    try:
        seized, repaid = await contract.call("preLiquidate", who, 0, shares, b"", sender=PAYER)
    except CallReverted as error:
        data = error.data
        if data[:4] == keccak(text="Panic(uint256)")[:4]:
            return f"panic {hex(int.from_bytes(data[4:], 'big'))}"
        if data[:4] == keccak(text="Error(string)")[:4]:
            return data[68 : 68 + int.from_bytes(data[36:68], "big")].decode()
        return ERRORS.get(data[:4], "no word")
    return seized, repaid


async def annexed(scene: Scene, name: str, *contracts: Contract) -> None:
    """The market's terms with these contracts in its annex."""
    market = scene.world.market(name)
    annex = Annex(scene.world.factory.address, scene.world.start, tuple(contract.address for contract in contracts))
    scene.terms[name] = await scene.reader.run(ADAPTER.terms(replace(market, annex=annex)), await scene.reader.head())


async def paying(contract: Contract, market: MorphoMarket) -> None:
    await fund(market.loan, PAYER, 10**40, contract.address)


def taken(view: View, who: str, contract: Contract) -> Liquidation | Refusal:
    assert ADAPTER.early is not None
    return ADAPTER.early(view.terms, view.accrued(), view.holdings[who], contract.address)


@pytest.mark.parametrize("name", ["WETH/USDC", "wstETH/WETH", "hostile"])
def test_one_unit_of_the_oracle_opens_the_contract_for_us_and_for_itself(morpho: MorphoChain, name: str) -> None:
    """Over a grid of prices across both lines: it acts exactly when we say open, health falls below 1 at its line and not before."""

    async def story(scene: Scene) -> None:
        market = morpho.markets[name]
        lltv = market.params[4]
        rules = (lltv * 9 // 10, *RULES[1:3], 101 * PERCENT, WAD * WAD // lltv)
        contract = await pre_liquidation(morpho, market, rules)
        await paying(contract, market)
        await annexed(scene, name, contract)
        price = (await scene.view(name, [])).quote.price or 0
        debt = 1_234_567_891
        await scene.open_position(market, ALICE, debt * 10**36 * 2 * WAD // (price * lltv) + 1, debt)
        await authorise(morpho, ALICE, contract)
        answer = price if market.feed is None else price // 10**16
        time = await morpho.chain.timestamp()  # of every block from here on: no interest in between
        low, high = answer // 4, answer
        while high - low > 1:  # the largest answer at which the contract acts
            middle = (low + high) // 2
            await scene.set_answer(market, middle, time)
            if await attempt(contract, ALICE, 1) == "NotPreLiquidatablePosition":
                high = middle
            else:
                low = middle
        seen = []
        for one in (low + 1, low, low - 1, low * 91 // 100, low * 89 // 100):
            await scene.set_answer(market, one, time)
            view = await scene.view(name, [ALICE])
            said, done = view.value(ALICE), await attempt(contract, ALICE, 10**6)
            assert said.first is not None and said.first.health is not None
            assert said.first.open == (isinstance(done, tuple) or done in ("zero assets", "insufficient collateral"))
            seen.append((said.first.open, said.first.health < WAD, said.liquidatable))
        assert seen == [
            (False, False, False),
            (True, True, False),
            (True, True, False),
            (True, True, False),
            (False, True, True),
        ]

    play(morpho, story)


def test_the_largest_pre_liquidation_moves_what_we_said_and_one_share_more_is_refused(morpho: MorphoChain) -> None:
    async def story(scene: Scene) -> None:
        name = "WETH/USDC"
        market = morpho.markets[name]
        assert market.collateral is not None
        contract = await pre_liquidation(morpho, market, RULES)
        await paying(contract, market)
        await annexed(scene, name, contract)
        spot = (await scene.view(name, [])).quote.price or 0
        parts = []
        for n, ltv in enumerate((7_501, 7_800, 8_000, 8_200, 8_400, 8_590)):
            who = account(f"debtor {n}")
            debt = 10**9 + n * 7_919
            await scene.open_position(market, who, debt * 10**36 * 10_000 // (spot * ltv) + 1, debt)
            await authorise(morpho, who, contract)
            at = await scene.moment(12)
            view = await scene.view(name, [who])
            assert ADAPTER.early is not None
            quote = view.foretold(at)
            said = ADAPTER.early(view.terms, quote, view.holdings[who], contract.address)
            assert isinstance(said, Liquidation) and said.blocked is None and said.deficit == 0
            first = ADAPTER.value(view.terms, quote, view.holdings[who]).first
            assert first is not None and first.open
            held, (own_rules,) = view.holdings[who], view.terms.early
            owed = Owed(quote.totals.borrow, held.collateral, held.borrow_shares, quote.price or 0)
            found = largest(own_rules.rules, owed, quote.price or 0)
            assert not isinstance(found, str)
            shares = held.borrow_shares - found[1].left.shares
            before = await market.collateral.call("balanceOf", PAYER), await market.loan.call("balanceOf", PAYER)
            if shares < held.borrow_shares:
                here = await morpho.chain.snapshot()
                await morpho.chain.next_timestamp(at.timestamp)
                with pytest.raises(CallReverted):
                    await contract.send("preLiquidate", who, 0, shares + 1, b"", sender=PAYER)
                await morpho.chain.revert(here)
            await morpho.chain.next_timestamp(at.timestamp)
            await contract.send("preLiquidate", who, 0, shares, b"", sender=PAYER)
            after = await market.collateral.call("balanceOf", PAYER), await market.loan.call("balanceOf", PAYER)
            assert (after[0] - before[0], before[1] - after[1]) == (said.seize, said.repay)
            parts.append(said.repay * 100 // debt)
        assert parts == sorted(parts) and parts[0] < 25 and parts[-1] == 100

    play(morpho, story)


def test_of_several_contracts_the_highest_line_comes_first_and_only_authorised_ones_count(morpho: MorphoChain) -> None:
    """One with a cheaper oracle of its own acts before one whose preLltv is lower; a third was never authorised, a fourth is again not."""

    async def story(scene: Scene) -> None:
        name = "hostile"
        market = morpho.markets[name]
        price = (await scene.view(name, [])).quote.price or 0
        cheap = await deploy(morpho.chain, own("ScaledOracle"), price // 2)
        rules = (50 * PERCENT, *RULES[1:3], WAD, WAD)
        low = await pre_liquidation(morpho, market, rules)
        cheaper = await pre_liquidation(morpho, market, (60 * PERCENT, *rules[1:]), cheap.address)
        never = await pre_liquidation(morpho, market, (10 * PERCENT, *rules[1:]))
        withdrawn = await pre_liquidation(morpho, market, (11 * PERCENT, *rules[1:]))
        contracts = (low, cheaper, never, withdrawn)
        for contract in contracts:
            await paying(contract, market)
        await annexed(scene, name, *contracts)
        await scene.open_position(market, ALICE, 10**18, 310 * 10**6)
        await scene.open_position(market, BOB, 10**18, 310 * 10**6)
        for contract in (low, cheaper, withdrawn):
            await authorise(morpho, ALICE, contract)
        await authorise(morpho, ALICE, withdrawn, False)
        view = await scene.view(name, [ALICE, BOB])
        alice = view.value(ALICE)
        assert [line.contract for line in alice.early] == [cheaper.address, low.address]
        assert [line.oracle for line in alice.early] == [cheap.address, market.params[2]]
        healths = [line.health for line in alice.early if line.health is not None]
        assert healths == sorted(healths) and alice.nearest == healths[0] and alice.health is not None
        assert healths[0] < alice.health
        assert view.value(BOB).early == ()
        for contract in contracts:
            done, said = await attempt(contract, ALICE, 1), taken(view, ALICE, contract)
            assert isinstance(said, Refusal) == isinstance(done, str)
        await told_while_one_is_out_of_order(scene, market, cheap, cheaper, low)

    play(morpho, story)


async def told_while_one_is_out_of_order(
    scene: Scene, market: MorphoMarket, oracle: Contract, broken: Contract, sound: Contract
) -> None:
    """An oracle that fails, answers zero or absurdly costs its own contract the line; the rest of the position is shown, with a doubt."""

    async def seen() -> Valuation:
        return (await scene.view("hostile", [ALICE])).value(ALICE)

    healthy = await seen()
    for mode, answer in ((1, 10**36), (2, 10**36), (3, 10**36), (4, 10**36), (0, 0), (0, 2**255)):
        await oracle.send("set", answer)
        await oracle.send("setMode", mode)
        said = await seen()
        assert (said.health, said.debt) == (healthy.health, healthy.debt)
        assert [line.contract for line in said.early] == [sound.address, broken.address]
        assert said.early[1].line is None and said.early[1].reason and not said.early[1].open
        assert [doubt.kind for doubt in said.doubts] == [DoubtKind.EARLY]
        assert isinstance(await attempt(broken, ALICE, 1), str)
        assert isinstance(taken(await scene.view("hostile", [ALICE]), ALICE, broken), Refusal)


@pytest.mark.slow
def test_our_stand_in_answers_as_the_original_did(morpho: MorphoChain) -> None:
    """Every ninth vector of the real contract, put into Morpho's storage: the same amounts, the same refusals."""
    rows: list[list[Any]] = json.loads(VECTORS.read_text())["rows"][::9]

    async def story(scene: Scene) -> None:
        places: dict[tuple[int, ...], tuple[bytes, Contract, Contract, Contract]] = {}
        for row in rows:
            assets, in_all, shares, collateral, lltv, market_price, *rules, price, asked, seized, repaid, error = row
            if (lltv, *rules) not in places:
                places[(lltv, *rules)] = await place(scene, lltv, rules)
            id, oracle, of_its_own, contract = places[(lltv, *rules)]
            await oracle.send("set", market_price)
            await of_its_own.send("set", price)
            await put(scene, id, (assets, in_all), (shares, collateral))
            assert await attempt(contract, ALICE, asked) == (error or (seized, repaid))

    play(morpho, story)


async def place(scene: Scene, lltv: int, rules: list[int]) -> tuple[bytes, Contract, Contract, Contract]:
    """A market without interest at this LLTV, its oracle, the contract's, and the contract, which Alice has authorised."""
    world, base = scene.world, scene.world.markets["hostile"]
    if not await world.morpho.call("isLltvEnabled", lltv):
        await world.morpho.send("enableLltv", lltv)
    oracle, of_its_own = [await deploy(world.chain, own("ScaledOracle"), 1) for _ in range(2)]
    params = (base.params[0], base.params[1], oracle.address, ZERO, lltv)
    await world.morpho.send("createMarket", params)
    market = replace(base, id=keccak(encode(["address"] * 4 + ["uint256"], params)), params=params, oracle=oracle)
    contract = await pre_liquidation(world, market, tuple(rules), of_its_own.address)  # type: ignore[arg-type]  # five
    await authorise(world, ALICE, contract)
    assert market.collateral is not None
    await market.collateral.send("mint", world.morpho.address, 2**200)
    await market.loan.send("mint", PAYER, 2**200)
    await market.loan.send("approve", contract.address, MAX, sender=PAYER)
    return market.id, oracle, of_its_own, contract


async def put(scene: Scene, id: bytes, borrowed: tuple[int, int], held: tuple[int, int]) -> None:
    """Morpho's own words: the totals at slot 3, the position at slot 2, two 128-bit halves each."""

    async def word(slot: int, low: int, high: int) -> None:
        address = scene.world.morpho.address
        await scene.world.chain.rpc("anvil_setStorageAt", address, f"0x{slot:064x}", f"0x{low | high << 128:064x}")

    totals, inner = (int.from_bytes(keccak(id + slot.to_bytes(32, "big")), "big") for slot in (3, 2))
    position = int.from_bytes(keccak(bytes(12) + bytes.fromhex(ALICE[2:]) + inner.to_bytes(32, "big")), "big")
    await word(totals, 2 * borrowed[0], 2 * borrowed[0] * 10**6)
    await word(totals + 1, *borrowed)
    await word(position + 1, *held)


def test_a_wallet_and_a_scan_show_the_first_line_and_what_may_be_taken(
    local: Local, chain: object, ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Health 1.08 at Morpho and 0.94 at the contract that the owner has authorised, which acts: critical, not safe, in every output."""
    world, market = local.morpho, local.morpho.markets["WETH/USDC"]
    name = world.market("WETH/USDC").name

    async def story() -> Contract:
        contract = await pre_liquidation(world, market, RULES)
        await paying(contract, market)
        for who, usdc in ((OWNER, 7_950), (BOB, 7_950)):
            await morpho_actions.supply_collateral(world, market, who, 5 * 10**18)
            await morpho_actions.borrow(world, market, who, usdc * 10**6)
        await authorise(world, OWNER, contract)
        return contract

    contract = asyncio.run(story())
    done = asyncio.run(attempt(contract, OWNER, 10**12))
    assert isinstance(done, tuple)
    said = ask(OWNER)
    record = said.of(name)
    (line,) = record["early_lines"]
    assert (line["contract"], line["oracle"], line["open"]) == (contract.address, market.params[2], True)
    assert int(line["health_wad"]) < WAD < int(record["health_wad"])
    assert (record["status"], record["liquidatable"]) == ("critical", False)
    (most,) = record["early_liquidations"]
    assert most["possible"] and most["repay_symbol"] == "USDC" and 1_590 < float(most["repay"]) < 7_950
    assert [one["what"] for one in said.entered] == ["entered markets", "pre-liquidation contracts"]
    (other,) = ask(BOB).records
    assert (other["status"], other["early_lines"]) == ("danger", [])
    table = ask(OWNER, "--format", "table").out
    assert (
        "first line: health 0.94" in table
        and contract.address in table
        and "which acts below 1, and it may now" in table
    )
    scanned = scan(local, tmp_path, capsys, name)
    rows = {row["account"]: row for row in scanned["accounts"]}
    assert rows[OWNER]["early_lines"] == [line] and rows[OWNER]["status"] == "critical"
    assert rows[BOB]["early_lines"] == []
    open_now = {row["account"]: row for row in scan(local, tmp_path, capsys, name, "--liquidatable")["accounts"]}
    assert set(open_now) == {OWNER}
    assert open_now[OWNER]["liquidation_now"]["repay"] == most["repay"]


def test_a_watched_wallet_is_critical_from_the_moment_that_it_lets_a_contract_act(
    local: Local, chain: object, db: Path, run: Watch
) -> None:
    """Three runs on one store: danger by Morpho's line alone, critical by the contract's; the stored words say each again."""
    world, market = local.morpho, local.morpho.markets["WETH/USDC"]

    async def enter() -> Contract:
        contract = await pre_liquidation(world, market, RULES)
        await morpho_actions.supply_collateral(world, market, OWNER, 5 * 10**18)
        await morpho_actions.borrow(world, market, OWNER, 7_950 * 10**6)
        return contract

    contract = asyncio.run(enter())
    assert run().code == Exit.OK
    asyncio.run(authorise(world, OWNER, contract))
    said = run()
    assert (
        said.code == Exit.OK
        and f"its first line is that of {contract.address}, which acts now: health 0.94" in said.out
    )
    asyncio.run(authorise(world, OWNER, contract, False))
    assert run().code == Exit.OK
    assert [change.after for change in changes(db, local.chain.chain_id)][:2] == [Status.DANGER, Status.CRITICAL]
    found = world.market("WETH/USDC")
    with open_store(db) as store:
        told = list(recall.course(store, ADAPTER, found, PositionKey(found.name, bytes.fromhex(OWNER[2:]))))
    lines = []
    for one in told:
        quote = ADAPTER.accrue(one.terms, one.quote, one.kept.block, Which.ALL)
        lines.append([line.contract for line in ADAPTER.value(one.terms, quote, one.holding).early])
    assert lines == [[], [contract.address], []]


def scan(local: Local, tmp_path: Path, capsys: pytest.CaptureFixture[str], market: str, *more: str) -> dict[str, Any]:
    world = World(local.chain, local.v30, local.v36, local.morpho)
    path = tmp_path / "scanned.toml"
    path.write_text(dump(world.configured([Endpoint("node", local.chain.url)])), encoding="utf-8")
    capsys.readouterr()
    main(["scan", market, *more, "--chains", str(path), "--format", "json", "--quiet"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found
