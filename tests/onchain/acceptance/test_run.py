"""Three hundred accounts of a real Aave pool through blocks of random transactions, prices and times: 28, or a hundred with --long.

At every block every field of every account's getUserAccountData, asked by plain web3, equals ours to the last unit. A failing run is
replayed by its seed: ``WATCHER_SEED=… pytest tests/onchain/acceptance/test_run.py``.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from eth_typing import ChecksumAddress

from tests.onchain.acceptance import aim, crowd
from tests.onchain.acceptance.cases import cases, required, span
from tests.onchain.acceptance.crowd import Sent
from tests.onchain.acceptance.deeds import Deed, Deeds
from tests.onchain.acceptance.ours import Product, owner, product, valued
from tests.onchain.acceptance.truth import NOTHING, PoolTruth, expected
from watcher.cycle import MarketCycle, Row
from watcher.localchain.aave_market import AaveMarket
from watcher.model import Moment

SEED = int(os.environ.get("WATCHER_SEED", "20261122"))
RUNS = [(28, 1), pytest.param(100, 5, marks=pytest.mark.long)]  # blocks, and how often every case must be met
LATER = (0, 0, 1, 1, 2, 2, 12, 12, 12, 600, 3_600, 3_600, 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400)  # seconds
FAR = 10  # blocks between audits of ours by the product itself


@dataclass
class Run:
    local: AaveMarket
    product: Product
    truth: PoolTruth
    deeds: Deeds
    met: Counter[str] = field(default_factory=Counter)
    compared: int = 0

    @property
    def owners(self) -> Sequence[ChecksumAddress]:
        return self.deeds.owners


@pytest.mark.parametrize(("blocks", "least"), RUNS)
def test_every_field_of_every_account_is_the_contracts_at_every_block(
    aave: AaveMarket, blocks: int, least: int, capsys: pytest.CaptureFixture[str]
) -> None:
    sys.stdout.write(f"Aave V{aave.version}: replay with WATCHER_SEED={SEED}\n")
    run = asyncio.run(played(aave, blocks))
    lines = [f"Aave V{aave.version}: {len(run.owners)} accounts, {blocks} blocks, {run.compared} comparisons"]
    lines += [f"  {case}: {count}" for case, count in sorted(run.met.items())]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *lines, ""]))
    assert run.compared >= crowd.COUNT * blocks
    assert {case: run.met[case] for case in required(aave.version) if run.met[case] < least} == {}


async def played(local: AaveMarket, blocks: int) -> Run:
    dice = random.Random(f"{SEED} {local.version}")
    plans = crowd.plans(local, dice)
    owners = (*(plan.who for plan in plans), crowd.LIQUIDATOR)
    await crowd.prepare(local)
    await crowd.enter(local, plans)
    truth = PoolTruth(local, owners)
    try:
        async with product(local) as ours:
            run = Run(local, ours, truth, Deeds(local, dice, owners))
            seen = await compared(run, 0)
            for step in range(1, blocks + 1):
                await one_block(run, seen)
                seen = await compared(run, step)
            run.met["terms renewed"] = ours.renewed
            return run
    finally:
        await truth.close()


async def compared(run: Run, step: int) -> MarketCycle:
    """Everybody at the newest block, ours against the contract's."""
    seen = await run.product.cycle(run.owners, audit=step % FAR == 0)
    answers = await run.truth.at(seen.block.number)
    for row in seen.rows:
        ours, theirs = valued(row), expected(answers.pop(owner(row)))
        found = {name: getattr(ours, name) for name in theirs}
        assert found == theirs, f"seed {SEED}, step {step}, {owner(row)}"
        assert row.audited == (step % FAR == 0)
        assert row.mismatches == ()
    assert set(answers.values()) <= {NOTHING}  # who is no position to us has nothing there
    run.compared += len(run.owners)
    run.met.update(cases(run.local, seen, run.deeds.received))
    return seen


async def one_block(run: Run, seen: MarketCycle) -> None:
    """A later time, prices that bring some accounts to their line, and what the crowd does."""
    chain, dice = run.local.chain, run.deeds.dice
    later = dice.choice(LATER)
    at = Moment(seen.block.number + 1, seen.block.timestamp + later)
    prices, spared = shots(run, seen, at)
    deeds = run.deeds.block(seen, spared)
    await chain.next_timestamp(at.timestamp)
    async with chain.one_block():
        await chain.batch([*prices, *(one for deed in deeds for one in deed.sent[:-1])])
        hashes = await chain.batch([deed.sent[-1] for deed in deeds])
    assert (await chain.block_number(), await chain.timestamp()) == (at.number, at.timestamp)
    await count(run, deeds, hashes)
    run.met[span(later)] += 1


def shots(run: Run, seen: MarketCycle, at: Moment) -> tuple[list[Sent], set[ChecksumAddress]]:
    """The block's prices; and the accounts that they are aimed at, whose assets no other price of the block touches."""
    dice, spared = run.deeds.dice, set[ChecksumAddress]()
    sent, assets = list[Sent](), set[ChecksumAddress]()
    for _ in range(dice.randrange(3)):
        rows = [row for row in seen.rows if valued(row).debt and assets.isdisjoint(tokens(row))]
        shot = aim.aimed(run.local, dice, seen, rows, at)
        if shot is not None and shot[2] not in assets:
            spared.add(owner(shot[0]))
            sent.append(shot[1])
            assets |= {shot[2], *tokens(shot[0])}
    sent += aim.moved(run.local, dice, assets)
    return sent, spared


def tokens(row: Row) -> set[ChecksumAddress]:
    return {leg.token.address for leg in valued(row).legs}


async def count(run: Run, deeds: Sequence[Deed], hashes: Sequence[str]) -> None:
    receipts = await run.local.chain.batch([("eth_getTransactionReceipt", [one]) for one in hashes])
    for deed, receipt in zip(deeds, receipts, strict=True):
        run.met[f"{'done' if receipt['status'] == '0x1' else 'refused'}: {deed.name}"] += 1
