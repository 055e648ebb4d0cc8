"""What an owner's action would leave is what his transaction leaves, refusals included."""

from __future__ import annotations

from random import Random
from typing import TypeAlias

import pytest

from tests.onchain.compound_v3.scene import Scene, View, play
from tests.onchain.compound_v3.town import move_prices, settle
from watcher.adapter import Acted, Borrow, Refusal, Repay, Supply, Withdraw
from watcher.adapters.compound_v3 import ADAPTER
from watcher.errors import CallReverted
from watcher.localchain import comet_actions as do
from watcher.localchain.comet import CometChain, LocalComet
from watcher.localchain.contract import DEPLOYER
from watcher.localchain.scenario import account, fund
from watcher.units import Raw

ALICE = account("alice")
Deed: TypeAlias = Supply | Withdraw | Borrow | Repay


async def sent(local: LocalComet, who: str, action: Deed) -> bool:
    """Whether the contract carried it out."""
    verb = "supply" if isinstance(action, Supply | Repay) else "withdraw"
    try:
        await local.comet.send(verb, action.token, action.amount, sender=who)
    except CallReverted:
        return False
    return True


async def compared(scene: Scene, view: View, who: str, action: Deed) -> bool:
    """The contract at the time of `view`, and us; whether it was carried out."""
    ours = ADAPTER.act(view.terms, view.accrued(), view.holdings[who], action)
    snapshot = await scene.local.chain.snapshot()
    await scene.local.chain.next_timestamp(view.block.timestamp)
    carried = await sent(scene.local, who, action)
    if isinstance(ours, Acted):
        assert carried, (action, ours)
        after = await scene.view([who], view.terms)
        assert ours.holding == after.holdings[who], action
        told = after.accrued()
        assert (ours.quote.totals, ours.quote.collateral) == (told.totals, told.collateral), action
        assert ours.quote.cash == after.quote.cash
    else:
        over = isinstance(action, Repay | Withdraw) and ours.reason.startswith("only")
        assert not carried or (over and action.token == view.terms.base.address), (action, ours)
    await scene.local.chain.revert(snapshot)
    return carried


@pytest.mark.slow
def test_every_action_of_many_accounts_is_the_contracts(comets: CometChain) -> None:
    """Amounts around what is held, owed and allowed, a week after anybody accrued."""
    local, random = comets.usd, Random(11)

    async def story(scene: Scene) -> None:
        owners = await settle(local, 9, seed=5)
        await move_prices(local, 950)
        await local.chain.advance(7 * 86_400)
        view, carried = await scene.view(owners), []
        for who in owners:
            for token in local.tokens.values():
                await fund(token, who, 10**30, local.comet.address)
        view = await scene.view(owners, view.terms)
        for who in owners[3:]:  # the last one lends
            carried += [await compared(scene, view, who, action) for action in actions(view, who, random)]
        assert carried.count(True) > 20 and carried.count(False) > 8

    play(local, story)


def actions(view: View, who: str, random: Random) -> list[Deed]:
    seen, base = view.value(who), view.terms.base
    found: list[Deed] = [Supply(base.address, Raw(random.randrange(1, 10**10)))]
    room = seen.available * 10**6 // 99_990_000
    found += [Borrow(base.address, Raw(room + off)) for off in (-1, 2) if room + off > 0]
    for leg in seen.legs:
        token = leg.token.address
        if token == base.address:
            kind = Repay if leg.side == "debt" else Withdraw
            found += [kind(token, Raw(n)) for n in (1, leg.amount // 3 + 1, leg.amount, leg.amount + 1)]
        else:
            found += [Supply(token, Raw(random.randrange(1, leg.amount + 2)))]
            found += [Withdraw(token, Raw(n)) for n in (1, leg.amount // 20 + 1, leg.amount, leg.amount + 1)]
    return found


def test_minimum_cap_liquidity_and_pauses_refuse_as_the_contract_does(comets: CometChain) -> None:
    local = comets.usd

    async def story(scene: Scene) -> None:
        for token in local.tokens.values():
            await fund(token, ALICE, 10**40, local.comet.address)
        await do.supply(local, ALICE, "WETH", 10**6 * 10**18)
        base, weth = local.base.address, local.tokens["WETH"].address
        view = await scene.view([ALICE])
        free = view.quote.cash
        reasons: dict[Deed, str | None] = {
            Borrow(base, Raw(99_999_999)): "BorrowTooSmall",
            Borrow(base, Raw(100_000_000)): None,
            Borrow(base, Raw(free)): None,
            Borrow(base, Raw(free + 1)): "insufficient liquidity",
            Supply(weth, Raw(9 * 10**6 * 10**18)): None,
            Supply(weth, Raw(9 * 10**6 * 10**18 + 1)): "SupplyCapExceeded",
        }
        for action, reason in reasons.items():
            assert await compared(scene, view, ALICE, action) is (reason is None)
            said = ADAPTER.act(view.terms, view.accrued(), view.holdings[ALICE], action)
            assert (said.reason if isinstance(said, Refusal) else None) == reason
        await local.comet.send("pause", True, False, True, False, False, sender=DEPLOYER)
        view = await scene.view([ALICE])
        for action in (Supply(weth, Raw(1)), Withdraw(weth, Raw(1)), Borrow(base, Raw(10**9))):
            assert ADAPTER.act(view.terms, view.accrued(), view.holdings[ALICE], action) == Refusal("Paused")
            assert not await compared(scene, view, ALICE, action)

    play(local, story)
