"""Our JSON-RPC client for one chain: several endpoints in order of preference, each trusted only as far as it can be checked.

Nothing is guessed or repaired: a question ends as a checked answer or as one of the `EndpointError`s. It never sends a transaction by
itself and never shows a URL.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from watcher.chain.classify import ExecutionFailed, UnknownBlock
from watcher.chain.endpoint import Endpoint
from watcher.chain.node import Answer, Node, Request
from watcher.errors import ConfigError, EndpointError, Lying, RangeTooWide, RateLimited, Refused, Transient

log = logging.getLogger(__name__)

DEADLINE = 10.0  # seconds for one HTTP exchange, first byte to last
RATE = 25.0  # requests per second and endpoint
PATIENCE = 2.0  # seconds to wait for a parked endpoint when no other is left
LAG_PAUSE = 0.25  # seconds before an endpoint that did not know a block is asked once more
VERIFY_EVERY = 300.0  # seconds after which an endpoint must show its chain id again
FINAL = (ExecutionFailed, RangeTooWide)  # not the endpoint's fault: another one is not asked


@dataclass(slots=True)
class Chain:
    """The chain id that all endpoints must have; None until the first one has said it."""

    id: int | None


class Rpc:
    """``async with Rpc([Endpoint("mine", url)], 1) as rpc: await rpc.call("eth_blockNumber")``

    `chain_id` None adopts what the first endpoint says. `deadline` is in seconds, for one HTTP exchange; `rate` in requests per second
    and endpoint (None: no limit; endpoints on this machine never have one). `plain` allows http to other machines.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        chain_id: int | None = None,
        *,
        deadline: float = DEADLINE,
        rate: float | None = RATE,
        plain: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not endpoints:
            raise ConfigError("no endpoint to ask; name one")
        self._nodes = tuple(Node(one, deadline=deadline, rate=rate, plain=plain, clock=clock) for one in endpoints)
        self._chain = Chain(chain_id)
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,  # we do it ourselves, with a cap
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # the deadline is ours
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def chain_id(self) -> int | None:
        return self._chain.id

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The names, in order of preference."""
        return tuple(node.name for node in self._nodes)

    @property
    def sent(self) -> dict[str, Counter[str]]:
        """HTTP requests so far, by endpoint and method; a batch counts once, as "batch"."""
        return {node.name: node.sent for node in self._nodes}

    @property
    def requests(self) -> int:
        """HTTP requests so far: round trips, chain ids included."""
        return sum(node.sent.total() for node in self._nodes)

    def only(self, endpoint: str) -> Rpc:
        """The same client (session, health, counters) that asks this one endpoint and no other."""
        view = object.__new__(Rpc)
        view._nodes = tuple(node for node in self._nodes if node.name == endpoint)
        view._chain, view._clock, view._session = self._chain, self._clock, self._session
        if not view._nodes:
            raise ConfigError(f"no endpoint is called {endpoint}; there are {', '.join(self.endpoints)}")
        return view

    async def verify(self) -> int:
        """The chain id, asked of the first endpoint that answers; raises `Lying` where all have another one."""
        value = await self.call("eth_chainId")
        return int(value, 16)

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The checked result of one request. Raises the most telling of the endpoints' errors."""
        return (await self.ask(method, params)).value

    async def ask(self, method: str, params: Sequence[Any] = ()) -> Answer:
        """As `call`, with the name of the endpoint that answered."""
        (answer,) = await self._all([Request(method, params)], batch=False)
        if isinstance(answer, EndpointError):
            raise answer
        return answer

    async def batch(self, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """One HTTP request for all; one entry per request: its checked result, or the `EndpointError` it ended as."""
        answers = await self.ask_batch(asked)
        return [answer.value if isinstance(answer, Answer) else answer for answer in answers]

    async def ask_batch(self, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[Answer | EndpointError]:
        """As `batch`, with the name of the endpoint beside each result."""
        if not asked:
            return []
        return await self._all([Request(method, params) for method, params in asked], batch=True)

    async def _all(self, asked: Sequence[Request], *, batch: bool) -> list[Answer | EndpointError]:
        """Ask endpoint after endpoint for what is still open; then once more those that failed in passing."""
        answers: dict[int, Answer | EndpointError] = {}
        errors: dict[int, list[EndpointError]] = {index: [] for index in range(len(asked))}
        nodes = await self._free(self._nodes)
        for _ in range(2):
            passing: list[Node] = []
            for node in nodes:
                missing = [index for index in errors if index not in answers]
                if not missing:
                    break
                replies = await self._from(node, [asked[index] for index in missing], batch)
                for index, reply in zip(missing, replies, strict=True):
                    if isinstance(reply, (Answer, *FINAL)):
                        answers[index] = reply
                    else:
                        errors[index].append(reply)
                if any(isinstance(reply, (Transient, RateLimited)) for reply in replies):
                    passing.append(node)
            if len(answers) == len(asked) or not self._soon(passing):
                break
            nodes = await self._free(passing)
        return [answers[index] if index in answers else telling(errors[index]) for index in range(len(asked))]

    def _soon(self, nodes: Sequence[Node]) -> bool:
        now = self._clock()
        return any(not node.health.quarantined and node.health.until - now <= PATIENCE for node in nodes)

    async def _free(self, nodes: Sequence[Node]) -> list[Node]:
        """The endpoints that may be asked now. Waits for a parked one only when it is the last hope and will be back soon."""
        free = [node for node in nodes if node.health.free]
        if free:
            return free
        parked = [node for node in nodes if not node.health.quarantined]
        if not parked:
            raise telling([node.health.error for node in nodes if node.health.error is not None])
        wait = min(node.health.until for node in parked) - self._clock()
        if wait > PATIENCE:
            raise telling([remembered(node, self._clock()) for node in parked])
        await asyncio.sleep(max(wait, 0.0))
        return [node for node in parked if node.health.until <= self._clock()] or parked[:1]

    async def _from(self, node: Node, asked: Sequence[Request], batch: bool) -> list[Answer | EndpointError]:
        """The answers of one endpoint; a block that it does not know is asked for once more, then left to the next."""
        replies = await self._try(node, asked, batch)
        lagging = [index for index, reply in enumerate(replies) if isinstance(reply, UnknownBlock)]
        if lagging:
            await asyncio.sleep(LAG_PAUSE)
            again = await self._try(node, [asked[index] for index in lagging], batch)
            for index, reply in zip(lagging, again, strict=True):
                replies[index] = reply
        return replies

    async def _try(self, node: Node, asked: Sequence[Request], batch: bool) -> list[Answer | EndpointError]:
        started = self._clock()
        try:
            if self._session is None:
                raise ConfigError("the client is not open; use it in `async with`")
            await self._verified(node, self._session)
            replies = await node.ask(self._session, asked, batch=batch)
            self._same_chain(node, asked, replies)
        except EndpointError as error:
            self._note(node, error, started)
            return [error] * len(asked)
        limited = next((reply for reply in replies if isinstance(reply, RateLimited)), None)
        if limited is not None:
            self._note(node, limited, started)
        elif any(isinstance(reply, Answer) for reply in replies):
            node.health.well()
            node.budget.faster()
        return replies

    def _note(self, node: Node, error: EndpointError, started: float) -> None:
        log.info("%s", error)
        node.health.failed(error, started)
        if isinstance(error, RateLimited):
            node.budget.slower()
        else:
            node.verified_at = None

    async def _verified(self, node: Node, session: aiohttp.ClientSession) -> None:
        """No answer of an endpoint is used before it has named the right chain, and again after a failure or five minutes."""
        async with node.verifying:
            if node.verified_at is not None and self._clock() - node.verified_at < VERIFY_EVERY:
                return
            request = [Request("eth_chainId", ())]
            replies = await node.ask(session, request, batch=False)
            self._same_chain(node, request, replies)
            if isinstance(replies[0], EndpointError):
                raise replies[0]
            node.verified_at = self._clock()

    def _same_chain(self, node: Node, asked: Sequence[Request], replies: Sequence[Answer | EndpointError]) -> None:
        for request, reply in zip(asked, replies, strict=True):
            if request.method != "eth_chainId" or not isinstance(reply, Answer):
                continue
            found = int(reply.value, 16)
            if self._chain.id is None:
                self._chain.id = found
            elif found != self._chain.id:
                raise Lying(node.name, f"is on chain {found}, not on {self._chain.id}; check its URL")


def remembered(node: Node, now: float) -> EndpointError:
    """Why a parked endpoint is not asked; a rate limit says how long it still lasts."""
    error = node.health.error
    if isinstance(error, RateLimited):
        return RateLimited(error.endpoint, error.reason, node.health.until - now)
    return error or Transient(node.name, "parked")


RANK = (UnknownBlock, Refused, RateLimited, Transient, Lying)


def telling(errors: Sequence[EndpointError]) -> EndpointError:
    """The error that says most about the question rather than about an endpoint, with the others' texts behind it."""
    best = min(errors, key=lambda error: next(rank for rank, kind in enumerate(RANK) if isinstance(error, kind)))
    others = dict.fromkeys(str(error) for error in errors if str(error) != str(best))
    merged = type(best).__new__(
        type(best)
    )  # a copy: the original stays with the endpoint, and is not to collect tracebacks
    merged.__dict__.update(best.__dict__)
    merged.args = ("; ".join((str(best), *others)),)
    return merged
