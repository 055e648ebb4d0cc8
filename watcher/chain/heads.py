"""New heads as endpoints announce them over a WebSocket: hints that it is worth to look, and nothing more.

What an announcement says is never read as a fact: whoever is told looks at the chain as without it. So a server that lies, repeats
itself or is silent can cost a look too many, and no look that was due anyway.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from eth_typing import HexStr

from watcher.chain.answers import Malformed, quantity, word
from watcher.chain.clock import Clock
from watcher.chain.endpoint import Endpoint
from watcher.chain.node import allowed, broken
from watcher.chain.parse import BadEnvelope, NotEnvelope, NotJson, decode, envelope
from watcher.chain.redact import secrets_of, shown
from watcher.errors import EndpointError, Lying, Refused, Transient

log = logging.getLogger(__name__)

CAP: Final = 131_072  # bytes of one message; a header is two thousand
OPENING: Final = 10.0  # seconds until there is a subscription
HEARTBEAT: Final = 20.0  # seconds between two pings; half of that until the pong
CLOSING: Final = 1.0  # seconds for the other side to say goodbye
PAUSES: Final = (1.0, 60.0)  # seconds before the next try: the first, and the longest, twice as long each time


@dataclass(frozen=True, slots=True)
class Head:
    """A block that an endpoint calls its newest."""

    number: int
    hash: HexStr


class Redirected(aiohttp.ClientError):
    """The server wants to be asked elsewhere."""


class Heads:
    """``await Heads(endpoints, 1, told, silence=60).run()``: one connection at a time, the next address where one fails.

    `told` is called for every head that is not the one before it. `silence` is in seconds: a server that announces nothing new for so
    long is left. `plain` allows ws to other machines. Raises `ConfigError` for an address that may not be asked at all.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        chain_id: int,
        told: Callable[[Head], object],
        *,
        silence: float,
        plain: bool = False,
        clock: Clock | None = None,
    ) -> None:
        for endpoint in endpoints:
            allowed(endpoint, plain, "wss")
        self._endpoints = tuple(endpoints)
        self._chain_id, self._told, self._silence = chain_id, told, silence
        self._clock = clock or Clock()
        self._well = True  # what failed since a head came was not said yet

    async def run(self) -> None:
        """Until cancelled, or until every address has lied: that one is not asked again in this run."""
        lied: set[str] = set()
        first, longest = PAUSES
        pause = first
        for endpoint in cycle(self._endpoints):
            if len(lied) == len(self._endpoints):
                return
            if endpoint.url in lied:
                continue
            began = self._clock.now()
            try:
                await self._listen(endpoint)
            except EndpointError as error:
                self._failed(error)
                if isinstance(error, Lying):
                    lied.add(endpoint.url)
            if self._clock.now() - began > longest:
                pause = first
            await self._clock.sleep(pause)
            pause = min(2 * pause, longest)

    def _failed(self, error: EndpointError) -> None:
        """Said once, until there are heads again."""
        level = logging.WARNING if self._well or isinstance(error, Lying) else logging.DEBUG
        self._well = False
        log.log(level, "%s; heads are asked for instead", error)

    async def _listen(self, endpoint: Endpoint) -> None:
        """Tells heads until something is wrong, which it raises as an `EndpointError`."""
        line = Line(endpoint)
        try:
            async with aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[refusing_redirects()]
            ) as session:
                async with asyncio.timeout(OPENING):
                    socket = await session.ws_connect(
                        endpoint.url,
                        max_msg_size=CAP,
                        heartbeat=HEARTBEAT,
                        timeout=aiohttp.ClientWSTimeout(ws_close=CLOSING),
                    )
                try:
                    async with asyncio.timeout(OPENING):
                        subscription = await line.subscribed(socket, self._chain_id)
                    await self._tell(line, socket, subscription)
                finally:
                    await socket.close()
        except TimeoutError:
            raise Transient(endpoint.name, f"no subscription to new heads within {OPENING:g} s") from None
        except Redirected:
            raise Refused(endpoint.name, "answers with a redirect, which is never followed", 0) from None
        except aiohttp.WSServerHandshakeError as error:
            raise Refused(endpoint.name, f"serves no WebSocket here (HTTP {error.status})", error.status) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Transient(endpoint.name, shown(broken(error), line.secrets)) from None

    async def _tell(self, line: Line, socket: aiohttp.ClientWebSocketResponse, subscription: str) -> None:
        last: Head | None = None
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(heard + self._silence):
                    head = line.head(await line.message(socket), subscription)
            except TimeoutError:
                raise Transient(line.name, f"has announced no new head for {self._silence:g} s") from None
            if last is None or head.hash != last.hash:
                last, heard, self._well = head, loop.time(), True
                self._told(head)


