"""A WebSocket on this machine that announces heads as it is told, and misbehaves where it is told to.

    async with announcing(story) as server: ...

`story` is what one connection does once it is open; the next connection does the next story, and the last one goes on for ever.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.chain.server import Scripted
from watcher.chain.endpoint import Endpoint

SUBSCRIPTION = "0x9ce59a13059e417087c02d3236a0b1cc"


@dataclass
class Wire:
    """One connection, from the server's side."""

    socket: web.WebSocketResponse
    chain: Scripted

    async def asked(self) -> dict[str, Any]:
        message = await self.socket.receive()
        assert message.type is WSMsgType.TEXT, message
        found: dict[str, Any] = json.loads(message.data)
        return found

    async def send(self, value: Any) -> None:
        await self.socket.send_str(value if isinstance(value, str) else json.dumps(value))

    async def answer(self, **members: Any) -> None:
        """Answers the next request; `members` replace what would be right."""
        asked = await self.asked()
        right = hex(self.chain.chain_id) if asked["method"] == "eth_chainId" else SUBSCRIPTION
        if asked["method"] == "eth_subscribe":
            assert asked["params"] == ["newHeads"]
        reply = {"jsonrpc": "2.0", "id": asked["id"], "result": right} | members
        await self.send({name: value for name, value in reply.items() if value is not None})

    async def opened(self) -> None:
        """The chain id and the subscription, both as they should be."""
        await self.answer()
        await self.answer()

    async def head(self, number: int, /, *, of: str = SUBSCRIPTION, **members: Any) -> None:
        block = (self.chain.block(number) or {}) | members
        params = {"subscription": of, "result": block}
        await self.send({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})

    async def hold(self) -> None:
        """Says nothing more until the other side leaves."""
        await self.socket.receive()


Story = Callable[[Wire], Awaitable[None]]


@dataclass
class Announcer:
    stories: list[Story]
    chain: Scripted
    url: str = ""
    connections: int = 0
    elsewhere: int = 0  # requests that came to another path
    open: set[web.WebSocketResponse] = field(default_factory=set)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("node", self.url)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        story = self.stories[min(self.connections, len(self.stories) - 1)]
        self.connections += 1
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        self.open.add(socket)
        try:
            await story(Wire(socket, self.chain))
        finally:
            self.open.discard(socket)
            await socket.close()
        return socket

    async def other(self, request: web.Request) -> web.StreamResponse:
        self.elsewhere += 1
        return web.Response(text="nothing here")


@asynccontextmanager
async def announcing(
    *stories: Story, chain: Scripted | None = None, path: str = "/", instead: web.Response | None = None
) -> AsyncIterator[Announcer]:
    """`instead` is what is answered in place of a WebSocket."""
    server = Announcer(list(stories), chain or Scripted())

    async def refuse(request: web.Request) -> web.StreamResponse:
        server.connections += 1
        assert instead is not None
        return web.Response(status=instead.status, headers=instead.headers)

    app = web.Application()
    app.router.add_get(path, server.serve if instead is None else refuse)
    app.router.add_route("*", "/{any:.*}", server.other)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"ws://127.0.0.1:{runner.addresses[0][1]}{path}"
    try:
        yield server
    finally:
        for socket in set(server.open):
            await socket.close()
        await asyncio.sleep(0)
        await runner.cleanup()
