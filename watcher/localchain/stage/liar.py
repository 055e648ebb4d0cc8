"""An endpoint between client and node that is honest until it is told to lie: then one reply is an old one, from before the price fell.

What a broken cache does: well-formed, plausible, and the answer to another question.
"""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from watcher.localchain.anvil import HOST

FORWARDED = aiohttp.ClientTimeout(total=30)  # seconds


class Liar:
    """``async with Liar(node_url) as liar: … liar.lie_once()``. `lies` counts what it has told.

    `stall` makes it silent at the next contract call, until `resume`; `stalled` says that somebody waits for it, in the middle of a
    reading.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._old: bytes | None = None  # the last reply to a contract call
        self._armed = False
        self._open = asyncio.Event()
        self._open.set()
        self.stalled = asyncio.Event()
        self.lies = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=FORWARDED)
        application = web.Application(client_max_size=1 << 26)
        application.router.add_post("/", self._answer)
        self._runner = web.AppRunner(application, handle_signals=False, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resume()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def lie_once(self) -> None:
        """The next contract call gets the reply that the last one got."""
        self._armed = True

    def stall(self) -> None:
        self._open.clear()
        self.stalled.clear()

    def resume(self) -> None:
        self._open.set()

    async def _answer(self, request: web.Request) -> web.Response:
        assert self._session is not None
        body = await request.read()
        calls = _calls_a_contract(body)
        if calls and not self._open.is_set():
            self.stalled.set()
            await self._open.wait()
        if calls and self._armed and self._old is not None:
            self._armed = False
            self.lies += 1
            return web.Response(body=self._old, content_type="application/json")
        async with self._session.post(self._node, data=body, headers={"Content-Type": "application/json"}) as reply:
            truth = await reply.read()
        if calls:
            self._old = truth
        return web.Response(body=truth, status=reply.status, content_type="application/json")


def _calls_a_contract(body: bytes) -> bool:
    asked = json.loads(body)
    return any(one["method"] == "eth_call" for one in (asked if isinstance(asked, list) else [asked]))
