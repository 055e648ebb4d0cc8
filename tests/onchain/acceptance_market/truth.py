"""What the real pool answers about thousands of accounts, by a plain AsyncWeb3: nothing of our reader, codec or adapters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_typing import ChecksumAddress
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.acceptance.truth import Answer
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.multicall import AGGREGATE, MULTICALL3

AT_ONCE: Final = 250  # in one Multicall3 call


class Pool:
    """``pool = Pool(local)`` … ``await pool.at(number, owners)`` … ``await pool.close()``"""

    def __init__(self, local: AaveMarket) -> None:
        self._w3 = AsyncWeb3(AsyncHTTPProvider(local.chain.url))
        self._w3.middleware_onion.remove("validation")  # two more requests per call, to a chain that we have started
        asked = [entry for entry in local.pool.abi if entry.get("name") == "getUserAccountData"]
        self._pool = self._w3.eth.contract(local.pool.address, abi=asked)
        self._multicall = self._w3.eth.contract(MULTICALL3, abi=AGGREGATE)
        self._chunks: dict[tuple[ChecksumAddress, ...], str] = {}

    async def at(self, number: int, owners: Sequence[ChecksumAddress]) -> dict[ChecksumAddress, Answer]:
        """Every owner's `getUserAccountData` at that block."""
        found: dict[ChecksumAddress, Answer] = {}
        for start in range(0, len(owners), AT_ONCE):
            chunk = tuple(owners[start : start + AT_ONCE])
            raw = await self._w3.eth.call({"to": MULTICALL3, "data": self._data(chunk)}, number)  # type: ignore[typeddict-item]
            (rows,) = self._w3.codec.decode(["(bool,bytes)[]"], raw)
            assert len(rows) == len(chunk)
            assert all(success for success, _ in rows)
            found |= {
                who: tuple(self._w3.codec.decode(["uint256"] * 6, data))
                for who, (_, data) in zip(chunk, rows, strict=True)
            }
        return found

    def _data(self, chunk: tuple[ChecksumAddress, ...]) -> str:
        """web3 takes three milliseconds to encode a call: once for each account is enough."""
        if chunk not in self._chunks:
            calls = [(self._pool.address, False, self._pool.encode_abi("getUserAccountData", [who])) for who in chunk]
            self._chunks[chunk] = str(self._multicall.encode_abi("aggregate3", [calls]))
        return self._chunks[chunk]

    async def close(self) -> None:
        await self._w3.provider.disconnect()
