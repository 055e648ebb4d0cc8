"""Our JSON-RPC client for one chain: several endpoints in order of preference, each trusted only as far as it can be checked.

Nothing is guessed or repaired: a question ends as a checked answer or as one of the `EndpointError`s. It never sends a transaction by
itself and never shows a URL.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from watcher.chain.classify import ExecutionFailed, Oversized, TimedOut, UnknownBlock
from watcher.chain.clock import Clock
from watcher.chain.endpoint import Endpoint, distinct
from watcher.chain.health import USUAL_RATE
from watcher.chain.node import Answer, Node, Request
from watcher.errors import ConfigError, EndpointError, Lying, RangeTooWide, RateLimited, Refused, Transient

log = logging.getLogger(__name__)

DEADLINE = 10.0  # seconds for one HTTP exchange, first byte to last
PATIENCE = 2.0  # seconds to wait for a parked endpoint when no other is left
LAG_PAUSE = 0.25  # seconds before an endpoint that did not know a block is asked once more
VERIFY_EVERY = 300.0  # seconds after which an endpoint must show its chain id again
PASSING, LASTING = (Transient, RateLimited), (TimedOut, Oversized)  # worth a second try on the same endpoint, and not
FINAL = (ExecutionFailed, RangeTooWide)  # not the endpoint's fault: another one is not asked


@dataclass(slots=True)
class Shared:
    """What a client and its one-endpoint views have in common. `chain_id` is None until the first endpoint has said it."""

    chain_id: int | None
    session: aiohttp.ClientSession | None = None


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
        rate: float | None = USUAL_RATE,
        plain: bool = False,
        clock: Clock | None = None,
    ) -> None:
        if not endpoints:
            raise ConfigError("no endpoint to ask; name one")
        self._clock = clock or Clock()
        self._nodes = tuple(
            Node(one, deadline=deadline, rate=rate, plain=plain, clock=self._clock) for one in distinct(endpoints)
        )
        self._shared = Shared(chain_id)

    async def __aenter__(self) -> Self:
        self._shared.session = aiohttp.ClientSession(
            auto_decompress=False,  # we do it ourselves, with a cap
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # the deadline is ours
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._shared.session is not None:
            await self._shared.session.close()

    @property
    def chain_id(self) -> int | None:
        return self._shared.chain_id

    @property
    def clock(self) -> Clock:
        """The clock by which it waits."""
        return self._clock

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

    def only(self, *endpoints: str) -> Rpc:
        """The same client (session, health, counters) that asks these endpoints, in this order, and no other."""
        known = {node.name: node for node in self._nodes}
        unknown = next((name for name in endpoints if name not in known), None)
        if unknown is not None or not endpoints:
            raise ConfigError(f"no endpoint is called {unknown}; there are {', '.join(self.endpoints)}")
        view = object.__new__(Rpc)
        view._nodes = tuple(known[name] for name in endpoints)
        view._shared, view._clock = self._shared, self._clock
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
        errors: list[dict[str, EndpointError]] = [{} for _ in asked]  # the last one of each endpoint
        nodes: Sequence[Node] = self._nodes
        for _ in range(2):
            passing: list[Node] = []
            for node in await self._free(nodes):
                missing = [index for index in range(len(asked)) if index not in answers]
                if not missing:
                    break
                replies = await self._from(node, [asked[index] for index in missing], batch)
                for index, reply in zip(missing, replies, strict=True):
                    if isinstance(reply, (Answer, *FINAL)):
                        answers[index] = reply
                    else:
                        errors[index][node.name] = reply
                if any(isinstance(reply, PASSING) and not isinstance(reply, LASTING) for reply in replies):
                    passing.append(node)
            nodes = passing
        away = [error for node in self._nodes if (error := remembered(node, self._clock.now()))]
        return [
            answers[index] if index in answers else telling(list(failed.values()) or away)
            for index, failed in enumerate(errors)
        ]

    async def _free(self, nodes: Sequence[Node]) -> list[Node]:
        """Those that may be asked now. Waits for a parked one only when it is the last hope and will be back soon."""
        while not (free := [node for node in nodes if node.health.free]):
            waits = [node.health.until - self._clock.now() for node in nodes if not node.health.quarantined]
            if not waits or min(waits) > PATIENCE:
                return []
            await self._clock.sleep(max(min(waits), 0.001))
        return free

    async def _from(self, node: Node, asked: Sequence[Request], batch: bool) -> list[Answer | EndpointError]:
        """The answers of one endpoint; a block that it does not know is asked for once more, then left to the next."""
        replies = await self._parts(node, asked, batch)
        lagging = [index for index, reply in enumerate(replies) if isinstance(reply, UnknownBlock)]
        if lagging:
            await self._clock.sleep(LAG_PAUSE)
            again = await self._parts(node, [asked[index] for index in lagging], batch)
            for index, reply in zip(lagging, again, strict=True):
                replies[index] = reply
        return replies

    async def _parts(self, node: Node, asked: Sequence[Request], batch: bool) -> list[Answer | EndpointError]:
        """A batch in parts that the endpoint accepts; a batch refused as a whole is halved, down to single requests."""
        replies: list[Answer | EndpointError] = []
        accepted = node.batch_limit
        while len(replies) < len(asked):
            size = node.batch_limit if batch else 1
            part = asked[len(replies) : len(replies) + size]
            got = await self._try(node, part, batch and size > 1)
            whole = type(got[0]) is Refused and all(reply is got[0] for reply in got)
            if whole and len(part) > 1 and node.health.free:
                node.batch_limit = len(part) // 2
                continue
            if whole and size == 1 and batch:
                node.batch_limit = accepted  # it was not the batch that was refused
            replies += got
        return replies

    async def _try(self, node: Node, asked: Sequence[Request], batch: bool) -> list[Answer | EndpointError]:
        if self._shared.session is None or self._shared.session.closed:
            raise ConfigError("the client is not open; use it in `async with`")
        started = self._clock.now()
        try:
            await self._verified(node, self._shared.session)
            replies = await self._send(node, self._shared.session, asked, batch)
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

    async def _send(
        self, node: Node, session: aiohttp.ClientSession, asked: Sequence[Request], batch: bool
    ) -> list[Answer | EndpointError]:
        """One HTTP request within the budget; not sent when the endpoint was parked while this one waited its turn."""
        await self._clock.sleep(node.budget.take(len(asked)))
        away = None if node.health.free else remembered(node, self._clock.now())
        if away is not None:
            return [away] * len(asked)
        replies = await node.ask(session, asked, batch=batch)
        self._same_chain(node, asked, replies)
        return replies

    def _note(self, node: Node, error: EndpointError, started: float) -> None:
        log.info("%s", error)
        new = node.health.failed(error, started)
        if not isinstance(error, RateLimited):
            node.verified_at = None
        elif new:
            node.budget.slower()

    async def _verified(self, node: Node, session: aiohttp.ClientSession) -> None:
        """No answer of an endpoint is used before it has named the right chain, and again after a failure or five minutes."""
        async with node.verifying:
            if node.verified_at is not None and self._clock.now() - node.verified_at < VERIFY_EVERY:
                return
            (reply,) = await self._send(node, session, [Request("eth_chainId", ())], batch=False)
            if isinstance(reply, EndpointError):
                raise reply
            node.verified_at = self._clock.now()

    def _same_chain(self, node: Node, asked: Sequence[Request], replies: Sequence[Answer | EndpointError]) -> None:
        for request, reply in zip(asked, replies, strict=True):
            if request.method != "eth_chainId" or not isinstance(reply, Answer):
                continue
            found = int(reply.value, 16)
            if self._shared.chain_id is None:
                self._shared.chain_id = found
            elif found != self._shared.chain_id:
                raise Lying(node.name, f"is on chain {found}, not on {self._shared.chain_id}; check its URL")


def remembered(node: Node, now: float) -> EndpointError | None:
    """What an endpoint failed with last, None when it is well; a rate limit says how long it still lasts."""
    error = node.health.error
    if isinstance(error, RateLimited):
        return RateLimited(node.name, error.reason, max(node.health.until - now, 0.0))
    return error


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
