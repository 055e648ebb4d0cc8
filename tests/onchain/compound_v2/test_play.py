"""A seeded play of deposits, withdrawals, loans and repayments: each is foretold, refusals too, and everybody is exact at every block."""

from __future__ import annotations

from random import Random

import pytest
from eth_utils.crypto import keccak

from tests.onchain.compound_v2.scene import ADA, BOB, CYD, Scene, View, play
from watcher.adapter import Acted, Action, Borrow, Refusal, Repay, SetMode, Supply, Which, Withdraw
from watcher.adapters.compound_v2 import ADAPTER
from watcher.errors import CallReverted
from watcher.health.audit import compare
from watcher.localchain import compound_v2_actions as do
from watcher.localchain.compound_v2 import CompoundV2
from watcher.localchain.contract import transact
from watcher.model import Side
from watcher.units import Raw

TURNS = 36
SYMBOLS = ("USDC", "DAI", "WBTC", "DUST", "ETH")
FUNCTIONS: dict[type[Supply | Withdraw | Borrow | Repay], str] = {
    Supply: "mint",
    Withdraw: "redeemUnderlying",
    Borrow: "borrow",
    Repay: "repayBorrow",
}


def drawn(view: View, who: str, random: Random, world: CompoundV2) -> tuple[str, Action]:
    """Somebody's next deed: of a part of an ether, of all, or of more than there is."""
    kind, symbol = random.choice(list(FUNCTIONS)), random.choice(SYMBOLS)
    market, token = world.markets[symbol], view.token(symbol)
    worth = random.randrange(10**14, 3 * 10**19) * market.unit // market.plan.price
    legs = [leg for leg in view.value(who).legs if leg.token.address == token]
    owed = sum(leg.amount for leg in legs if leg.side is Side.DEBT)
    if kind is Repay:
        worth = random.choice((owed // 2, owed // 3, owed + market.unit))
    return symbol, kind(token, Raw(max(1, worth)))


async def done(scene: Scene, who: str, symbol: str, action: Action) -> bool:
    """Carried out in the next block; whether it took effect: refusals are error codes here, and logs of failures."""
    market = scene.world.markets[symbol]
    assert not isinstance(action, SetMode)
    name, amount = FUNCTIONS[type(action)], action.amount
    paid = market.token is None and isinstance(action, Supply | Repay)
    call = market.ctoken.transaction(name, *(() if paid else (amount,)), sender=who)
    topics = {"0x" + keccak(text=text).hex() for text in SIGNATURES}
    try:
        receipt = await transact(scene.world.chain, {**call, "value": hex(amount if paid else 0)})
    except CallReverted:
        return False
    return any(log["topics"][0] in topics for log in receipt.logs)


SIGNATURES = (
    "Mint(address,uint256,uint256)",
    "Redeem(address,uint256,uint256)",
    "Borrow(address,uint256,uint256,uint256)",
    "RepayBorrow(address,address,uint256,uint256,uint256)",
)


@pytest.mark.slow
def test_every_deed_is_foretold_and_everybody_is_exact_at_every_block(world: CompoundV2) -> None:
    async def story(scene: Scene) -> None:
        random, owners, told = Random(11), (ADA, BOB, CYD), {True: 0, False: 0}
        for who in owners:
            for one in world.markets.values():
                await do.pay(world, one, who)
            await scene.open_position(who, {"WBTC": 10**8 + 1, "DAI": 10**22, "ETH": 10**18}, {"USDC": 10**10})
        for turn in range(TURNS):
            who = owners[turn % len(owners)]
            if turn % 5 == 4:
                await world.chain.mine(3)
            view, at = await scene.view(*owners), await scene.next_moment()
            symbol, action = drawn(view, who, random, world)
            foretold = ADAPTER.act(view.terms, view.accrued(at=at), view.holdings[who], action)
            happened = await done(scene, who, symbol, action)
            assert isinstance(foretold, Acted) is happened, (turn, symbol, action, foretold)
            told[happened] += 1
            view = await scene.view(*owners)
            assert view.block.number == at.number
            if isinstance(foretold, Acted):
                mine = [listing.token.symbol for listing in view.terms.listings].index(symbol)
                assert foretold.holding == view.holdings[who]
                assert foretold.quote.states[mine] == view.accrued().states[mine]
            else:
                assert isinstance(foretold, Refusal)
            for key, said in (await scene.reported(view)).items():
                holding = next(one for one in view.holdings.values() if one.key == key)
                assert compare(ADAPTER.value(view.terms, view.accrued(Which.NONE), holding), said) == ()
            fresh = view.value(who)
            assert [(0, fresh.liquidity, fresh.shortfall)] == await scene.truth.accrued(who, [SYMBOLS], at.number)
        assert min(told.values()) >= 6

    play(world, story)