class Line:
    """What is said over one connection, checked. A server that says what was not asked is `Lying`; one that breaks off is `Transient`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.name = endpoint.name
        self.secrets = secrets_of(endpoint.url)

    async def subscribed(self, socket: aiohttp.ClientWebSocketResponse, chain_id: int) -> str:
        """The id of a subscription to new heads, of the right chain."""
        try:
            found = quantity(await self._asked(socket, 1, "eth_chainId", []), "eth_chainId")
            if found != chain_id:
                raise Lying(self.name, f"is on chain {found}, not on {chain_id}; check its URL")
            subscription = await self._asked(socket, 2, "eth_subscribe", ["newHeads"])
        except Malformed as error:
            raise Lying(self.name, str(error)) from None
        if not isinstance(subscription, str) or not 0 < len(subscription) <= 100:
            raise Lying(self.name, "eth_subscribe: the subscription has no id")
        return subscription

    async def _asked(self, socket: aiohttp.ClientWebSocketResponse, id: int, method: str, params: list[str]) -> Any:
        await socket.send_str(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
        while True:
            value = await self.message(socket)
            if isinstance(value, dict) and "method" in value:
                continue  # an announcement before the answer that it belongs to
            try:
                reply = envelope(value)
            except (NotEnvelope, BadEnvelope) as error:
                raise Lying(self.name, f"{method}: {error}") from None
            if reply.fault is not None and reply.id in (None, id):
                reason = shown(f"{method}: {reply.fault.message or 'refused without a reason'}", self.secrets)
                raise Refused(self.name, reason, reply.fault.code)
            if reply.id != id:
                raise Lying(self.name, f"{method}: the answer's id is not the one that was sent")
            return reply.result

    async def message(self, socket: aiohttp.ClientWebSocketResponse) -> Any:
        """The JSON of the next message. Raises `Transient` for anything else, and for the end of the connection."""
        frame = await socket.receive()
        if frame.type is aiohttp.WSMsgType.TEXT:
            try:
                return decode(frame.data.encode())
            except NotJson as error:
                raise Transient(self.name, f"its WebSocket sends what is {error}") from None
        if frame.type is aiohttp.WSMsgType.ERROR or socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            raise Transient(self.name, f"its WebSocket sends what cannot be read, or more than {CAP:,} bytes at once")
        if frame.type is aiohttp.WSMsgType.BINARY:
            raise Transient(self.name, "its WebSocket sends what is no text")
        raise Transient(self.name, f"closed its WebSocket (code {socket.close_code})")

    def head(self, value: Any, subscription: str) -> Head:
        """What an announcement of this very subscription says."""
        match value:
            case {"method": "eth_subscription", "params": {"subscription": str(found), "result": dict(block)}}:
                if found != subscription:
                    raise Lying(self.name, "announces for a subscription that is not ours")
            case _:
                raise Lying(self.name, "sends something else than the announcements that were asked for")
        try:
            return Head(quantity(block.get("number"), "number"), HexStr(word(block.get("hash"), "hash")))
        except Malformed as error:
            raise Lying(self.name, f"a new head's {error}") from None


def refusing_redirects() -> aiohttp.TraceConfig:
    """aiohttp follows redirects of a WebSocket's handshake, and has no option against it."""

    async def refuse(
        session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
    ) -> None:
        params.response.close()
        raise Redirected

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace
