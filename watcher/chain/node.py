"""One endpoint over HTTP: sends one body within a deadline, reads no more than a cap, and turns every failure into our errors."""

from __future__ import annotations

import asyncio
import email.utils
import json
import ssl
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import count
from typing import Any

import aiohttp
from yarl import URL

from watcher.chain.answers import Malformed, Wanted, check
from watcher.chain.classify import LONGEST_PARKING, RATE, Oversized, TimedOut, UnknownBlock, classify
from watcher.chain.clock import Clock
from watcher.chain.endpoint import Endpoint
from watcher.chain.health import Budget, Health
from watcher.chain.log import Log, read, read_beside
from watcher.chain.parse import BadEnvelope, Envelope, Fault, NotEnvelope, NotJson, decode, envelope, envelopes
from watcher.chain.redact import secrets_of, shown
from watcher.errors import ConfigError, EndpointError, Lying, RateLimited, Refused, Transient

CAP = 1_000_000  # bytes of a decompressed body
LARGE_CAP = 16_000_000  # logs, and batches
LARGE = frozenset({"eth_getLogs", "eth_getBlockReceipts"})
GROWING = LARGE | {"eth_call", "eth_getCode"}  # a long answer to these is about the question, not about the endpoint
CHUNK = 65_536
ABOUT_THE_QUESTION = frozenset({400, 405, 413, 415, 422})  # HTTP statuses that another question might not get
BATCH_LIMIT = 100  # requests in one HTTP batch, until the endpoint refuses that many
HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Request:
    """One JSON-RPC request; `params` are plain JSON values."""

    method: str
    params: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked result and the name of the endpoint that gave it."""

    value: Any
    endpoint: str


class Logs(Answer):
    """Checked logs that were read the short way. The whole JSON is parsed when somebody asks for its `value`; we do not."""

    __slots__ = ("_raw", "logs")
    logs: list[Log]
    _raw: bytes

    def __init__(self, logs: list[Log], raw: bytes, endpoint: str) -> None:
        for name, member in (("logs", logs), ("_raw", raw), ("endpoint", endpoint)):
            object.__setattr__(self, name, member)

    @property
    def value(self) -> Any:
        whole = decode(self._raw)
        return (whole[-1] if isinstance(whole, list) else whole)["result"]


class Node:
    """An endpoint with its health and budget. Raises `EndpointError` for faults of the endpoint; an error of one request is returned."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        deadline: float,
        rate: float | None,
        plain: bool,
        clock: Clock,
    ) -> None:
        loopback = allowed(endpoint, plain)
        self.endpoint = endpoint
        self.name = endpoint.name
        self.deadline = deadline
        self.clock = clock
        self.health = Health(clock)
        self.budget = Budget(None if loopback else rate, clock)
        self.sent: Counter[str] = Counter()  # HTTP requests by method; batches count once, as "batch"
        self.verified_at: float | None = None
        self.verifying = asyncio.Lock()
        self.batch_limit = BATCH_LIMIT
        self._secrets = secrets_of(endpoint.url)
        self._ids = count(1)

    def __repr__(self) -> str:
        return f"Node({self.name!r})"

    async def ask(
        self, session: aiohttp.ClientSession, asked: Sequence[Request], *, batch: bool
    ) -> list[Answer | EndpointError]:
        """Send `asked` as one HTTP request. One entry per request: its checked answer, or its own error."""
        ids = tuple(next(self._ids) for _ in asked)
        calls = [
            {"jsonrpc": "2.0", "id": number, "method": one.method, "params": one.params}
            for number, one in zip(ids, asked, strict=True)
        ]
        body = json.dumps(calls if batch else calls[0], separators=(",", ":")).encode()
        self.sent["batch" if batch else asked[0].method] += 1
        cap = LARGE_CAP if batch or asked[0].method in LARGE else CAP
        try:
            status, headers, raw = await self._exchange(session, body, cap)
        except Oversized as error:
            if batch or asked[0].method in GROWING:
                return [error] * len(asked)
            raise
        return self.read(asked, ids, batch, status, headers, raw)

    def read(
        self,
        asked: Sequence[Request],
        ids: tuple[int, ...],
        batch: bool,
        status: int,
        headers: dict[str, str],
        raw: bytes,
    ) -> list[Answer | EndpointError]:
        """What an HTTP answer says to `asked`, sent with `ids`. Pure, but for the date in a Retry-After."""
        if 300 <= status < 400:
            raise Refused(self.name, f"answers with a redirect (HTTP {status}), which is never followed", status)
        short = self._short(asked, ids, batch, raw) if status == 200 else None
        if short is not None:
            return short
        try:
            value = decode(raw)
            found = envelopes(value, ids) if batch else _single(envelope(value), ids[0])
        except (NotJson, NotEnvelope) as error:
            unusable = self._unusable(status, headers, raw, str(error))
            if status in ABOUT_THE_QUESTION:
                return [unusable] * len(asked)
            raise unusable from None
        except BadEnvelope as error:
            raise Lying(self.name, str(error)) from None
        if isinstance(found, Fault):
            return [self._refused(asked[0].method, found, status, headers)] * len(asked)
        return [self._item(one, found.get(number), status, headers) for number, one in zip(ids, asked, strict=True)]

    def _short(
        self, asked: Sequence[Request], ids: tuple[int, ...], batch: bool, raw: bytes
    ) -> list[Answer | EndpointError] | None:
        """Logs, alone or beside the newest block, where nothing about their response is odd."""
        last = asked[-1]
        if last.method != "eth_getLogs" or not last.params:
            return None
        wanted = Wanted(last.params[0])
        if not batch:
            logs = read(raw, ids[0], wanted)
            return None if logs is None else [Logs(logs, raw, self.name)]
        if len(asked) != 2 or asked[0].method != "eth_blockNumber":
            return None
        both = read_beside(raw, (ids[0], ids[1]), wanted)
        return None if both is None else [Answer(both[0], self.name), Logs(both[1], raw, self.name)]

    def _item(
        self, one: Request, reply: Envelope | None, status: int, headers: dict[str, str]
    ) -> Answer | EndpointError:
        if reply is None:
            return Transient(self.name, f"{one.method}: no answer in the batch")
        if reply.fault is not None:
            return self._refused(one.method, reply.fault, status, headers)
        try:
            check(one.method, one.params, reply.result)
        except Malformed as error:
            raise Lying(self.name, shown(f"{one.method}: {error}", self._secrets)) from None
        if reply.result is None and one.method.startswith("eth_getBlockBy"):
            return UnknownBlock(self.name, f"{one.method}: block not known", 0)
        return Answer(reply.result, self.name)

    def _refused(self, method: str, fault: Fault, status: int, headers: dict[str, str]) -> EndpointError:
        error = classify(self.name, method, fault, self._secrets)
        if status == 429 or isinstance(error, RateLimited):
            wait = error.retry_after if isinstance(error, RateLimited) else 0.0
            return RateLimited(self.name, error.reason, retry_after(headers) or wait)
        return error

    def _unusable(self, status: int, headers: dict[str, str], raw: bytes, reason: str) -> EndpointError:
        """A body that is no JSON-RPC: the status decides, and what a rate limiter's page says."""
        text = raw[:2_000].decode(errors="replace")
        if status == 429 or (status in (200, 403, 503) and RATE.search(text)):
            return RateLimited(self.name, f"too many requests (HTTP {status})", retry_after(headers))
        if status in (408, 425) or status >= 500:
            return Transient(self.name, f"HTTP {status}")
        if status in (401, 403):
            return Refused(self.name, f"does not let us in (HTTP {status}); check its key", status)
        if status != 200:
            return Refused(self.name, f"HTTP {status}; check its URL", status)
        return Transient(self.name, reason)

    async def _exchange(
        self, session: aiohttp.ClientSession, body: bytes, cap: int
    ) -> tuple[int, dict[str, str], bytes]:
        """POST and read within the deadline. aiohttp's errors carry the URL, so they end here."""
        try:
            async with (
                asyncio.timeout(self.deadline),
                session.post(self.endpoint.url, data=body, headers=HEADERS, allow_redirects=False) as response,
            ):
                headers = {name.lower(): value for name, value in response.headers.items()}
                return response.status, headers, await self._read(response, cap)
        except TimeoutError:
            raise TimedOut(self.name, f"no complete answer within {self.deadline:g} s") from None
        except (aiohttp.ClientError, OSError, zlib.error) as error:
            reason = broken(error)
        raise Transient(self.name, shown(reason, self._secrets))

    async def _read(self, response: aiohttp.ClientResponse, cap: int) -> bytes:
        """The decompressed body; stops at the cap, so that neither a long body nor a gzip bomb fills the memory."""
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in ("identity", "", "gzip"):
            raise Transient(self.name, "its body is compressed in a way that was not asked for")
        inflate = None if coding in ("identity", "") else zlib.decompressobj(zlib.MAX_WBITS | 16)
        parts: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_chunked(CHUNK):
            part = chunk if inflate is None else inflate.decompress(chunk, cap + 1 - size)
            size += len(part)
            if size > cap or (inflate is not None and inflate.unconsumed_tail):
                raise Oversized(self.name, f"its answer is longer than {cap:,} bytes")
            parts.append(part)
            if inflate is not None and inflate.eof:
                break
        if inflate is not None and not inflate.eof:
            raise Transient(self.name, "its compressed body was cut short")
        return b"".join(parts)


