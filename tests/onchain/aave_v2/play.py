"""What the accounts of Aave V2's scenes do: debts at both rates, and a stable rate that is set anew."""

from __future__ import annotations

from tests.onchain.aave_scene import Scene
from watcher.localchain import aave_actions as do
from watcher.localchain import aave_v2_actions as v2_do
from watcher.localchain.scenario import account


async def opened(stage: Scene) -> None:
    """The first account owes dollars at both rates against bitcoin and ether, the second one ether against dollars."""
    ada, bob = stage.actors[:2]
    await do.supply(stage.local, ada, "WBTC", 5 * 10**7)
    await do.supply(stage.local, ada, "WETH", 10**18)
    await do.borrow(stage.local, ada, "USDC", 7_000 * 10**6)
    await do.borrow(stage.local, ada, "DAI", 3_000 * 10**18, do.STABLE)
    await do.supply(stage.local, bob, "USDC", 50_000 * 10**6)
    await do.borrow(stage.local, bob, "WETH", 10**18)


async def squeezed(stage: Scene) -> None:
    """Lend out nearly all DAI, most of it at stable rates: only then may a stable rate be set anew."""
    rich, local = account("rich"), stage.local
    await do.supply(local, rich, "WBTC", 20_000 * 10**8)
    for share in (24, 24, 24, 24):
        token = local.reserves["DAI"]
        left = await token.token.call("balanceOf", token.receipt.address)
        await do.borrow(local, rich, "DAI", left * share // 100, do.STABLE)
    left = await token.token.call("balanceOf", token.receipt.address)
    await do.borrow(local, rich, "DAI", left * 86 // 100)


async def rebalanced(stage: Scene) -> None:
    await squeezed(stage)
    await v2_do.rebalance(stage.local, stage.actors[0], "DAI")
