"""Three hundred positions through a hundred blocks of random transactions, prices and times: all equal to the contract at every block.

Each step moves a price, compares everything with the truth, and then does one random thing that was predicted before.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.onchain.morpho_scene import BORROWED, Scene, View, amount_for, answer_on_the_line
from tests.onchain.morpho_truth import PAYER
from watcher.adapter import Acted, Action, Borrow, Refusal, Repay, Supply, Withdraw
from watcher.adapters.morpho_blue import ADAPTER
from watcher.adapters.morpho_blue.facts import Holding, Quote
from watcher.errors import CallReverted
from watcher.formula.morpho import to_assets_down
from watcher.localchain.contract import message
from watcher.localchain.morpho import FEE_RECIPIENT, MorphoChain, MorphoMarket
from watcher.localchain.scenario import account
from watcher.model import Valuation
from watcher.units import WAD, Raw

SEED = 20_261_122
PER_MARKET = 60
RUNS = [(32, 1), pytest.param(100, 5, marks=pytest.mark.long)]  # blocks, and how often every case must be met
CASES = (
    "no debt", "dust debt", "lender only", "within 1e-6 above the line", "within 1e-6 below the line", "far below the line",
    "liquidatable", "healthy", "time since last update", "no time since last update", "fee on interest", "flat model", "no model",
    "done: Supply loan",
    "done: Supply collateral", "done: Withdraw loan", "done: Withdraw collateral", "done: Borrow loan", "done: Repay loan",
    "refused: insufficient collateral", "repaid in full",
)  # fmt: skip


@dataclass
class Run:
    """The state of one run: who is where, what was counted."""

    scene: Scene
    rng: random.Random
    owners: dict[str, Sequence[str]]
    met: Counter[str]
    first: dict[str, int]  # the source's answer at the beginning, by market
    compared: int = 0

    @property
    def world(self) -> MorphoChain:
        return self.scene.world


@pytest.mark.parametrize(("steps", "least"), RUNS)
def test_every_figure_of_every_position_is_the_contracts_at_every_block(
    morpho: MorphoChain, steps: int, least: int
) -> None:
    async def story() -> None:
        scene = await Scene.open(morpho)
        run = Run(scene, random.Random(SEED), {}, Counter(), {})
        try:
            for name in BORROWED:
                run.owners[name] = await populate(run, name)
            for _ in range(steps):
                await move_a_price(run)
                await compare(run, BORROWED)
                name = await act_at_random(run)
                if run.rng.randrange(4) == 0:
                    await compare(run, [name])  # in the very block that accrued
        finally:
            await scene.close()
        lines = [f"Morpho: {sum(map(len, run.owners.values()))} positions, {steps} blocks, {run.compared} comparisons"]
        lines += [f"  {case}: {run.met[case]}" for case in sorted(run.met)]
        sys.stdout.write("\n".join(["", *lines, ""]))
        assert {case: run.met[case] for case in CASES if run.met[case] < least} == {}

    asyncio.run(story())


async def populate(run: Run, name: str) -> Sequence[str]:
    """Positions from dust to half the market: some without debt, some lenders, most of them indebted anywhere up to the limit."""
    market, rng = run.world.markets[name], run.rng
    view = await run.scene.view(name, [])
    price, free = view.quote.price or 0, view.quote.totals.supply.assets
    run.first[name] = price if market.feed is None else price // 10**16
    owners = [account(f"{name} {n}") for n in range(PER_MARKET)]
    sent: list[tuple[str, list[Any]]] = []
    for n, who in enumerate(owners):
        debt = rng.choice((rng.randrange(1, 10), 10 ** rng.randrange(1, 6), rng.randrange(1, free // 100)))
        if n % 10 == 0:
            sent.append(call(run, "supply", market.params, rng.randrange(1, free), 0, who, b""))
            continue
        use = rng.choice((WAD * 999_999 // 1_000_000, rng.randrange(WAD // 10, WAD)))
        sent.append(call(run, "supplyCollateral", market.params, amount_for(market, price, debt + 2, use), who, b""))
        if n % 10 != 1:
            sent.append(call(run, "borrow", market.params, debt, 0, who, who, sender=who))
    for start in range(0, len(sent), 50):
        async with run.world.chain.one_block():
            await run.world.chain.batch(sent[start : start + 50])
    return owners


def call(run: Run, function: str, *args: Any, sender: str = PAYER) -> tuple[str, list[Any]]:
    data = run.world.morpho.data(function, *args)
    return "eth_sendTransaction", [message(sender, run.world.morpho.address, data, 600_000)]


async def move_a_price(run: Run) -> None:
    """One market's price, some time later: a crash, a recovery, or within a millionth of somebody's line."""
    name = run.rng.choice(BORROWED)
    market = run.world.markets[name]
    at = await run.scene.moment(run.rng.choice((1, 2, 12, 3_600, 86_400, 10 * 86_400)))
    view = await run.scene.view(name, run.owners[name])
    owing = [who for who, held in view.holdings.items() if held.borrow_shares]
    kind = run.rng.choice(("aim", "aim", "spread", "recovery")) if owing else "recovery"
    if kind == "aim":
        who = max(run.rng.sample(owing, min(5, len(owing))), key=lambda one: view.holdings[one].borrow_shares)
        line = answer_on_the_line(market, view, who, at)
        answer = line + run.rng.choice((-1, 0, 1, -(line // 2_000_000), line // 2_000_000))
    elif kind == "spread":
        middle = sorted(answer_on_the_line(market, view, who, at) for who in run.rng.sample(owing, min(7, len(owing))))
        answer = middle[len(middle) // 2] * run.rng.randrange(500, 1_500) // 1_000
    else:
        answer = run.first[name] * run.rng.randrange(900, 1_300) // 1_000
    await run.scene.set_answer(market, max(1, answer), at.timestamp)


async def compare(run: Run, names: Sequence[str]) -> None:
    """Totals, every debt and every verdict of these markets at the newest block."""
    views = await run.scene.views({name: run.owners[name] for name in names})
    for name, view in views.items():
        market, quote = run.world.markets[name], view.accrued()
        totals = quote.totals
        sides = (totals.supply.assets, totals.supply.shares, totals.borrow.assets, totals.borrow.shares)
        assert await run.scene.truth.totals(market, view.block.number) == (*sides, view.block.timestamp, quote.fee)
        ours = {who: view.value(who, quote) for who in view.holdings}
        indebted = [(who, held.borrow_shares) for who, held in view.holdings.items() if held.borrow_shares]
        owed = await run.scene.truth.owed(market, indebted, view.block.number)
        assert [one.answer and one.answer[0] for one in owed] == [ours[who].debt for who, _ in indebted]
        verdicts = await run.scene.truth.liquidations(market, [who for who, _ in indebted], view.block.number)
        said = ["" if ours[who].liquidatable else "position is healthy" for who, _ in indebted]
        assert [one.reason for one in verdicts] == said
        run.compared += 1 + 2 * len(indebted)
        count(run, name, view, list(ours.values()))


def count(run: Run, name: str, view: View, ours: Sequence[Valuation]) -> None:
    met = run.met
    met[f"{'' if view.block.timestamp > view.quote.last_update else 'no '}time since last update"] += 1
    met["fee on interest"] += view.quote.fee > 0
    met["flat model"] += name == "WBTC/USDC"
    met["no model"] += name == "hostile"
    for worth in ours:
        met["liquidatable" if worth.liquidatable else "healthy"] += 1
        met["dust debt"] += 0 < worth.debt < 100
        met["lender only"] += not worth.collateral and not worth.debt
        if worth.health is None:
            met["no debt"] += 1
        elif abs(worth.health - WAD) <= WAD // 10**6:
            met[f"within 1e-6 {'below' if worth.liquidatable else 'above'} the line"] += 1
        else:
            met["far below the line"] += worth.health < WAD // 2


async def act_at_random(run: Run) -> str:
    """One action of one owner in the next block of the market that is returned: as predicted, or a revert where a refusal was."""
    rng = run.rng
    name = rng.choice(BORROWED)
    market = run.world.markets[name]
    at = await run.scene.moment(rng.choice((1, 2, 12, 3_600)))
    view = await run.scene.view(name, [*run.owners[name], FEE_RECIPIENT])
    quote = view.foretold(at)
    who = somebody(rng, view, quote, run.owners[name])
    held = view.holdings[who]
    action = choose(rng, view, quote, held)
    said = ADAPTER.act(view.terms, quote, held, action)
    kind = f"{type(action).__name__} {'loan' if action.token == market.params[0] else 'collateral'}"  # type: ignore[union-attr]
    await run.world.chain.next_timestamp(at.timestamp)
    try:
        await send(run, market, view, quote, who, action)
    except CallReverted as reverted:
        assert isinstance(said, Refusal), (kind, reverted)
        run.met[f"refused: {said.reason if 'only' not in said.reason else 'more than there is'}"] += 1
        return name
    assert isinstance(said, Acted), (kind, said)
    run.met[f"done: {kind}"] += 1
    run.met["repaid in full"] += isinstance(action, Repay) and said.holding.borrow_shares == 0
    position = await run.scene.truth.position(market, who)
    assert position == (said.holding.supply_shares, said.holding.borrow_shares, said.holding.collateral)
    if kind != "Supply collateral":  # which accrues nothing
        totals, stored = said.quote.totals, await run.scene.truth.stored(market)
        assert stored[:4] == (totals.supply.assets, totals.supply.shares, totals.borrow.assets, totals.borrow.shares)
        fees = (await run.scene.truth.position(market, FEE_RECIPIENT))[0]
        assert fees == view.holdings[FEE_RECIPIENT].supply_shares + said.quote.minted
    return name


def somebody(rng: random.Random, view: View, quote: Quote, owners: Sequence[str]) -> str:
    """Anybody, or one who lends, or one who could take something out."""
    lenders = [who for who in owners if view.holdings[who].supply_shares]
    sound = [who for who in owners if view.value(who, quote).available]
    return rng.choice(rng.choice([group for group in (owners, lenders, sound, sound) if group]))


def choose(rng: random.Random, view: View, quote: Quote, held: Holding) -> Action:
    """Any action, of any size up to a little more than there is."""
    loan, collateral = view.terms.params.loan, view.terms.params.collateral
    lent = to_assets_down(held.supply_shares, quote.totals.supply)
    worth = ADAPTER.value(view.terms, quote, held)

    def some(most: int) -> Raw:
        return Raw(rng.choice((most, most + 1, rng.randrange(most + 1) + 1, most // 3 + 1)))

    if lent and rng.randrange(2):
        return Withdraw(loan, some(lent))
    if worth.available and rng.randrange(2):
        return rng.choice((Borrow(loan, some(worth.available)), Withdraw(collateral, some(held.collateral // 9))))
    return rng.choice(
        (
            Supply(loan, some(10**9)),
            Supply(collateral, some(held.collateral or 10**6)),
            Withdraw(loan, some(lent)),
            Withdraw(collateral, some(held.collateral)),
            Borrow(loan, some(worth.available)),
            Repay(loan, some(worth.debt)),
            Repay(loan, Raw(worth.debt or 1)),
        )
    )


async def send(run: Run, market: MorphoMarket, view: View, quote: Quote, who: str, action: Action) -> None:
    """The action as its owner would send it; what it costs is paid by the rich payer."""
    post, params, held = run.world.morpho.send, market.params, view.holdings[who]
    loan = params[0]
    match action:
        case Supply(token, amount) if token == loan:
            await post("supply", params, amount, 0, who, b"", sender=PAYER)
        case Supply(_, amount):
            await post("supplyCollateral", params, amount, who, b"", sender=PAYER)
        case Withdraw(token, amount) if token == loan:
            whole = amount == to_assets_down(held.supply_shares, quote.totals.supply)
            size = (0, held.supply_shares) if whole else (amount, 0)
            await post("withdraw", params, *size, who, who, sender=who)
        case Withdraw(_, amount):
            await post("withdrawCollateral", params, amount, who, who, sender=who)
        case Borrow(_, amount):
            await post("borrow", params, amount, 0, who, who, sender=who)
        case Repay(_, amount):
            whole = amount == ADAPTER.value(view.terms, quote, held).debt
            await post("repay", params, *((0, held.borrow_shares) if whole else (amount, 0)), who, b"", sender=PAYER)
        case _:
            raise AssertionError(action)
