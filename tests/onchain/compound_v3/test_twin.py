"""Our stand-in for Comet answers as the original did: the vectors were asked of the real contracts, by the same questions."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.onchain.compound_v3.bench import USER, Bench
from tests.onchain.compound_v3.replay import begin, deed
from watcher.localchain.comet import USD_PLAN, WIDE_PLAN, CometChain, LocalComet, deploy_one
from watcher.localchain.scenario import fund

VECTORS = Path(__file__).parents[2] / "formula" / "vectors"


SOME = pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.long)])  # every so manieth, or all


def rows(name: str) -> list[Any]:
    found: list[Any] = json.loads((VECTORS / f"comet_{name}.json").read_text())["rows"]
    return found


async def rich(local: LocalComet, *who: str) -> None:
    """Enough of everything for the contract, and for these."""
    for token in local.tokens.values():
        await fund(token, local.comet.address, 10**40)
        for one in who:
            await fund(token, one, 10**40, local.comet.address)


@SOME
def test_interest_is_the_originals(comets: CometChain, step: int) -> None:
    async def story() -> None:
        bench = Bench(comets.usd)
        for row, answer in rows("interest")[::step]:
            assert await bench.interest(row) == answer, row

    asyncio.run(story())


@SOME
def test_principals_and_totals_round_as_the_originals(comets: CometChain, step: int) -> None:
    async def story() -> None:
        loose = await deploy_one(comets.chain, replace(USD_PLAN, name="loose", minimum=0))
        await rich(loose, USER)
        await loose.feeds["WETH"].send("set", 2**200 // 10**30)
        bench = Bench(loose)
        for row, answer in rows("principal")[::step]:
            assert await bench.principal(row) == answer, row

    asyncio.run(story())


@SOME
def test_accounts_are_judged_and_absorbed_as_by_the_original(comets: CometChain, step: int) -> None:
    async def story() -> None:
        await rich(comets.wide)
        bench = Bench(comets.wide)
        for row, answer in rows("accounts")[::step]:
            assert await bench.account(row) == answer, row

    asyncio.run(story())


def test_absorbed_collateral_is_sold_for_what_the_original_asked(comets: CometChain) -> None:
    async def story() -> None:
        bench = Bench(comets.usd)
        for row, answer in rows("sale"):
            assert await bench.sale(row) == answer, row

    asyncio.run(story())


@pytest.mark.slow
@pytest.mark.parametrize(
    "plan", [USD_PLAN, pytest.param(WIDE_PLAN, marks=pytest.mark.long)], ids=lambda plan: str(plan.name)
)
def test_a_play_of_many_accounts_leaves_the_same_logs_and_the_same_state(comets: CometChain, plan: Any) -> None:
    async def story() -> None:
        local = await deploy_one(comets.chain, plan)
        await begin(local)
        users: dict[int, Any] = {}
        for line, answer in rows(f"play_{plan.name}"):
            *said, now = json.loads(json.dumps(await deed(local, line)))
            changed = [[place, user] for place, user in enumerate(now) if users.get(place) != user]
            users = dict(enumerate(now))
            assert [*said, changed] == answer, line

    asyncio.run(story())
