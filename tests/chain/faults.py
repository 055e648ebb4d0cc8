"""What a node can do wrong: of HTTP, of JSON, of JSON-RPC. Each is a `Fault` for `server.serve`."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import web

from tests.chain.server import Exchange, Fault, Oops, Reply, honest

# --- faults of HTTP ---


def status(code: int, headers: Mapping[str, str] = {}, body: str = "<html>no</html>") -> Fault:
    async def fault(exchange: Exchange) -> web.StreamResponse:
        return web.Response(status=code, headers=dict(headers), text=body, content_type="text/html")

    return fault


def redirect(to: str, code: int = 307) -> Fault:
    return status(code, {"Location": to})


def body(content: bytes, code: int = 200, headers: Mapping[str, str] = {}) -> Fault:
    """These very bytes, whatever they are."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        return web.Response(status=code, body=content, headers={"Content-Type": "application/json", **headers})

    return fault


def garbage(seed: int = 0) -> Fault:
    return body(random.Random(seed).randbytes(500))


def deep(levels: int) -> Fault:
    return body(b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * levels)


def delay(seconds: float, then: Fault = honest) -> Fault:
    async def fault(exchange: Exchange) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await then(exchange)

    return fault


async def hang(exchange: Exchange) -> web.StreamResponse:
    """Headers, and then nothing any more."""
    await exchange.open()
    await asyncio.Event().wait()
    raise AssertionError


async def drip(exchange: Exchange) -> web.StreamResponse:
    """One byte at a time, for ever: each comes soon enough to keep a read timeout from firing."""
    response = await exchange.open()
    while True:
        with suppress(ConnectionError):
            await response.write(b" ")
        await asyncio.sleep(0.01)


async def cut(exchange: Exchange) -> web.StreamResponse:
    """Half of what was announced, then the connection is closed."""
    whole = json.dumps(exchange.honest).encode()
    response = await exchange.open({"Content-Length": str(len(whole))})
    await response.write(whole[: len(whole) // 2])
    exchange.transport.close()
    return response


async def cut_clean(exchange: Exchange) -> web.StreamResponse:
    """Half of the JSON as a complete HTTP body."""
    whole = json.dumps(exchange.honest).encode()
    return await body(whole[: len(whole) // 2])(exchange)


async def reset(exchange: Exchange) -> web.StreamResponse:
    """RST in the middle of the body."""
    response = await exchange.open({"Content-Length": "1000"})
    await response.write(b'{"jsonrpc"')
    raw = exchange.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.transport.abort()
    return response


def oversize(length: int) -> Fault:
    """A well-formed answer whose result is `length` characters long, sent in pieces."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        response = await exchange.open()
        with suppress(ConnectionError):
            await response.write(b'{"jsonrpc":"2.0","id":%d,"result":"0x' % exchange.asked["id"])
            for _ in range(length // 65_536 + 1):
                await response.write(b"0" * 65_536)
            await response.write(b'"}')
        return response

    return fault


def bomb(length: int) -> Fault:
    """`length` zeros, gzipped to a thousandth."""
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(b"0" * 1_000_000) for _ in range(length // 1_000_000)) + packer.flush()
    return body(packed, headers={"Content-Encoding": "gzip"})


async def gzipped(exchange: Exchange) -> web.StreamResponse:
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(json.dumps(exchange.honest).encode()) + packer.flush()
    return await body(packed, headers={"Content-Encoding": "gzip"})(exchange)


# --- lies of JSON-RPC ---


def lie(change: Callable[[Any], Reply], code: int = 200, headers: Mapping[str, str] = {}) -> Fault:
    """The honest answer after `change`: a dictionary, or the list of a batch."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        return web.json_response(change(exchange.honest), status=code, headers=dict(headers))

    return fault


def result(value: Any) -> Fault:
    return lie(lambda reply: {"jsonrpc": "2.0", "id": reply["id"], "result": value})


def error(code: int, message: str, data: Any = None, status: int = 200, headers: Mapping[str, str] = {}) -> Fault:
    """A JSON-RPC error instead of the answer; to a batch, one for each of its requests."""
    member = Oops(code, message, data).member

    def one(reply: Any) -> Reply:
        return {"jsonrpc": "2.0", "id": reply["id"], "error": member}

    return lie(lambda reply: list(map(one, reply)) if isinstance(reply, list) else one(reply), status, headers)


def whole(code: int, message: str) -> Fault:
    """One error without an id, for a batch as for a single request."""
    return lie(lambda _: {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}})


wrong_id = lie(lambda reply: reply | {"id": reply["id"] + 1})
missing_id = lie(lambda reply: {key: value for key, value in reply.items() if key != "id"})
text_id = lie(lambda reply: reply | {"id": str(reply["id"])})
both = lie(lambda reply: reply | {"error": {"code": 1, "message": "and an error"}})
neither = lie(lambda reply: {"jsonrpc": "2.0", "id": reply["id"]})
shuffled = lie(lambda replies: replies[::-1])
short = lie(lambda replies: replies[:-1])
extra = lie(lambda replies: [*replies, {"jsonrpc": "2.0", "id": 10**9, "result": "0x1"}])
doubled = lie(lambda replies: [*replies, replies[0]])


def in_turn(faults: Sequence[Fault]) -> Fault:
    """The faults one after the other, the last one from then on."""
    left = list(faults)

    async def fault(exchange: Exchange) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(exchange)

    return fault


def seeded(seed: int, faults: Sequence[Fault], share: float = 0.5) -> Fault:
    """Of every request, by chance, `share` meet one of the faults; the same seed gives the same run."""
    chance = random.Random(seed)

    async def fault(exchange: Exchange) -> web.StreamResponse:
        chosen = chance.choice(faults) if chance.random() < share else honest
        return await chosen(exchange)

    return fault
