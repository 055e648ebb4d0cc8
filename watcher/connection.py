"""An open line to one chain: client, web3 and reader made from its configuration, and the block that is meant by a number or a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from watcher.chain.agreement import Agreed, agreed
from watcher.chain.provider import Provider, web3_over
from watcher.chain.reader import Reader
from watcher.chain.rpc import Rpc
from watcher.config import Chain, Config, Origin
from watcher.config.chain import Endpoint
from watcher.errors import ConfigError, EndpointError, StaleHead, Transient, UsageError
from watcher.model import BlockRef

if TYPE_CHECKING:
    from web3 import AsyncWeb3


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Connection:
    """`reader` asks at one pinned block; `w3` is for `chain.logs`; both go over the one client `rpc`."""

    chain: Chain
    rpc: Rpc
    reader: Reader

    @property
    def w3(self) -> AsyncWeb3[Provider]:
        """Made when it is asked for: an `AsyncWeb3` costs more than reading a market, and few lines need one."""
        return web3_over(self.rpc)

    async def block(self, number: int | None = None, before: int | None = None) -> BlockRef:
        """The block with `number`; or the newest one not after `before` (Unix seconds); or the head, which must be fresh enough.

        Raises `StaleHead` for an old head, `UsageError` for a time before the first block, and the endpoint's error where the block
        is not there.
        """
        if number is not None:
            return await self.reader.head(number)
        head = await self.reader.head()
        return head if before is None else await self._not_after(before, head)

    async def pin(self, number: int | None = None, before: int | None = None) -> Pin:
        """As `block`, but by the majority of up to three endpoints, with the line that is left over those which hold it.

        Raises `ChainError` where they hold different blocks.
        """
        groups, limit, now = self.groups(), float(self.chain.stale_head), time.time()
        if number is not None:
            return self._pinned(await agreed(self.rpc, self.chain.id, groups, number))
        if before is None:
            return self._pinned(await agreed(self.rpc, self.chain.id, groups, limit=limit, now=now))
        head = self._pinned(await agreed(self.rpc, self.chain.id, groups))
        block = await head.line._not_after(before, head.block)
        if block != head.block:
            found = head.line._pinned(await agreed(head.line.rpc, self.chain.id, [head.holders], block.number))
            return replace(found, notes=tuple(dict.fromkeys((*head.notes, *found.notes))))
        if now - block.timestamp > limit:
            age = f"{now - block.timestamp:.0f} s old"
            raise StaleHead(
                f"the newest block of {self.chain.name}, {block.number}, is {age}; ask for an earlier time with --block"
            )
        return head

    def through(self, *names: str) -> Connection:
        """The same line over these endpoints and no other, in this order. What it learns about them it keeps to itself."""
        return over(self.chain, self.rpc.only(*names))

    def groups(self) -> list[tuple[str, ...]]:
        """The endpoints by where they were named: whoever names one of their own does not want it outvoted by public ones."""
        known = [endpoint for endpoint in self.chain.endpoints if endpoint.name in self.rpc.endpoints]
        return [tuple(e.name for e in some) for _, some in groupby(known, lambda endpoint: endpoint.origin)]

    def _pinned(self, found: Agreed) -> Pin:
        """Endpoints that were not asked for their head stay as reserves: one that answers for a block's hash holds that block."""
        reserves = [name for name in self.rpc.endpoints if name not in (*found.holders, *found.apart)]
        notes = found.notes
        if not any(found.holders[0] in names for names in self.groups()[:1]):
            notes = (*notes, f"{', '.join(found.holders)} asked instead: they learn the addresses")
        return Pin(self.through(*found.holders, *reserves), found.block, found.holders, notes)

    async def _not_after(self, moment: int, high: BlockRef) -> BlockRef:
        """As `between`, from the chain's first block on."""
        if high.timestamp <= moment:
            return high
        low = await self.reader.head(0)
        if low.timestamp > moment:
            first = datetime.fromtimestamp(low.timestamp, UTC)
            raise UsageError(
                f"{self.chain.name} had no block at that time; its first is of {first:%Y-%m-%d %H:%M:%S} UTC"
            )
        return await self.between(moment, low, high)

    async def between(self, moment: int, low: BlockRef, high: BlockRef) -> BlockRef:
        """The newest block not after `moment` (Unix seconds) from `low`, which is not after it, to `high`.

        Bisection, each next guess by the pace between the two, so that a steady chain takes few calls.
        """
        if high.timestamp <= moment:
            return high
        halve = False
        while high.number - low.number > 1:
            span = high.number - low.number
            guess = low.number + (
                span // 2 if halve else span * (moment - low.timestamp) // (high.timestamp - low.timestamp)
            )
            middle = await self.reader.head(min(max(guess, low.number + 1), high.number - 1))
            halve = not halve
            if middle.timestamp <= moment:
                low = middle
            else:
                high = middle
        return low


