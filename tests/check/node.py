"""A node without a fault, and a chain of which it is the only endpoint. Tests take something away from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiohttp import web

from tests.chain.evm import Evm
from tests.chain.faults import lie
from tests.chain.server import Exchange, Fault, Oops, Scripted, Server, honest, serve
from watcher.chain.multicall import CANONICAL
from watcher.check import Finding, check_chain
from watcher.config import Chain, Endpoint
from watcher.errors import ConfigError


@dataclass
class Sound(Scripted):
    """An archive node with Multicall3 whose newest block is `age` seconds old. `keeps` is how many blocks of state it has."""

    head: int = 20_000
    age: int = 2
    keeps: int | None = None
    multicall: bool = True

    def __post_init__(self) -> None:
        self.newest = int(time.time()) - self.age
        self.call = Evm({}, timestamp=self.newest, multicall=self.multicall)

    def block(self, number: int) -> dict[str, Any] | None:
        found = super().block(number)
        return found and found | {"timestamp": hex(self.newest - 12 * (self.head - number))}

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_getCode" and self.multicall:
            return "0x6001"
        if method == "eth_getBalance" and self.keeps is not None and int(params[1], 16) < self.head - self.keeps:
            raise Oops(-32000, "missing trie node 5f1c (path ) state is not available")
        return await super().answer(method, params)


def arrays_up_to(limit: int) -> Fault:
    """Longer arrays are refused as a whole."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        if isinstance(exchange.asked, list) and len(exchange.asked) > limit:
            refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": f"max batch size is {limit}"}}
            return await lie(lambda _: refusal)(exchange)
        return await honest(exchange)

    return fault


def chain_of(servers: Sequence[Server], **changes: Any) -> Chain:
    """Chain 1 with these servers as endpoints, and no market."""
    facts: dict[str, Any] = {
        "name": "test",
        "id": 1,
        "endpoints": tuple(Endpoint(server.name, server.url) for server in servers),
        "block_time": Decimal(12),
        "finality": 65,
        "stale_head": 300,
        "multicall3": CANONICAL,
    }
    return Chain(**(facts | changes))


def check(*serving: Any, deadline: float = 20.0, **changes: Any) -> tuple[Finding, ...]:
    """All findings about the chain that these servers (``serve(…)``, not entered yet) are the endpoints of."""

    async def story() -> tuple[Finding, ...]:
        async with AsyncExitStack() as stack:
            servers = [await stack.enter_async_context(one) for one in serving]
            return await check_chain(chain_of(servers, **changes), deadline=deadline)

    return asyncio.run(story())


def about(findings: Sequence[Finding], name: str, subject: str = "local") -> tuple[str, str]:
    """(result, detail) of one check of one subject."""
    for one in findings:
        if (one.subject, one.check) == (subject, name):
            return one.result.value, one.verdict.detail
    raise ConfigError(f"no finding {name} about {subject}: {[(f.subject, f.check) for f in findings]}")


def served(node: Scripted | None = None, **options: Any) -> Any:
    return serve(node or Sound(), **options)
