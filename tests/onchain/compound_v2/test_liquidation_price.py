"""The liquidation price that we find, set on the real oracle: the account is liquidatable there, and at no price on the way to it.

Its price in the native token is 1 and nobody's to set; interest runs by blocks, so our search is told the block in which it will be set.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.onchain.compound_v2.scene import ADA, BOB, Scene, each_pair, play
from tests.onchain.compound_v2.truth import ALLOWED
from tests.onchain.tried import Call, between, call, ends, simulated
from watcher.adapter import Position
from watcher.adapters.compound_v2 import ADAPTER
from watcher.health.liquidation_price import liquidation_prices
from watcher.localchain.compound_v2 import NATIVE, CompoundV2
from watcher.localchain.contract import Contract
from watcher.localchain.multicall import AGGREGATE, MULTICALL3

UNIT = {"ETH": 10**18, "USDC": 10**6, "DAI": 10**18, "WBTC": 10**8, "DUST": 10**18}
POSITIONS = {
    "a pair": ({"WBTC": 3}, {"USDC": 100_000}),
    "three of each, one on both sides": (
        {"WBTC": 3, "DUST": 10**10, "DAI": 10_000},
        {"USDC": 180_000, "ETH": 10, "DAI": 9_000},
    ),
}


@pytest.mark.parametrize("name", POSITIONS)
def test_set_on_the_real_oracle_compound_liquidates_at_our_price_and_at_none_between_it_and_the_present_one(
    world: CompoundV2, name: str
) -> None:
    collateral, debts = ({symbol: UNIT[symbol] * n for symbol, n in side.items()} for side in POSITIONS[name])

    async def story(scene: Scene) -> None:
        await scene.open_position(ADA, collateral, debts)
        await scene.open_position(BOB, {"ETH": 10**21}, {symbol: UNIT[symbol] for symbol in UNIT})
        await world.chain.mine(30)
        await aged(world)  # no rate is round any more, and the library tells itself by how it rounds
        view, at = await scene.view(ADA), await scene.next_moment()
        assert view.terms.told
        tried = set()
        for found in liquidation_prices(Position(ADAPTER, view.terms, view.accrued(at=at), view.holdings[ADA])):
            symbol = found.price.token.symbol
            if found.answer is None or symbol == NATIVE:
                continue
            (present, answer), snapshot = ends(found), await world.chain.snapshot()
            assert await aged(world, priced(world, symbol, answer)) == at.number
            before = between(present, answer, Random(name))
            assert await by_the_view(world, symbol, [*before, answer]) == [False] * len(before) + [True]
            said = await scene.truth.liquidations(ADA, each_pair(tuple(debts), tuple(collateral)), 1, at.number)
            assert set(said) == {ALLOWED}
            await world.chain.revert(snapshot)
            tried.add(symbol)
        assert tried == {*collateral, *debts} - {NATIVE}

    play(world, story)


def priced(world: CompoundV2, symbol: str, answer: int) -> Call:
    return call(world.oracle, "setUnderlyingPrice", world.markets[symbol].ctoken.address, answer)


async def aged(world: CompoundV2, *then: Call) -> int:
    """The block in which every market has accrued, and `then` was done."""
    calls = [call(one.ctoken, "accrueInterest") for one in world.markets.values()]
    multicall = Contract(world.chain, MULTICALL3, AGGREGATE)
    return (await multicall.send("aggregate3", [*calls, *then])).block


async def by_the_view(world: CompoundV2, symbol: str, answers: list[int]) -> list[bool]:
    """Whether the comptroller's own `getAccountLiquidity` has a shortfall at each answer of the oracle."""
    view = call(world.comptroller, "getAccountLiquidity", ADA)
    calls = [one for answer in answers for one in (priced(world, symbol, answer), view)]
    said = (await simulated(world.chain, calls))[1::2]
    return [world.comptroller.decode("getAccountLiquidity", row)[2] > 0 for _, row in said]