@dataclass(frozen=True, slots=True)
class Pin:
    """The block that a reading is for. `line` asks its `holders` first; `notes` say what was wrong with other endpoints."""

    line: Connection
    block: BlockRef
    holders: tuple[str, ...]
    notes: tuple[str, ...]


@asynccontextmanager
async def connect(chain: Chain) -> AsyncIterator[Connection]:
    """A connection to `chain`; `ConfigError` when no endpoint is known for it. Nothing is asked before the first read."""
    if not chain.endpoints:
        raise ConfigError(f"no endpoint is known for {chain.name}: give one with --rpc URL or WATCHER_RPC_{chain.id}")
    async with Rpc(chain.endpoints, chain.id) as rpc:
        yield over(chain, rpc)


def over(chain: Chain, rpc: Rpc) -> Connection:
    """A connection to `chain` over a client that is there already, with its transport and its clock; whoever made it closes it."""
    return Connection(chain, rpc, Reader(rpc, multicall=chain.multicall3, stale_after=chain.stale_head))


GIVEN = {Origin.FLAG: "--rpc", Origin.FOUNDRY_VARIABLE: "ETH_RPC_URL"}


async def placed(config: Config) -> Config:
    """`config` with every endpoint that was given without a chain put where its own eth_chainId says.

    With --rpc only the chains of those endpoints are meant and the others are left out; ETH_RPC_URL only adds an endpoint. One of --rpc
    that does not answer is an `EndpointError`; one of the environment is passed over, as a dead WATCHER_RPC_<chain id> is, and a warning
    says so and who is asked in its place.
    """
    answers = await asyncio.gather(*(_chain_of(endpoint) for endpoint in config.unplaced))
    flagged: set[int] = set()
    for endpoint, chain in zip(config.unplaced, answers, strict=True):
        if isinstance(chain, EndpointError):
            if endpoint.origin is Origin.FLAG:
                raise chain
            log.warning("%s; the other endpoints are asked instead: they learn what you ask for", chain)
            config = replace(config, unplaced=tuple(one for one in config.unplaced if one != endpoint))
            continue
        config = config.place(endpoint, chain)
        if endpoint.origin is Origin.FLAG:
            flagged.add(chain)
    return replace(config, chains=tuple(chain for chain in config.chains if not flagged or chain.id in flagged))


async def _chain_of(endpoint: Endpoint) -> int | EndpointError:
    async with Rpc([endpoint]) as rpc:
        try:
            return await rpc.verify()
        except EndpointError as error:
            given = GIVEN.get(endpoint.origin, "the configuration")
            return Transient(endpoint.name, f"{error.reason}; it was named by {given}: correct it, or leave it out")


def only(config: Config, names: Sequence[str]) -> Config:
    """`config` narrowed to the markets called `names`, and to the chains they are on; all of it when there are none."""
    if not names:
        return config
    markets = [config.market(name) for name in names]
    chains = tuple(
        replace(chain, markets=found, singletons=(), registries=())
        for chain in config.chains
        if (found := tuple(market for market in markets if market.chain == chain.id))
    )
    return replace(config, chains=chains)
