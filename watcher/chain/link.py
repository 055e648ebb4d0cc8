"""The questions a reader asks, put to any AsyncWeb3: our own client where there is one behind it, else whatever provider it has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp

from watcher.chain.answers import Malformed, check
from watcher.chain.classify import UnknownBlock, classify
from watcher.chain.node import Answer
from watcher.chain.parse import fault
from watcher.chain.rpc import LAG_PAUSE, Rpc
from watcher.errors import EndpointError, Lying, Refused, Transient

if TYPE_CHECKING:
    from web3 import AsyncWeb3

Asked = Sequence[tuple[str, Sequence[Any]]]  # (method, params)


class Link(Protocol):
    """What `Rpc` offers, and a foreign provider is made to offer."""

    @property
    def endpoints(self) -> tuple[str, ...]: ...

    def only(self, *endpoints: str) -> Link: ...

    async def ask(self, method: str, params: Sequence[Any] = ()) -> Answer: ...

    async def ask_batch(self, asked: Asked) -> list[Answer | EndpointError]: ...


def link(w3: AsyncWeb3[Any] | Rpc) -> Link:
    """The client behind `w3`. A provider that is not ours is asked through `make_request` and `make_batch_request` alone."""
    if isinstance(w3, Rpc):
        return w3
    rpc = getattr(w3.provider, "rpc", None)
    return rpc if isinstance(rpc, Rpc) else Foreign(w3.provider)


class Foreign:
    """Somebody else's web3 provider. It has no name that could be shown, so its class stands for it."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._name = type(provider).__name__

    @property
    def endpoints(self) -> tuple[str, ...]:
        return (self._name,)

    def only(self, *endpoints: str) -> Foreign:
        return self

    async def ask(self, method: str, params: Sequence[Any] = ()) -> Answer:
        answer = await self._once(method, params)
        if isinstance(answer, UnknownBlock):
            await asyncio.sleep(LAG_PAUSE)  # a node behind a load balancer may only be late
            answer = await self._once(method, params)
        if isinstance(answer, EndpointError):
            raise answer
        return answer

    async def ask_batch(self, asked: Asked) -> list[Answer | EndpointError]:
        replies = await self._sent(
            self._provider.make_batch_request, [(method, list(params)) for method, params in asked]
        )
        if isinstance(replies, dict):
            return [self._answer(method, params, replies) for method, params in asked]
        if not isinstance(replies, list) or len(replies) != len(asked):
            raise Lying(self._name, "the answer to a batch does not have one entry per request")
        return [self._answer(method, params, reply) for (method, params), reply in zip(asked, replies, strict=True)]

    async def _once(self, method: str, params: Sequence[Any]) -> Answer | EndpointError:
        return self._answer(method, params, await self._sent(self._provider.make_request, method, list(params)))

    async def _sent(self, send: Any, *request: Any) -> Any:
        """What the provider answers. Texts of its errors may hold the URL, so only their class is kept."""
        from web3.exceptions import (
            Web3Exception,
        )  # whoever has such a provider has imported web3; our own client need not

        try:
            return await send(*request)
        except NotImplementedError:
            raise Refused(self._name, "does not take batches", 0) from None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, Web3Exception) as error:
            raise Transient(self._name, type(error).__name__) from None

    def _answer(self, method: str, params: Sequence[Any], reply: Any) -> Answer | EndpointError:
        if not isinstance(reply, dict):
            return Lying(self._name, f"{method}: the answer is not a JSON-RPC response")
        if reply.get("error") is not None:
            return classify(self._name, method, fault(reply["error"]))
        result = reply.get("result")
        if result is None and method.startswith("eth_getBlockBy"):
            return UnknownBlock(self._name, f"{method}: block not known", 0)
        try:
            check(method, params, result)
        except Malformed as error:
            return Lying(self._name, f"{method}: {error}")
        return Answer(result, self._name)
