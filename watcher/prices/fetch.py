"""Questions to public web APIs: public addresses alone, no redirect, no proxy, bounded in time and size, patient where told to be."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from watcher.alerts.egress import refusal
from watcher.chain.node import broken
from watcher.errors import RateLimited, Refused, Transient

PATIENCE: Final = 20.0  # seconds for one exchange
LONGEST: Final = 2_000_000  # bytes of an answer
TRIES: Final = 3
WAIT: Final = 2.0  # seconds before another try where the server names none
WAITED: Final = 60.0  # the longest wait that a server is granted

Sleep = Callable[[float], Awaitable[None]]


class Public(AbstractResolver):
    """Names lead to public addresses, or nowhere."""

    def __init__(self) -> None:
        self._known = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._known.resolve(host, port, family)
        usable = [one for one in found if refusal(one["host"]) is None]
        if not usable:
            raise OSError(None, f"{host} leads to no public address")
        return usable

    async def close(self) -> None:
        await self._known.close()


@dataclass(frozen=True, slots=True)
class Web:
    """Asks servers by GET. `sleep` is waited with; tests give their own."""

    session: aiohttp.ClientSession
    patience: float = PATIENCE
    sleep: Sleep = asyncio.sleep

    async def get(self, name: str, url: str, asked: Mapping[str, str | int]) -> Any:
        """The json that `name` answers. `Refused` for good, `RateLimited` and `Transient` after `TRIES`; none of them shows the URL."""
        tries = TRIES
        while True:
            tries -= 1
            try:
                return await self._once(name, url, asked)
            except RateLimited as error:
                if not tries or error.retry_after > WAITED:
                    raise
                await self.sleep(error.retry_after)
            except Transient:
                if not tries:
                    raise
                await self.sleep(WAIT)

    async def _once(self, name: str, url: str, asked: Mapping[str, str | int]) -> Any:
        try:
            async with (
                asyncio.timeout(self.patience),
                self.session.get(url, params=asked, allow_redirects=False) as response,
            ):
                body = await _body(name, response)
                _judge(name, response.status, response.headers, body)
        except TimeoutError:
            raise Transient(name, f"no complete answer within {self.patience:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Transient(name, broken(error)) from None
        try:
            return json.loads(body, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            raise Transient(name, "its answer is no json") from None


@asynccontextmanager
async def web(*, allow_private: bool = False) -> AsyncIterator[Web]:
    """A client for a few questions; `allow_private` lets it ask this machine, for tests."""
    connector = aiohttp.TCPConnector() if allow_private else aiohttp.TCPConnector(resolver=Public())
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "lending-watcher", "Accept": "application/json"},
    ) as session:
        yield Web(session)


async def _body(name: str, response: aiohttp.ClientResponse) -> bytes:
    """Up to the cap after decompression."""
    parts, size = [], 0
    async for part in response.content.iter_chunked(65_536):
        size += len(part)
        if size > LONGEST:
            raise Refused(name, f"its answer is longer than {LONGEST:,} bytes", response.status)
        parts.append(part)
    return b"".join(parts)


def _judge(name: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Nothing for an answer that can be read; the error that a status stands for."""
    if status == 200:
        return
    if status in (418, 429):
        raise RateLimited(name, f"too many requests (HTTP {status})", _wait(headers.get("Retry-After", "")))
    if status >= 500 or status == 408:
        raise Transient(name, f"HTTP {status}")
    raise Refused(name, f"HTTP {status}{_said(body)}", status)


def _wait(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else WAIT


def _said(body: bytes) -> str:
    """A server's own short word about why, where it has one."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    text = next(
        (told[key] for key in ("msg", "message") if isinstance(told, dict) and isinstance(told.get(key), str)), ""
    )
    return f": {text[:80]}" if text else ""