def _single(reply: Envelope, asked: int) -> dict[int, Envelope] | Fault:
    if reply.id is None and reply.fault is not None:
        return reply.fault  # the endpoint could not read the request, or would not
    if reply.id != asked:
        raise BadEnvelope("the answer's id is not the one that was sent")
    return {asked: reply}


def broken(error: Exception) -> str:
    """Why an exchange did not come about, without the URL that aiohttp's own words hold. The system's may still hold a part of it."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not accepted"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "no TLS connection"
        case aiohttp.ClientConnectorDNSError():
            return "its host name is not known"
        case aiohttp.ClientConnectorError():
            return f"no connection ({error.os_error.strerror or type(error.os_error).__name__})"
        case _:
            return f"the answer broke off ({type(error).__name__})"


def allowed(endpoint: Endpoint, plain: bool, secure: str = "https") -> bool:
    """Whether the URL is on this machine; raises `ConfigError` for what may not be asked at all. Never shows the URL.

    `secure` is the scheme that may go anywhere; without its last letter it goes only to this machine, or where `plain` is said.
    """
    try:
        parts = URL(endpoint.url)
        host = parts.host or ""
    except ValueError:
        raise ConfigError(f"endpoint {endpoint.name}: its URL cannot be read; write {secure}://host/path") from None
    if parts.scheme not in (secure, secure[:-1]) or not host:
        raise ConfigError(f"endpoint {endpoint.name}: its URL must be {secure}://host/path")
    loopback = host == "localhost" or _loopback(host)
    if parts.scheme != secure and not loopback and not plain:
        raise ConfigError(f"endpoint {endpoint.name}: plain {parts.scheme} goes only to this machine; use {secure}")
    return loopback


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def retry_after(headers: dict[str, str]) -> float:
    """Seconds of a Retry-After header, given as seconds or as an HTTP date; 0 without one, at most 300."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), LONGEST_PARKING))
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(at - time.time(), 0.0), LONGEST_PARKING)
