"""What the real pool answers about many accounts at one block, by a plain AsyncWeb3: nothing of our reader, codec or adapters.

Hundreds of `getUserAccountData` share one Multicall3 call. web3's contract objects encode it, web3's codec decodes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from eth_typing import ChecksumAddress
from web3 import AsyncHTTPProvider, AsyncWeb3

from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.multicall import AGGREGATE, MULTICALL3
from watcher.units import MAX, WAD

Answer: TypeAlias = tuple[int, ...]  # of getUserAccountData, in its order
FIELDS = ("collateral", "debt", "available", "threshold", "ltv", "health")
NOTHING: Answer = (0, 0, 0, 0, 0, MAX)


class PoolTruth:
    """``truth = PoolTruth(local, owners)`` … ``await truth.at(block_number)`` … ``await truth.close()``"""

    def __init__(self, local: AaveMarket, owners: Sequence[ChecksumAddress]) -> None:
        self._w3 = AsyncWeb3(AsyncHTTPProvider(local.chain.url))
        self._w3.middleware_onion.remove("validation")  # two more requests per call, to a chain that we have started
        asked = [entry for entry in local.pool.abi if entry.get("name") == "getUserAccountData"]
        pool = self._w3.eth.contract(local.pool.address, abi=asked)  # web3 looks through all of an ABI at every call
        multicall = self._w3.eth.contract(MULTICALL3, abi=AGGREGATE)
        calls = [(pool.address, False, pool.encode_abi("getUserAccountData", [who])) for who in owners]
        self._owners = tuple(owners)
        self._data = multicall.encode_abi("aggregate3", [calls])

    async def at(self, number: int) -> dict[ChecksumAddress, Answer]:
        """Every owner's answer at that block."""
        raw = await self._w3.eth.call({"to": MULTICALL3, "data": self._data}, number)
        (rows,) = self._w3.codec.decode(["(bool,bytes)[]"], raw)
        assert len(rows) == len(self._owners)
        assert all(success for success, _ in rows)
        return {who: self._answer(data) for who, (_, data) in zip(self._owners, rows, strict=True)}

    def _answer(self, data: bytes) -> Answer:
        return tuple(self._w3.codec.decode(["uint256"] * 6, data))

    async def close(self) -> None:
        await self._w3.provider.disconnect()


def expected(answer: Answer) -> dict[str, Any]:
    """The contract's answer by the names of the `Valuation` fields that must equal it; nothing owed is no ratio."""
    figures: dict[str, Any] = dict(zip(FIELDS, answer, strict=True))
    return {
        **figures,
        "health": None if answer[5] == MAX else answer[5],
        "liquidatable": answer[5] < WAD,
    }
