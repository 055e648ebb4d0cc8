"""An open line to one chain: client, web3 and reader made from its configuration, and the block that is meant by a number or a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from watcher.chain.provider import Provider, web3_over
from watcher.chain.reader import Reader
from watcher.chain.rpc import Rpc
from watcher.config import Chain, Config, Origin
from watcher.errors import ConfigError, UsageError
from watcher.model import BlockRef

if TYPE_CHECKING:
    from web3 import AsyncWeb3


@dataclass(frozen=True, slots=True)
class Connection:
    """`reader` asks at one pinned block; `w3` is for `chain.logs`; both go over the one client `rpc`."""

    chain: Chain
    rpc: Rpc
    w3: AsyncWeb3[Provider]
    reader: Reader

    async def block(self, number: int | None = None, before: int | None = None) -> BlockRef:
        """The block with `number`; or the newest one not after `before` (Unix seconds); or the head, which must be fresh enough.

        Raises `StaleHead` for an old head, `UsageError` for a time before the first block, and the endpoint's error where the block
        is not there.
        """
        if number is not None:
            return await self.reader.head(number)
        if before is None:
            return await self.reader.head()
        return await self._not_after(before)

    async def _not_after(self, time: int) -> BlockRef:
        """Bisection between two known blocks, each next guess by the pace between them, so that a steady chain takes few calls."""
        high = await self.reader.head("latest")
        if high.timestamp <= time:
            return high
        low = await self.reader.head(0)
        if low.timestamp > time:
            raise UsageError(
                f"{self.chain.name} had no block at that time; its first is of {low.timestamp} (Unix seconds)"
            )
        halve = False
        while high.number - low.number > 1:
            span = high.number - low.number
            guess = low.number + (
                span // 2 if halve else span * (time - low.timestamp) // (high.timestamp - low.timestamp)
            )
            middle = await self.reader.head(min(max(guess, low.number + 1), high.number - 1))
            halve = not halve
            if middle.timestamp <= time:
                low = middle
            else:
                high = middle
        return low


@asynccontextmanager
async def connect(chain: Chain) -> AsyncIterator[Connection]:
    """A connection to `chain`; `ConfigError` when no endpoint is known for it. Nothing is asked before the first read."""
    if not chain.endpoints:
        raise ConfigError(f"no endpoint is known for {chain.name}: give one with --rpc URL or WATCHER_RPC_{chain.id}")
    async with Rpc(chain.endpoints, chain.id) as rpc:
        w3 = web3_over(rpc)
        reader = Reader(w3, multicall=chain.multicall3, stale_after=chain.stale_head)
        yield Connection(chain, rpc, w3, reader)


async def placed(config: Config) -> Config:
    """`config` with every endpoint that was given without a chain put where its own eth_chainId says.

    With --rpc only the chains of those endpoints are meant and the others are left out; ETH_RPC_URL only adds an endpoint.
    """
    flagged: set[int] = set()
    for endpoint in config.unplaced:
        async with Rpc([endpoint]) as rpc:
            chain = await rpc.verify()
        config = config.place(endpoint, chain)
        if endpoint.origin is Origin.FLAG:
            flagged.add(chain)
    return replace(config, chains=tuple(chain for chain in config.chains if not flagged or chain.id in flagged))


def only(config: Config, names: Sequence[str]) -> Config:
    """`config` narrowed to the markets called `names`, and to the chains they are on; all of it when there are none."""
    if not names:
        return config
    markets = [config.market(name) for name in names]
    chains = tuple(
        replace(chain, markets=found, singletons=())
        for chain in config.chains
        if (found := tuple(market for market in markets if market.chain == chain.id))
    )
    return replace(config, chains=chains)
