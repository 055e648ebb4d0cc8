"""Endpoints within this process: what the client posts is answered here, by a node that has its faults, without a socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp

from tests.chain.server import FakeClock, Oops
from tests.simulation.world import View
from watcher.chain.rpc import Rpc
from watcher.config import Chain
from watcher.connection import Connection, over

Lie = Callable[[dict[str, Any]], dict[str, Any]]

# What is said in place of the honest reply: each of these shows that the endpoint cannot be trusted, or is no reply at all.
LIES: dict[str, Lie] = {
    "another id": lambda reply: reply | {"id": reply["id"] + 1},
    "no id": lambda reply: {name: value for name, value in reply.items() if name != "id"},
    "both": lambda reply: reply | {"result": "0x1", "error": {"code": 1, "message": "and an error"}},
    "neither": lambda reply: {"jsonrpc": "2.0", "id": reply["id"]},
    "nonsense": lambda reply: reply | {"result": {"number": "0xzz"}},
}
FAILURES = ("refused", "late", "cut", "garbage", "limited", "broken", "busy")


@dataclass
class Gate:
    """The way to one endpoint. `fault` is empty, one of `FAILURES` or one of `LIES`; `share` of the requests meet it."""

    view: View
    fault: str = ""
    asked: int = 0
    every: int = 1  # of so many requests one meets the fault

    async def reply(self, body: bytes) -> tuple[int, bytes]:
        self.asked += 1
        fault = self.fault if self.asked % self.every == 0 else ""
        if fault == "refused":
            raise aiohttp.ClientConnectionError
        if fault == "late":
            raise TimeoutError
        if fault == "limited":
            return 429, b"slow down"
        if fault == "broken":
            return 502, b"<html>bad gateway</html>"
        calls = json.loads(body)
        batch = isinstance(calls, list)
        replies = [await self._one(call, fault) for call in (calls if batch else [calls])]
        raw = json.dumps(replies if batch else replies[0]).encode()
        if fault == "garbage":
            return 200, raw[::-1]
        return 200, raw[: len(raw) // 2] if fault == "cut" else raw

    async def _one(self, call: dict[str, Any], fault: str) -> dict[str, Any]:
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            reply |= {"result": await self.view.answer(call["method"], call["params"])}
        except Oops as error:
            reply |= {"error": error.member}
        if fault == "busy":
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32000, "message": "server is busy"}}
        return LIES[fault](reply) if fault in LIES else reply


@dataclass
class Content:
    raw: bytes

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        for start in range(0, len(self.raw), size):
            yield self.raw[start : start + size]


@dataclass
class Response:
    status: int
    content: Content
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Wires:
    """Stands where the client has its HTTP session."""

    gates: dict[str, Gate]  # by URL
    closed: bool = False

    @asynccontextmanager
    async def post(self, url: str, *, data: bytes, **_: Any) -> AsyncIterator[Response]:
        status, raw = await self.gates[url].reply(data)
        yield Response(status, Content(raw))

    async def close(self) -> None:
        self.closed = True


def line(chain: Chain, gates: dict[str, Gate], clock: FakeClock) -> Connection:
    """A connection as `connect` makes it, over these wires and on this clock."""
    rpc = Rpc(chain.endpoints, chain.id, clock=clock)
    rpc._shared.session = cast(Any, Wires(gates))
    return over(chain, rpc)
