"""A node on this machine that answers honestly unless told otherwise: faults are played one per request, in order.

    async with serve(Scripted(chain_id=7), [status(429, {"Retry-After": "9"})]) as server:
        async with Rpc([server.endpoint]) as rpc:
            ...

`faults` are used up by requests in order, `always` applies to every one after them. Both leave lone `eth_chainId` requests alone, which
have their own: `gate`. The faults are in `faults.py`. `Front(url)` puts the same faults before a real node.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol, TypeAlias

import aiohttp
from aiohttp import web
from eth_utils.crypto import keccak

from watcher.chain.clock import Clock
from watcher.chain.endpoint import Endpoint

Reply: TypeAlias = Any  # the JSON value of an HTTP body


class Oops(Exception):
    """A JSON-RPC error that a node answers."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.member = {"code": code, "message": message} | ({} if data is None else {"data": data})


class Answering(Protocol):
    async def answer(self, method: str, params: Sequence[Any]) -> Any: ...


@dataclass
class Scripted:
    """A small chain: blocks 0 to `head`, made of nothing but numbers. Change its fields while it runs."""

    chain_id: int = 1
    head: int = 100
    branch: str = "main"  # another name is another history: other hashes
    call: Callable[[dict[str, Any], Any], str] = lambda transaction, block: "0x"
    logs: list[dict[str, Any]] = field(default_factory=list)
    log_limit: tuple[int, str] | None = None  # blocks, and the text beyond
    blooms: bool = False  # headers carry the filter of their logs
    kept: range | None = (
        None  # blocks of which it has logs; below it is pruned, above it is not indexed yet; None for all
    )
    answers: dict[str, Any] = field(default_factory=dict)  # results by method, before all else

    def hash(self, number: int) -> str:
        return "0x" + sha256(f"{self.branch} {number}".encode()).hexdigest()

    def block(self, number: int) -> dict[str, Any] | None:
        if not 0 <= number <= self.head:
            return None
        zero = "0x" + "00" * 32
        return {
            "number": hex(number),
            "hash": self.hash(number),
            "parentHash": self.hash(number - 1) if number else zero,
            "timestamp": hex(1_700_000_000 + 12 * number),
            "transactions": [],
            "gasLimit": "0x1c9c380",
            **({"logsBloom": bloom_of(self.mined(number))} if self.blooms else {}),
        }

    def mined(self, number: int) -> list[dict[str, Any]]:
        return [log for log in self.logs if int(log["blockNumber"], 16) == number]

    def log(self, number: int, index: int, address: str, topics: Sequence[str], data: str = "0x") -> dict[str, Any]:
        """Add a log to the chain."""
        made = {
            "address": address,
            "topics": list(topics),
            "data": data,
            "blockNumber": hex(number),
            "blockHash": self.hash(number),
            "logIndex": hex(index),
            "transactionHash": "0x" + sha256(f"{number} {index}".encode()).hexdigest(),
            "transactionIndex": "0x0",
            "removed": False,
        }
        self.logs.append(made)
        return made

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        if method in self.answers:
            return self.answers[method]
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "eth_blockNumber":
                return hex(self.head)
            case "eth_getBlockByNumber":
                return self.block(self.number(params[0]))
            case "eth_getBlockByHash":
                return self.block(self.number({"blockHash": params[0]}, unknown=-1))
            case "eth_call":
                self.number(params[1] if len(params) > 1 else "latest")
                return self.call(params[0], params[1] if len(params) > 1 else "latest")
            case "eth_getLogs":
                return self.matching(params[0])
            case "eth_getBlockReceipts":
                return [{"logs": self.mined(self.number(params[0]))}]
            case "eth_getBalance" | "eth_gasPrice":
                return "0x0"
            case "eth_getCode":
                return "0x"
            case "eth_getStorageAt":
                return "0x" + "00" * 32
        raise Oops(-32601, f"the method {method} does not exist/is not available")

    def number(self, block: Any, unknown: int | None = None) -> int:
        """The number of a tag, a hex number or an EIP-1898 object."""
        if isinstance(block, Mapping) and "blockHash" in block:
            known = [number for number in range(self.head + 1) if self.hash(number) == block["blockHash"]]
            if not known and unknown is None:
                raise Oops(-32000, "header not found")
            return known[0] if known else int(unknown or -1)
        if isinstance(block, Mapping):
            block = block["blockNumber"]
        if block in ("latest", "safe", "finalized"):
            return self.head
        return 0 if block == "earliest" else int(block, 16)

    def matching(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        if "blockHash" in asked:
            first = last = self.number(asked)
        else:
            first, last = self.number(asked.get("fromBlock", "latest")), self.number(asked.get("toBlock", "latest"))
        if self.log_limit is not None and last - first + 1 > self.log_limit[0]:
            raise Oops(-32000, self.log_limit[1])
        found = [log for log in self.logs if first <= int(log["blockNumber"], 16) <= last and wanted(log, asked)]
        return [log for log in found if self.kept is None or int(log["blockNumber"], 16) in self.kept]


def bloom_of(logs: Iterable[Mapping[str, Any]]) -> str:
    """Yellow Paper 4.3.1, bit by bit."""
    made = bytearray(256)
    for item in (one for log in logs for one in (log["address"], *log["topics"])):
        digest = keccak(hexstr=item)
        for pair in (digest[0:2], digest[2:4], digest[4:6]):
            bit = (pair[0] * 256 + pair[1]) % 2048
            made[255 - bit // 8] |= 1 << bit % 8
    return "0x" + made.hex()


def wanted(log: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    def among(value: str, choice: Any) -> bool:
        choices = [choice] if isinstance(choice, str) else choice or [value]
        return value.lower() in [one.lower() for one in choices]

    topics = asked.get("topics") or []
    return (
        among(log["address"], asked.get("address"))
        and len(log["topics"]) >= len(topics)
        and all(among(topic, choice) for topic, choice in zip(log["topics"], topics, strict=False))
    )


@dataclass
class Front:
    """Another node, asked by URL: its answers pass through."""

    url: str
    session: aiohttp.ClientSession | None = None

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        if self.session is None:
            self.session = aiohttp.ClientSession()
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with self.session.post(self.url, json=body) as response:
            reply = await response.json()
        if "error" in reply:
            error = reply["error"]
            raise Oops(error["code"], error["message"], error.get("data"))
        return reply["result"]


@dataclass
class Exchange:
    """One HTTP request that has come in, and the honest answer to it, not sent yet."""

    request: web.Request
    asked: Any
    honest: Reply

    async def open(self, headers: Mapping[str, str] = {}) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", **headers})
        await response.prepare(self.request)
        return response

    @property
    def transport(self) -> asyncio.Transport:
        transport = self.request.transport
        assert isinstance(transport, asyncio.Transport)
        return transport


Fault: TypeAlias = Callable[[Exchange], Awaitable[web.StreamResponse]]


async def honest(exchange: Exchange) -> web.StreamResponse:
    return web.json_response(exchange.honest)


@dataclass
class Server:
    """What runs. `seen` lists the methods of every HTTP request (a batch as a tuple); `hits` counts all that came to the port."""

    node: Answering
    faults: list[Fault]
    always: Fault
    gate: Fault
    url: str = ""
    name: str = "local"
    seen: list[str | tuple[str, ...]] = field(default_factory=list)
    hits: int = 0

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.name, self.url)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        self.hits += 1
        asked = await request.json()
        batch = isinstance(asked, list)
        self.seen.append(tuple(one["method"] for one in asked) if batch else asked["method"])
        replies = [await self.reply(one) for one in (asked if batch else [asked])]
        exchange = Exchange(request, asked, replies if batch else replies[0])
        if self.seen[-1] == "eth_chainId":
            return await self.gate(exchange)
        return await (self.faults.pop(0) if self.faults else self.always)(exchange)

    async def reply(self, one: dict[str, Any]) -> Reply:
        try:
            member = {"result": await self.node.answer(one["method"], one["params"])}
        except Oops as error:
            member = {"error": error.member}
        return {"jsonrpc": "2.0", "id": one["id"]} | member

    async def elsewhere(self, request: web.Request) -> web.StreamResponse:
        self.hits += 1
        return web.Response(text="nothing here")


@asynccontextmanager
async def serve(
    node: Answering | None = None,
    faults: Iterable[Fault] = (),
    *,
    always: Fault = honest,
    gate: Fault = honest,
    name: str = "local",
    path: str = "/",
    userinfo: str = "",
    ssl: Any = None,
) -> AsyncIterator[Server]:
    """Run a server on a free port of 127.0.0.1 until the block ends. `path` may carry a key and a query, to be kept secret."""
    server = Server(node or Scripted(), list(faults), always, gate, name=name)
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post(path.partition("?")[0], server.respond)
    app.router.add_route("*", "/{any:.*}", server.elsewhere)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
    await runner.setup()
    try:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=ssl).start()
        server.url = f"{'https' if ssl else 'http'}://{userinfo}127.0.0.1:{port}{path}"
        yield server
    finally:
        await runner.cleanup()
        if isinstance(server.node, Front) and server.node.session is not None:
            await server.node.session.close()


def closed_port() -> str:
    """A URL at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


class FakeClock(Clock):
    """Time that passes only when someone waits, or `pass_` is called."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)

    def pass_(self, seconds: float) -> None:
        self.time += seconds
