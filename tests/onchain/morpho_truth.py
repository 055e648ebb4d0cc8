"""What Morpho itself answers, asked by a plain AsyncWeb3 with the package's own ABI: not by our reader, codec or adapter.

Morpho has no view of interest up to now. Its own `repay` of all of an account's shares, simulated, answers what is owed after accrual;
`accrueInterest` and `market` inside one simulated transaction answer the totals; `liquidate`, simulated by somebody who can pay, is the
verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from watcher.localchain.morpho import MorphoChain, MorphoMarket
from watcher.localchain.multicall import AGGREGATE, MULTICALL3
from watcher.localchain.scenario import account, fund

PAYER = account("payer")  # rich and approved
ERROR = "0x08c379a0"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A simulated call of Morpho: what it returned, or the reason of its revert."""

    answer: tuple[int, ...] | None
    reason: str


class Truth:
    def __init__(self, world: MorphoChain) -> None:
        self.world = world
        self.w3 = AsyncWeb3(AsyncHTTPProvider(world.chain.url))
        self.morpho = self.w3.eth.contract(world.morpho.address, abi=world.morpho.abi)
        self._encoded: dict[str, str] = {}
        self.multicall = self.w3.eth.contract(MULTICALL3, abi=AGGREGATE)

    async def close(self) -> None:
        await self.w3.provider.disconnect()

    async def totals(self, market: MorphoMarket, block: int) -> tuple[int, ...]:
        """`market(id)` after `accrueInterest` at this block's time: assets and shares supplied, assets and shares borrowed, time, fee."""
        calls = [
            (self.morpho.address, False, self.morpho.encode_abi("accrueInterest", [market.params])),
            (self.morpho.address, False, self.morpho.encode_abi("market", [market.id])),
        ]
        rows = await self.multicall.functions.aggregate3(calls).call(block_identifier=block)
        return tuple(decode(["uint128"] * 6, rows[1][1]))

    async def stored(self, market: MorphoMarket) -> tuple[int, ...]:
        return tuple(await self.morpho.functions.market(market.id).call())

    async def position(self, market: MorphoMarket, who: str) -> tuple[int, ...]:
        """Supply shares, borrow shares, collateral."""
        return tuple(await self.morpho.functions.position(market.id, who).call())

    async def prepare(self) -> None:
        """Make the payer able to pay for everything."""
        for token in self.world.tokens.values():
            await fund(token, PAYER, 10**40, self.morpho.address)

    async def owed(self, market: MorphoMarket, who: Sequence[tuple[str, int]], block: int) -> list[Verdict]:
        """What repaying all of these (account, shares) would cost."""
        return await self._simulated(
            block, [("repay", [market.params, 0, shares, owner, b""]) for owner, shares in who]
        )

    async def liquidations(self, market: MorphoMarket, who: Sequence[str], block: int) -> list[Verdict]:
        """A liquidation of one share of each account."""
        return await self._simulated(block, [("liquidate", [market.params, owner, 0, 1, b""]) for owner in who])

    def _data(self, function: str, args: list[Any]) -> str:
        """Encoded by web3 once: the same questions are asked at every block."""
        key = f"{function}{args}"
        if key not in self._encoded:
            self._encoded[key] = self.morpho.encode_abi(function, args)
        return self._encoded[key]

    async def _simulated(self, block: int, calls: Sequence[tuple[str, list[Any]]]) -> list[Verdict]:
        if not calls:
            return []
        asked = [
            (
                RPCEndpoint("eth_call"),
                [{"from": PAYER, "to": self.morpho.address, "data": self._data(*call)}, hex(block)],
            )
            for call in calls
        ]
        answers: Any = await self.w3.provider.make_batch_request(asked)
        return [_verdict(answer) for answer in answers]


@cache
def _text(data: str) -> str:
    """The reason in revert data, or the data itself."""
    return str(decode(["string"], bytes.fromhex(data[10:]))[0]) if data.startswith(ERROR) else data


def _verdict(answer: Any) -> Verdict:
    if "result" in answer:
        words = bytes.fromhex(answer["result"][2:])
        return Verdict((int.from_bytes(words[:32], "big"), int.from_bytes(words[32:], "big")), "")
    return Verdict(None, _text(answer["error"].get("data") or "0x"))
