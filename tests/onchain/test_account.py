"""`watcher account` on the real contracts: every figure it prints is what plain web3 calls answer."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.account_scene import (
    OWNER,
    Ask,
    Record,
    ask,
    asked_web3,
    at_once,
    borrowed,
    dead,
    figures,
    indebted,
    liquid,
    plain,
    units,
    user_data,
)
from tests.onchain.conftest import Local, either
from watcher.errors import CallReverted
from watcher.exit import Exit
from watcher.localchain import aave_actions
from watcher.localchain.aave_market import AaveMarket, Reserve
from watcher.localchain.scenario import account, set_price
from watcher.units import WAD

__all__ = ["ask"]  # a fixture

Web3 = AsyncWeb3[AsyncHTTPProvider]
BLUE = "local/morpho-blue/"


async def reserve_facts(w3: Web3, market: AaveMarket, reserve: Reserve, block: int) -> dict[str, Any]:
    """What the contracts say about one reserve and the owner's part in it."""

    async def call(contract: Any, function: str, *args: Any) -> Any:
        return await plain(w3, contract).functions[function](*args).call(block_identifier=block)

    token = reserve.token.address
    data = await call(market.data_provider, "getReserveData", token)
    borrow_cap, supply_cap = await call(market.data_provider, "getReserveCaps", token)
    if market.version == "3.0":
        free = await call(reserve.token, "balanceOf", reserve.receipt.address)
    else:
        free = await call(market.data_provider, "getVirtualUnderlyingBalance", token)
    return {
        "deposit": await call(reserve.receipt, "balanceOf", OWNER),
        "debt": await call(reserve.debt, "balanceOf", OWNER),
        "price": await call(market.oracle, "getAssetPrice", token),
        "updated": (await call(reserve.feed, "latestRoundData"))[3],
        "supplied": await call(reserve.receipt, "totalSupply"),
        "borrowed": await call(reserve.debt, "totalSupply"),
        "supply_rate": data[5],
        "borrow_rate": data[6],
        "free": free,
        "caps": (supply_cap, borrow_cap),
        "paused": await call(market.data_provider, "getPaused", token),
    }


def check_reserve(record: Record, reserve: Reserve, facts: dict[str, Any]) -> int:
    """The record's leg, price and panel of one asset; how many numbers were compared."""
    places, token = reserve.decimals, reserve.token.address
    sides = {leg["side"]: leg for leg in record["legs"] if leg["token"] == token}
    assert {side: int(leg["amount_raw"]) for side, leg in sides.items()} == {
        side: facts[name] for side, name in (("collateral", "deposit"), ("debt", "debt")) if facts[name]
    }
    (price,) = [price for price in record["prices"] if price["token"] == token]
    assert (int(price["answer"]), units(price["price"], 8)) == (facts["price"], facts["price"])
    assert int(price["age_s"]) == int(record["block_time"]) - facts["updated"]
    (panel,) = [panel for panel in record["assets"] if panel["token"] == token]
    assert units(panel["supplied"], places) == facts["supplied"]
    assert units(panel["borrowed"], places) == facts["borrowed"]
    assert units(panel["free_liquidity"], places) == facts["free"]
    assert units(panel["supply_rate"], 27) == facts["supply_rate"]
    assert units(panel["borrow_rate"], 27) == facts["borrow_rate"]
    assert tuple(int(panel[cap] or 0) for cap in ("supply_cap", "borrow_cap")) == facts["caps"]
    assert panel["paused"] is facts["paused"]
    return len(sides) + 10


def test_every_number_of_an_aave_position_is_the_contracts_own(aave: AaveMarket, ask: Ask) -> None:
    asyncio.run(indebted(aave))
    said = ask(OWNER)
    record = said.of(aave.name)
    number = int(record["block"])

    async def facts(w3: Web3) -> tuple[dict[str, dict[str, Any]], int, Any]:
        symbols = ("WETH", "WBTC", "USDC", "DAI")
        found = {s: await reserve_facts(w3, aave, aave.reserves[s], number) for s in symbols}
        mode = await plain(w3, aave.pool).functions.getUserEMode(OWNER).call(block_identifier=number)
        return found, mode, await w3.eth.get_block(number)

    found, mode, block = asked_web3(aave, facts)
    assert said.code == Exit.OK
    assert figures(record) == user_data(aave, block=number)
    assert sum(check_reserve(record, aave.reserves[symbol], facts) for symbol, facts in found.items()) == 44
    assert int(record["emode"]) == mode
    assert (record["block_hash"], int(record["block_time"])) == (block["hash"].to_0x_hex(), block["timestamp"])
    assert (record["status"], record["audited"], record["mismatches"]) == ("safe", True, [])


