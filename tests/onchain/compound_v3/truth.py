"""A position's three figures from the contract's own views alone: balances, prices and factors, read at one block by plain web3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from web3 import AsyncHTTPProvider, AsyncWeb3

from watcher.localchain.comet import LocalComet
from watcher.units import WAD


@dataclass(frozen=True, slots=True)
class Figures:
    """Health as a wad, None without debt; collateral and debt in 1e-8 of the market's unit."""

    health: int | None
    collateral: int
    debt: int


async def figures(local: LocalComet, owners: Sequence[str], block: int) -> dict[str, Figures]:
    """`borrowBalanceOf` and `userCollateral` of everybody, at the answers that `getPrice` gives and `getAssetInfo`'s factors."""
    w3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(local.chain.url))
    try:
        comet = w3.eth.contract(local.comet.address, abi=local.comet.abi)
        ask: dict[str, Any] = {"block_identifier": block}
        count = await comet.functions.numAssets().call(**ask)
        listed = [await comet.functions.getAssetInfo(place).call(**ask) for place in range(count)]
        prices = [await comet.functions.getPrice(one[2]).call(**ask) for one in listed]
        base = await comet.functions.getPrice(await comet.functions.baseTokenPriceFeed().call(**ask)).call(**ask)
        async with w3.batch_requests() as batch:
            for owner in owners:
                batch.add(comet.functions.borrowBalanceOf(owner).call(**ask))
                for one in listed:
                    batch.add(comet.functions.userCollateral(owner, one[1]).call(**ask))
            answers: list[Any] = list(await batch.async_execute())
        found = {}
        for number, owner in enumerate(owners):
            owed, *held = answers[number * (count + 1) : (number + 1) * (count + 1)]
            values = [int(row[0]) * price // one[3] for row, price, one in zip(held, prices, listed, strict=True)]
            weighted = sum(value * one[5] // WAD for value, one in zip(values, listed, strict=True))
            debt = int(owed) * base // 10**local.plan.decimals
            found[owner] = Figures(weighted * WAD // debt if debt else None, sum(values), debt)
        return found
    finally:
        await w3.provider.disconnect()
