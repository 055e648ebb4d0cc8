"""A local Comet as a test sees it: our readings through the product's reader, and what plain web3 is told with the twin's own ABI."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from watcher.adapter import Which
from watcher.adapters.compound_v3 import ADAPTER
from watcher.adapters.compound_v3.facts import Holding, Quote, Terms
from watcher.chain.reader import Reader
from watcher.localchain.comet import CometChain, LocalComet
from watcher.localchain.scenario import account
from watcher.model import BlockRef, Moment, PositionKey, Valuation

ABSORBER = account("absorber")  # holds nothing: absorbing costs nothing
NOT_LIQUIDATABLE, PAUSED = "NotLiquidatable()", "Paused()"


@dataclass(frozen=True, slots=True)
class View:
    """One market at one block, as we read it."""

    block: BlockRef
    terms: Terms
    quote: Quote  # as stored
    holdings: Mapping[str, Holding]  # by owner

    def accrued(self, at: Moment | None = None, which: Which = Which.ALL) -> Quote:
        return ADAPTER.accrue(self.terms, self.quote, at or self.block, which)

    def value(self, who: str, quote: Quote | None = None) -> Valuation:
        return ADAPTER.value(self.terms, quote or self.accrued(), self.holdings[who])


class Scene:
    """Questions to one Comet, ours and plain ones."""

    def __init__(self, local: LocalComet, w3: AsyncWeb3[Any]) -> None:
        self.local, self.w3, self.reader = local, w3, Reader(w3)
        self.comet = w3.eth.contract(local.comet.address, abi=local.comet.abi)
        self.errors = {
            w3.keccak(text=f"{entry['name']}()")[:4].hex(): f"{entry['name']}()"
            for entry in local.comet.abi
            if entry["type"] == "error"
        }

    def keys(self, owners: Sequence[str]) -> list[PositionKey]:
        return [PositionKey(self.local.name, bytes.fromhex(owner[2:])) for owner in owners]

    async def view(self, owners: Sequence[str], terms: Terms | None = None) -> View:
        """At the newest block."""
        block = await self.reader.head()
        if terms is None:
            terms = await self.reader.run(ADAPTER.terms(self.local.market()), block)
        quote = await self.reader.run(ADAPTER.quote(terms), block)
        holdings = await self.reader.run(ADAPTER.holdings(terms, self.keys(owners)), block)
        return View(block, terms, quote, dict(zip(owners, holdings.values(), strict=True)))

    async def told(self, block: int, *calls: tuple[str, Sequence[Any]]) -> list[Any]:
        """What the contract answers, call by call; the error's name where it reverts with one."""
        answers = await self.raw(block, calls)
        return [
            self.error(answer) if "error" in answer else self.decoded(name, answer["result"])
            for (name, _), answer in zip(calls, answers, strict=True)
        ]

    async def raw(self, block: int, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        asked = [
            (
                RPCEndpoint("eth_call"),
                [
                    {"from": ABSORBER, "to": self.local.comet.address, "data": self.comet.encode_abi(name, list(args))},
                    hex(block),
                ],
            )
            for name, args in calls
        ]
        answers: Any = await self.w3.provider.make_batch_request(asked) if asked else []
        return list(answers)

    def decoded(self, name: str, answer: str) -> Any:
        return self.local.comet.decode(name, bytes.fromhex(answer[2:]))

    def error(self, answer: Any) -> str:
        data = str(answer["error"].get("data") or "0x")
        return self.errors.get(data[2:10], data)

    async def absorbable(self, block: int, owners: Sequence[str]) -> list[bool | str]:
        """The verdict of simulated `absorb`s: True, False for the contract's own refusal of a healthy account, else the error."""
        answers = await self.raw(block, [("absorb", (ABSORBER, [owner])) for owner in owners])
        errors = [self.error(answer) if "error" in answer else "" for answer in answers]
        return [{"": True, NOT_LIQUIDATABLE: False}.get(error, error) for error in errors]


def play(local: LocalComet, story: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        w3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(local.chain.url))
        try:
            await story(Scene(local, w3))
        finally:
            await w3.provider.disconnect()

    asyncio.run(run())


def everywhere(world: CometChain, story: Callable[[Scene], Awaitable[None]]) -> None:
    """The same story on every Comet."""
    for local in world.all():
        play(local, story)