def test_a_morpho_market_found_in_the_logs_has_the_contracts_totals(local: Local, chain: object, ask: Ask) -> None:
    asyncio.run(borrowed(local))
    said = ask(OWNER)
    (record,) = said.records
    market = local.morpho.markets["WETH/USDC"]
    asyncio.run(at_once(local, local.morpho.morpho, "accrueInterest", market.params))

    async def stored(w3: Web3) -> tuple[Any, Any, int]:
        morpho = plain(w3, local.morpho.morpho)
        assert market.oracle is not None
        return (
            await morpho.functions.market(market.id).call(),
            await morpho.functions.position(market.id, OWNER).call(),
            await plain(w3, market.oracle).functions.price().call(),
        )

    totals, position, price = asked_web3(local, stored)
    owed = -(-position[1] * (totals[2] + 1) // (totals[3] + 10**6))  # SharesMathLib.toAssetsUp
    worth = position[2] * price // 10**36
    assert said.code == Exit.OK
    assert record["market"] == f"{BLUE}{market.id.hex()[:10]}"
    assert record["pair"] == "WETH/USDC"
    assert {leg["side"]: int(leg["amount_raw"]) for leg in record["legs"]} == {"collateral": position[2], "debt": owed}
    assert (units(record["collateral"], 6), units(record["debt"], 6)) == (worth, owed)
    assert units(record["available_borrow"], 6) == worth * market.params[4] // WAD - owed
    assert int(record["prices"][0]["answer"]) == price
    (panel,) = record["assets"]
    assert units(panel["supplied"], 6) == totals[0]
    assert units(panel["borrowed"], 6) == totals[2]
    assert units(panel["free_liquidity"], 6) == totals[0] - totals[2]


def test_an_older_block_is_read_by_number_date_and_age(
    aave: AaveMarket, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> tuple[int, int]:
        await indebted(aave)
        number, time = await aave.chain.block_number(), await aave.chain.timestamp()
        await aave.chain.next_timestamp(time + 3_600)
        await set_price(aave.reserves["WETH"].feed, 1_500 * 10**8)
        return number, time

    number, time = asyncio.run(play())
    later = datetime.fromtimestamp(time + 3_700, UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return later

    monkeypatch.setattr("watcher.cli.account.datetime", Clock)
    then = user_data(aave, block=number)
    date = (datetime.fromtimestamp(time, UTC) + timedelta(seconds=59)).isoformat()
    for when in (str(number), hex(number), date, "1h"):
        record = ask(OWNER, "--block", when).of(aave.name)
        assert (int(record["block"]), figures(record)) == (number, then), when
    newest = ask(OWNER).of(aave.name)
    assert figures(newest) == user_data(aave) != then


WHAT_IFS = {
    "a price in percent": (("--price", "WETH=-20%"), "WETH", "set", 1_600 * 10**8),
    "a price of its own": (("--price", "WBTC=71234.56789"), "WBTC", "set", 7_123_456_789_000),
    "a deposit": (("--deposit", "WETH=1.5"), "WETH", "supply", 3 * 10**18 // 2),
    "a repayment": (("--repay", "USDC=5000.000001"), "USDC", "repay", 5_000 * 10**6 + 1),
    "a loan": (("--borrow", "DAI=1000"), "DAI", "borrow", 1_000 * 10**18),
    "a withdrawal": (("--withdraw", "WBTC=0.1"), "WBTC", "withdraw", 10**7),
}


async def act(market: AaveMarket, symbol: str, verb: str, amount: int) -> None:
    """The same thing for real, at the time of the newest block."""
    reserve = market.reserves[symbol]
    token = reserve.token.address
    match verb:
        case "set":
            await at_once(market, reserve.feed, "set", amount)
        case "supply":
            await at_once(market, market.pool, "supply", token, amount, OWNER, 0)
        case "repay":
            await at_once(market, market.pool, "repay", token, amount, 2, OWNER)
        case "borrow":
            await at_once(market, market.pool, "borrow", token, amount, 2, 0, OWNER)
        case "withdraw":
            await at_once(market, market.pool, "withdraw", token, amount, OWNER)


@either
@pytest.mark.parametrize("case", WHAT_IFS)
def test_after_doing_it_the_contract_says_what_the_what_if_said(case: str, aave: AaveMarket, ask: Ask) -> None:
    options, symbol, verb, amount = WHAT_IFS[case]
    asyncio.run(indebted(aave))
    before = user_data(aave)
    record = ask(OWNER, *options, "--market", aave.name).of(aave.name)
    asyncio.run(act(aave, symbol, verb, amount))
    assert record["what_if"]["possible"] is True
    assert figures(record) == before
    assert figures(record["what_if"]) == user_data(aave) != before


@either
def test_an_e_mode_and_its_loan_are_foretold_together(aave: AaveMarket, ask: Ask) -> None:
    async def enter() -> None:
        await liquid(aave)
        await aave_actions.supply(aave, OWNER, "wstETH", 10 * 10**18)

    async def really() -> None:
        with pytest.raises(CallReverted):
            await aave_actions.borrow(aave, OWNER, "WETH", 11 * 10**18)
        await at_once(aave, aave.pool, "setUserEMode", 1)
        await at_once(aave, aave.pool, "borrow", aave.reserves["WETH"].token.address, 11 * 10**18, 2, 0, OWNER)

    asyncio.run(enter())
    market = ("--market", aave.name)
    refused = ask(OWNER, "--borrow", "WETH=11", *market).of(aave.name)["what_if"]
    record = ask(OWNER, "--emode", "1", "--borrow", "WETH=11", *market).of(aave.name)
    asyncio.run(really())
    assert refused["possible"] is False
    assert figures(record["what_if"]) == user_data(aave)
    now = ask(OWNER, *market).of(aave.name)
    assert (now["emode"], now.get("what_if")) == ("1", None)
    (group,) = now["groups"]
    assert group["closed"] is True
    assert group["ratio"] is not None


@either
def test_a_week_of_interest_is_what_the_chain_has_a_week_later(aave: AaveMarket, ask: Ask) -> None:
    asyncio.run(indebted(aave))
    record = ask(OWNER, "--at", "+7d").of(aave.name)
    asyncio.run(aave.chain.advance(7 * 86_400))
    assert figures(record["what_if"]) == user_data(aave)


@pytest.mark.parametrize("target", ["2.1", "2.75"])
def test_the_proposed_amount_reaches_the_target_and_one_unit_less_does_not(
    target: str, aave: AaveMarket, ask: Ask
) -> None:
    asyncio.run(indebted(aave))
    asyncio.run(set_price(aave.reserves["WETH"].feed, 900 * 10**8))
    wanted = units(target, 18)
    record = ask(OWNER, "--target-health", target, "--market", aave.name).of(aave.name)
    assert int(record["health_wad"]) < wanted
    done = 0
    for remedy in record["remedies"]:
        if remedy["amount_raw"] is None:
            assert remedy["reason"] == "repaying all of it is not enough"
            continue
        verb = {"repay": "repay", "deposit": "supply"}[remedy["action"]]
        healths = []
        for amount in (int(remedy["amount_raw"]), int(remedy["amount_raw"]) - 1):
            snapshot = asyncio.run(aave.chain.snapshot())
            asyncio.run(act(aave, remedy["symbol"], verb, amount))
            healths.append(user_data(aave)[5])
            asyncio.run(aave.chain.revert(snapshot))
        assert healths[0] == int(remedy["health_after_wad"]) >= wanted > healths[1], remedy
        done += 1
    assert done >= 3


MORPHO_WHAT_IFS = {
    "a price": (("--price", "WETH=-10%"), "set", 1_800 * 10**8),
    "a deposit": (("--deposit", "WETH=1"), "supplyCollateral", 10**18),
    "a repayment": (("--repay", "USDC=1000"), "repay", 1_000 * 10**6),
    "a loan": (("--borrow", "USDC=500"), "borrow", 500 * 10**6),
    "a withdrawal": (("--withdraw", "WETH=0.5"), "withdrawCollateral", 10**18 // 2),
    "a week": (("--at", "+7d"), "", 7 * 86_400),
}


@pytest.mark.parametrize("case", MORPHO_WHAT_IFS)
def test_on_morpho_too_it_comes_as_foretold(case: str, local: Local, chain: object, ask: Ask) -> None:
    options, verb, amount = MORPHO_WHAT_IFS[case]
    market, morpho = local.morpho.markets["WETH/USDC"], local.morpho.morpho
    ends: dict[str, tuple[Any, ...]] = {
        "supplyCollateral": (OWNER, b""),
        "repay": (0, OWNER, b""),
        "borrow": (0, OWNER, OWNER),
        "withdrawCollateral": (OWNER, OWNER),
    }

    async def really() -> None:
        if verb == "set":
            await at_once(local, market.source, "set", amount)
        elif verb:
            await at_once(local, morpho, verb, market.params, amount, *ends[verb])
        else:
            await local.chain.advance(amount)
        await at_once(local, morpho, "accrueInterest", market.params)

    async def stored(w3: Web3) -> tuple[Any, Any, int]:
        assert market.oracle is not None
        of = plain(w3, morpho).functions
        price = await plain(w3, market.oracle).functions.price().call()
        return await of.market(market.id).call(), await of.position(market.id, OWNER).call(), price

    asyncio.run(borrowed(local))
    (record,) = ask(OWNER, *options).records
    asyncio.run(really())
    totals, position, price = asked_web3(local, stored)
    owed = -(-position[1] * (totals[2] + 1) // (totals[3] + 10**6))
    worth = position[2] * price // 10**36
    after = record["what_if"]
    assert (units(after["collateral"], 6), units(after["debt"], 6)) == (worth, owed)
    assert after["liquidatable"] is (owed > worth * market.params[4] // WAD)
    assert (record["collateral"], record["debt"]) != (after["collateral"], after["debt"])


def test_the_largest_liquidation_is_what_a_real_one_takes(aave: AaveMarket, ask: Ask) -> None:
    async def crossed() -> None:
        await indebted(aave)
        await set_price(aave.reserves["WETH"].feed, 400 * 10**8)
        await set_price(aave.reserves["WBTC"].feed, 20_000 * 10**8)
        await aave_actions.prepare_liquidator(aave, account("liquidator"), OWNER, "USDC")

    asyncio.run(crossed())
    record = ask(OWNER).of(aave.name)
    table = ask(OWNER, "--format", "table", "--quiet").out
    largest = record["liquidation"]
    assert (record["status"], largest["possible"]) == ("liquidatable", True)
    assert "LIQUIDATABLE" in table
    assert f"largest liquidation now: repay {largest['repay']} {largest['repay_symbol']}" in table
    seized, owed = (aave.by_address(largest[key]) for key in ("seize_token", "repay_token"))
    debt, held, fees = (
        (owed.debt, OWNER),
        (seized.receipt, OWNER),
        (seized.receipt, aave.treasury),
    )

    async def balances() -> list[int]:
        return [await token.call("balanceOf", who) for token, who in (debt, held, fees)]

    async def really() -> list[int]:
        before = await balances()
        args = (seized.token.address, owed.token.address, OWNER, aave_actions.ALL, False)
        await at_once(aave, aave.pool, "liquidationCall", *args, sender=account("liquidator"))
        return [abs(new - old) for new, old in zip(await balances(), before, strict=True)]

    repaid, taken, fee = asyncio.run(really())
    ours = [
        units(largest["repay"], owed.decimals),
        units(largest["seize"], seized.decimals),
        units(largest["protocol_fee"], seized.decimals),
    ]
    for real, said in zip((repaid, taken, fee), ours, strict=True):
        assert abs(real - said) <= 1  # a balance is scaled by an index: its difference may round by one


@either
def test_a_position_below_the_line_outranks_a_chain_that_is_down(aave: AaveMarket, local: Local, ask: Ask) -> None:
    asyncio.run(indebted(aave))
    down = [dead(local)]
    partial = ask(OWNER, "--timeout", "4", more=down)
    assert partial.code == Exit.SOURCE
    (missing,) = [record for record in partial.records if record["chain"] == "dead"]
    assert (missing["status"], missing["market"]) == ("unknown", None)
    assert "nobody" in missing["reason"]
    assert figures(partial.of(aave.name)) == user_data(aave)
    assert ask(OWNER, "--timeout", "4", "--fail-below", "100", more=down).code == Exit.AT_RISK
    assert ask(OWNER, "--timeout", "4", "--fail-below", "0.5", more=down).code == Exit.SOURCE
    assert ask(OWNER, "--fail-below", "100").code == Exit.AT_RISK
    assert ask(OWNER, "--fail-below", "0.5").code == Exit.OK


@either
def test_a_position_is_a_line_of_jsonl_and_a_leg_is_a_row_of_csv(aave: AaveMarket, ask: Ask) -> None:
    asyncio.run(indebted(aave))
    (record,) = ask(OWNER).records
    line, *_ = ask(OWNER, "--format", "jsonl", "--quiet").out.splitlines()  # the other is about logs
    assert {**json.loads(line), "block": None} == {**record, "block": None}
    rows = ask(OWNER, "--format", "csv", "--quiet").rows
    assert [(row["leg_side"], row["leg_token"], row["leg_amount"]) for row in rows] == [
        (leg["side"], leg["token"], leg["amount"]) for leg in record["legs"]
    ]
    assert {(row["market"], row["health"], row["status"]) for row in rows} == {(aave.name, record["health"], "safe")}


MISTAKES = {
    "an unknown chain": (("--chain", "locall"), "did you mean 'local'?"),
    "an unknown market": (("--market", "local/aave-v3/v31"), "did you mean"),
    "an unknown token": (("--repay", "NOPE=1"), "name a symbol or address of its market"),
    "an unknown price": (("--price", "NOPE=-1%"), "name a symbol or address of its market"),
    "no amount": (("--repay", "USDC"), "write --repay USDC=5000"),
    "an amount that is none": (("--repay", "USDC=much"), "write one as 1500 or 0.25"),
    "an amount below zero": (("--deposit", "WETH=-1"), "write one as 1500 or 0.25"),
    "more digits than the token has": (("--repay", "USDC=0.0000001"), "write no more digits than that"),
    "a fall of everything": (("--price", "WETH=-100%"), "less than 100 %"),
    "an earlier time": (("--at", "-7d"), "--at +7d"),
    "a target that is none": (("--target-health", "high"), "write one as 1500 or 0.25"),
    "a token of two positions": (("--repay", "USDC=1"), "name one market with --market"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_that_says_what_to_do(mistake: str, v36: AaveMarket, v30: AaveMarket, ask: Ask) -> None:
    arguments, advice = MISTAKES[mistake]
    narrowed = () if mistake in ("an unknown market", "a token of two positions") else ("--market", v36.name)
    asyncio.run(indebted(v36))
    asyncio.run(indebted(v30))
    said = ask(OWNER, *arguments, *narrowed)
    assert (said.code, said.out) == (Exit.USAGE, "")
    assert said.err.startswith("watcher: ")
    assert said.err.count("\n") == 1
    assert advice in said.err


def test_f59_an_address_with_a_bad_checksum_is_refused(ask: Ask, chain: object) -> None:
    swapped = OWNER[:-4] + OWNER[-4:].swapcase()
    said = ask(swapped)
    assert (said.code, said.out) == (Exit.USAGE, "")
    assert "checksum" in said.err
    assert said.err.count("\n") == 1


def test_f02_where_no_endpoint_answers_the_reason_is_told_with_code_4(local: Local, chain: object, ask: Ask) -> None:
    said = ask(OWNER, "--chain", "dead", "--timeout", "4", more=[dead(local)])
    (record,) = said.records
    assert said.code == Exit.SOURCE
    assert record["status"] == "unknown"
    assert "nobody" in record["reason"]
    table = ask(OWNER, "--chain", "dead", "--timeout", "4", "--format", "table", more=[dead(local)])
    assert table.code == Exit.SOURCE
    assert "UNKNOWN: " in table.out
    assert "Traceback" not in table.err


def test_f02_a_what_if_about_a_chain_that_is_down_is_unknown_and_no_mistake(
    local: Local, chain: object, ask: Ask
) -> None:
    said = ask(OWNER, "--chain", "dead", "--timeout", "4", "--repay", "USDC=1", more=[dead(local)])
    assert said.code == Exit.SOURCE
    assert [record["status"] for record in said.records] == ["unknown"]
