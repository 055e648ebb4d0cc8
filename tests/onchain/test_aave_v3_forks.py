"""Forks of Aave 3.0 go on counting their own upgrades: the real pool of 3.0 behind another revision is read and told as before."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.onchain.aave_scene import FIGURES, check_accounts, random_run, scene
from watcher.errors import AnswerError
from watcher.formula.aave.version import Version
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_market import AaveMarket

IMPLEMENTATION = f"0x{int.from_bytes(keccak(text='eip1967.proxy.implementation')) - 1:064x}"
ASIDE = to_checksum_address("0x" + "f0" * 20)  # where the pool's own code goes on


def answering(revision: int) -> str:
    """Code that answers POOL_REVISION with a number of its own and leaves everything else to the code put aside."""
    selector = keccak(text="POOL_REVISION()")[:4].hex()
    return (
        f"0x60003560e01c63{selector}14604557"  # its selector goes on at 0x45
        f"3660006000376000600036600073{ASIDE[2:].lower()}5af4"  # delegatecall with all the data
        "3d600060003e6040573d6000fd"  # what it reverts with
        "5b3d6000f3"  # 0x40: what it returns
        f"5b60{revision:02x}60005260206000f3"  # 0x45
    )


async def upgraded(market: AaveMarket, revision: int) -> None:
    """The pool says that it is of that revision; nothing else of it is changed."""
    chain = market.chain
    word = await chain.rpc("eth_getStorageAt", market.pool.address, IMPLEMENTATION, "latest")
    code = to_checksum_address(f"0x{word[-40:]}")
    await chain.rpc("anvil_setCode", ASIDE, await chain.rpc("eth_getCode", code, "latest"))
    await chain.rpc("anvil_setCode", code, answering(revision))
    assert await market.pool.call("POOL_REVISION") == revision


@pytest.mark.parametrize("revision", [4, pytest.param(9, marks=pytest.mark.long)])
def test_a_fork_of_3_0_is_told_as_3_0_whatever_it_counts(v30: AaveMarket, revision: int) -> None:
    async def run() -> Counter[str]:
        await upgraded(v30, revision)
        async with scene(v30, 3) as stage:
            who = stage.actors[0]
            await do.supply(v30, who, "WETH", 10 * 10**18)
            await do.borrow(v30, who, "USDC", 6_000 * 10**6, do.STABLE)
            await do.borrow(v30, who, "DAI", 4_000 * 10**18)
            await v30.chain.advance(40 * 86_400)
            terms = await stage.terms()
            assert terms.version is Version.V3_0
            assert await check_accounts(stage, terms) == 3 * len(FIGURES)
            return await random_run(stage, random.Random(revision), 20)

    seen = asyncio.run(run())
    assert seen["fields"] >= 2 * 3 * len(FIGURES)


def test_a_revision_that_nobody_has_learnt_is_an_error_that_names_it(v30: AaveMarket) -> None:
    async def run() -> None:
        await upgraded(v30, 12)
        async with scene(v30, 1, funded=False) as stage:
            with pytest.raises(AnswerError, match="revision 12 is not known"):
                await stage.terms()

    asyncio.run(run())
