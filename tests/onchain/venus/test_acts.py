"""A seeded play: what we foretold of each deed is what the chain has after it, or the refusal; and a log names whoever was moved."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from tests.onchain.venus.scene import ADA, BOB, CYD, Scene, View, play
from watcher.adapter import Acted, Action, Borrow, Refusal, Repay, SetMode, Supply, Touch, Which, Withdraw
from watcher.adapters.venus import ADAPTER
from watcher.adapters.venus.account import owing
from watcher.adapters.venus.facts import Holding, Quote
from watcher.chain.logs import logs
from watcher.formula.compound.pool import Pool
from watcher.health.audit import compare
from watcher.localchain import venus_actions as do
from watcher.localchain.contract import Contract
from watcher.localchain.venus_pool import VenusPool
from watcher.model import Moment, PositionKey
from watcher.units import MAX, WAD, Raw

WHO = (ADA, BOB, CYD)
DEEDS = 80
SYMBOLS = ("BNB", "WBTC", "WETH", "USDC", "USDT", "TUSD")
KINDS = ("supply", "supply", "withdraw", "borrow", "borrow", "repay", "pool", "VAI")
MODES = (SetMode(1), SetMode(2), SetMode(2), SetMode(3), SetMode(0))
SENT = {Supply: "mint", Withdraw: "redeemUnderlying", Borrow: "borrow", Repay: "repayBorrow"}


def drawn(random: Random, pool: VenusPool, view: View) -> tuple[str, Action]:
    """Anything, in an amount of any size, often too large; or all that is held or owed. The symbol is VAI for a repayment of it."""
    kind, symbol = random.choice(KINDS), random.choice(SYMBOLS)
    market = pool.markets[symbol]
    cents = random.choice((1, random.randrange(1_000, 2_000_000), random.randrange(1_000, 2_000_000)))
    amount = Raw(cents * 10**market.decimals // market.plan.price + random.randrange(1, 9))
    whole = Raw(MAX) if random.random() < 0.3 else amount
    token = view.token(symbol)
    match kind:
        case "supply":
            return symbol, Supply(token, amount)
        case "withdraw":
            return symbol, Withdraw(token, whole)
        case "borrow":
            return symbol, Borrow(token, amount)
        case "repay":
            return symbol, Repay(token, whole)
        case "pool":
            return "", SetMode(random.randrange(4))
    return "VAI", Repay(view.token("VAI"), Raw(random.choice((cents * WAD // 100, 10**30))))


def message(
    pool: VenusPool, view: View, quote: Quote, who: str, symbol: str, action: Action
) -> tuple[Contract, str, tuple[int | str, ...], int]:
    """What is sent: contract, function, arguments, coins. All that is held goes by its vTokens, all coins owed by their amount."""
    if isinstance(action, SetMode):
        return pool.comptroller, "enterPool", (action.category,), 0
    if symbol == "VAI":
        return pool.controller, "repayVAI", (action.amount,), 0
    market, place = pool.markets[symbol], view.terms.place(view.token(symbol))
    assert place is not None
    entry = view.holdings[who].entry(place)
    if isinstance(action, Withdraw) and action.amount == MAX:
        return market.v, "redeem", (entry.tokens,), 0
    if market.token is None and isinstance(action, Supply | Repay):
        owed = owing(quote, entry) or 1
        return market.v, SENT[type(action)], (), owed if action.amount == MAX else action.amount
    return market.v, SENT[type(action)], (action.amount,), 0


async def sent(pool: VenusPool, who: str, what: tuple[Contract, str, tuple[int | str, ...], int]) -> None:
    """In one block, also where it fails: a revert is a block too, an error code is a success that changes nothing."""
    contract, function, args, value = what
    fields = contract.transaction(function, *args, sender=who) | {"value": hex(value)}
    await pool.chain.rpc("eth_sendTransactionSync", fields)


def books(pool: Pool) -> Pool:
    """Reserves that are paid out leave both sides: what they come to together is what counts."""
    return replace(pool, cash=pool.cash - pool.reserves, reserves=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_what_we_foretell_of_a_deed_is_what_the_chain_has_after_it(pool: VenusPool, seed: int) -> None:
    async def story(scene: Scene) -> None:
        random, counted = Random(seed), Counter[str]()
        for who in WHO:
            for symbol in (*SYMBOLS, "VAI"):
                await do.prepare_payer(pool, who, symbol)
            vai = (
                {} if who == CYD else {"VAI": random.randrange(WAD, 5_000 * WAD)}
            )  # it keeps its owner in the core pool
            await scene.open_position(who, {"WETH": 9 * WAD}, vai)
        view = await scene.view(WHO)
        for number in range(DEEDS):
            who = random.choice(WHO) if number >= len(MODES) else CYD
            await between(random, pool, who)
            view = await scene.view(WHO, view.terms)
            symbol, action = drawn(random, pool, view) if number >= len(MODES) else ("", MODES[number])
            quote = view.accrued(at=Moment(view.block.number + 1, view.block.timestamp + 1))
            said = ADAPTER.act(view.terms, quote, view.holdings[who], action)
            await sent(pool, who, message(pool, view, quote, who, symbol, action))
            after = await scene.view(WHO, view.terms)
            assert after.block.number == view.block.number + 1
            await compared(view, after, who, symbol, said)
            await named(scene, view, after)
            counted[f"{type(action).__name__} {isinstance(said, Acted)}"] += 1
        reported = await scene.reported(view := await scene.view(WHO))
        assert all(compare(view.value(who, Which.NONE), reported[view.holdings[who].key]) == () for who in WHO)
        assert {f"{kind} True" for kind in ("Supply", "Withdraw", "Borrow", "Repay", "SetMode")} <= set(counted)
        assert sum(count for name, count in counted.items() if name.endswith("False")) > DEEDS // 6

    play(pool, story)


async def between(random: Random, pool: VenusPool, who: str) -> None:
    """What others do, or the account without our saying what comes of it: time, prices, markets entered and left, VAI minted."""
    match random.randrange(6):
        case 0:
            await pool.chain.mine(random.randrange(1, 12))
        case 1:
            await do.set_price(pool, "WETH", pool.markets["WETH"].scaled(random.randrange(150_000, 230_000)))
        case 2:
            await do.enter(pool, who, random.choice(SYMBOLS))
        case 3:
            left = pool.markets[random.choice(SYMBOLS)].v.address
            await sent(pool, who, (pool.comptroller, "exitMarket", (left,), 0))
        case 4:
            await sent(pool, ADA, (pool.controller, "mintVAI", (random.randrange(1, 100) * WAD,), 0))


async def compared(before: View, after: View, who: str, symbol: str, said: Acted[Quote, Holding] | Refusal) -> None:
    if isinstance(said, Refusal):
        assert after.holdings == before.holdings, (symbol, said)
        return
    assert after.holdings[who] == said.holding
    assert {one: held for one, held in after.holdings.items() if one != who} == {
        one: held for one, held in before.holdings.items() if one != who
    }
    stored = said.quote.unaccrued()
    assert after.quote.vai == stored.vai
    for place in range(len(before.terms.assets)):
        assert books(after.quote.pools[place]) == books(stored.pools[place])
        assert after.quote.rates[place] == stored.rates[place]


async def named(scene: Scene, before: View, after: View) -> None:
    """Whoever has something else than before is named by a log of the block."""
    found: set[PositionKey] = set()
    query = ADAPTER.moves(before.terms)
    async for _, rows in logs(scene.w3, query, after.block.number, after.block.number):
        for _, moved in rows:
            assert not isinstance(moved, Touch)
            found |= moved
    changed = {held.key for who, held in after.holdings.items() if held != before.holdings[who]}
    assert changed <= found
