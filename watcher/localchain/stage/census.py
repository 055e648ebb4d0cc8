"""What the pool itself says of everybody in the crowd at a block: ``getUserAccountData``, many in one call of a plain AsyncWeb3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from eth_typing import ChecksumAddress, HexStr
from eth_utils.address import to_checksum_address as checksum
from web3 import AsyncWeb3
from web3.contract.async_contract import AsyncContract

from watcher.errors import AnswerError
from watcher.localchain.multicall import AGGREGATE, MULTICALL3
from watcher.localchain.stage.margin import Margin
from watcher.model import PositionKey
from watcher.units import MAX, WAD

PART: Final = 60  # accounts in one call, about 200,000 gas each


@dataclass(frozen=True, slots=True)
class Part:
    """Some of them, and the call that asks for all of these."""

    keys: tuple[PositionKey, ...]
    data: HexStr


class Census:
    """``await Census(w3, pool, who).at(number)``; `who` says of each position whether its collateral and debt move together."""

    def __init__(self, w3: AsyncWeb3[Any], pool: AsyncContract, who: Mapping[PositionKey, bool]) -> None:
        self._w3, self._who = w3, who
        many = w3.eth.contract(MULTICALL3, abi=AGGREGATE)
        keys = tuple(who)
        self._parts = [
            Part(some, many.encode_abi("aggregate3", [[_asked(pool, key) for key in some]]))
            for some in (keys[first : first + PART] for first in range(0, len(keys), PART))
        ]

    async def at(self, number: int) -> dict[PositionKey, Margin]:
        """By level alone: what time does to them is not asked."""
        found: dict[PositionKey, Margin] = {}
        for part in self._parts:
            answer = await self._w3.eth.call({"to": MULTICALL3, "data": part.data}, number)
            (rows,) = self._w3.codec.decode(["(bool,bytes)[]"], answer)
            for key, (done, row) in zip(part.keys, rows, strict=True):
                if not done:
                    raise AnswerError(f"getUserAccountData of 0x{key.key.hex()} fails at block {number}")
                found[key] = self._margin(key, self._w3.codec.decode(["uint256"] * 6, row)[5])
        return found

    def _margin(self, key: PositionKey, health: int) -> Margin:
        exact = None if health == MAX else Fraction(health, WAD)
        return Margin(exact, health < WAD, frozenset() if self._who[key] else None)


def _asked(pool: AsyncContract, key: PositionKey) -> tuple[ChecksumAddress, bool, HexStr]:
    return pool.address, False, pool.encode_abi("getUserAccountData", [checksum(key.key)])
