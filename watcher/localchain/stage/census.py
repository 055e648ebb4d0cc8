"""What a pool itself says of many accounts at a block: ``getUserAccountData``, asked by a plain AsyncWeb3, many in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress, HexStr
from eth_utils.address import to_checksum_address as checksum
from web3 import AsyncWeb3
from web3.contract.async_contract import AsyncContract

from watcher.errors import AnswerError
from watcher.localchain.multicall import AGGREGATE, MULTICALL3
from watcher.model import PositionKey

PART: Final = 60  # accounts in one call, about 200,000 gas each


@dataclass(frozen=True, slots=True)
class Part:
    """Some of them, and the call that asks for all of these."""

    keys: Sequence[PositionKey]
    data: HexStr


class Census:
    """``rows = await Census(w3, pool, keys).at(number)``"""

    def __init__(self, w3: AsyncWeb3[Any], pool: AsyncContract, keys: Sequence[PositionKey]) -> None:
        self._w3 = w3
        many = w3.eth.contract(MULTICALL3, abi=AGGREGATE)
        self._parts = [
            Part(some, many.encode_abi("aggregate3", [[_asked(pool, key) for key in some]]))
            for some in (keys[first : first + PART] for first in range(0, len(keys), PART))
        ]

    async def at(self, number: int) -> dict[PositionKey, tuple[int, ...]]:
        """The six words about each."""
        found: dict[PositionKey, tuple[int, ...]] = {}
        for part in self._parts:
            answer = await self._w3.eth.call({"to": MULTICALL3, "data": part.data}, number)
            (rows,) = self._w3.codec.decode(["(bool,bytes)[]"], answer)
            for key, (done, row) in zip(part.keys, rows, strict=True):
                if not done:
                    raise AnswerError(f"getUserAccountData of 0x{key.key.hex()} fails at block {number}")
                found[key] = self._w3.codec.decode(["uint256"] * 6, row)
        return found


def _asked(pool: AsyncContract, key: PositionKey) -> tuple[ChecksumAddress, bool, HexStr]:
    return pool.address, False, pool.encode_abi("getUserAccountData", [checksum(key.key)])
