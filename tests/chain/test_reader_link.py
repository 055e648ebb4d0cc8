"""Somebody else's web3 provider, however it fails: our errors, without a URL in them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.chain.server import Scripted
from tests.chain.test_reader import BALANCE, TOKEN, account, evm, owned
from watcher.chain.classify import UnknownBlock
from watcher.chain.link import link
from watcher.chain.reader import Reader
from watcher.errors import EndpointError, Lying, RateLimited, Refused, Transient
from watcher.query import Code, Query, Rows, ask, one

from web3.exceptions import BadResponseFormat, PersistentConnectionClosedOK, ProviderConnectionError  # isort: skip  # after the provider, as below

URL = "https://node.example/v2/secret-key"


class Provider:
    """`make_request` and nothing more, answering from a scripted chain."""

    def __init__(self, node: Scripted) -> None:
        self.node = node
        self.asked: list[str] = []

    async def make_request(self, method: str, params: Any) -> Any:
        self.asked.append(method)
        return {"jsonrpc": "2.0", "id": 1, "result": await self.node.answer(method, params)}

    async def make_batch_request(self, requests: Any) -> Any:
        raise NotImplementedError


class W3:
    def __init__(self, provider: Any) -> None:
        self.provider = provider


def failing(reply: Callable[[], Any]) -> Any:
    """A web3 whose provider answers everything, batches too, with what `reply` gives or raises."""

    class Failing:
        async def make_request(self, method: str, params: Any) -> Any:
            return reply()

        make_batch_request = make_request

        async def make_batch_requests(self, requests: Any) -> Any:
            return reply()

    return W3(Failing())


def error_of(w3: Any, method: str = "eth_call") -> EndpointError:
    with pytest.raises(EndpointError) as caught:
        asyncio.run(link(w3).ask(method, [{}, "latest"]))
    return caught.value


def test_a_provider_that_takes_no_batches_is_asked_one_by_one() -> None:
    provider = Provider(Scripted(call=evm()))

    async def main() -> tuple[Rows, ...]:
        reader = Reader(W3(provider))  # type: ignore[arg-type]  # what a reader needs of an AsyncWeb3 is its provider

        def query() -> Query[tuple[Rows, ...]]:
            return (yield from ask(one(BALANCE, TOKEN, [(account(1),)]), Code((TOKEN,)), Code((account(9),))))

        block = await reader.head()
        first = await reader.run(query(), block)
        provider.asked.clear()
        assert await reader.run(query(), block) == first
        return first

    assert asyncio.run(main()) == ([(1,)], [(b"",)], [(b"",)])
    assert sorted(provider.asked) == ["eth_call", "eth_getBlockByNumber", "eth_getCode", "eth_getCode"]


@pytest.mark.parametrize(
    "raised",
    [
        aiohttp.ClientConnectionError(URL),
        aiohttp.ServerTimeoutError(URL),
        ConnectionResetError(URL),
        TimeoutError(URL),
        ValueError(URL),
        ProviderConnectionError(URL),
        BadResponseFormat(URL),
        PersistentConnectionClosedOK(user_message=URL),
    ],
)
def test_what_a_provider_raises_is_transient_and_shows_no_url(raised: Exception) -> None:
    def reply() -> Any:
        raise raised

    error = error_of(failing(reply))
    assert isinstance(error, Transient)
    assert "secret" not in str(error) and "Failing" in str(error)


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        ({"code": -32601, "message": "the method does not exist"}, Refused),
        ({"code": -32005, "message": "rate limit"}, RateLimited),
        ({"code": -32000, "message": "header not found"}, UnknownBlock),
        ({"code": -32603, "message": "internal error"}, Transient),
    ],
)
def test_a_json_rpc_error_is_classified_as_by_our_own_client(member: dict[str, Any], kind: type[EndpointError]) -> None:
    assert isinstance(error_of(failing(lambda: {"jsonrpc": "2.0", "id": 1, "error": member})), kind)


@pytest.mark.parametrize(
    "reply", [None, 7, [], {"result": None}, {"result": 7}, {"result": "0xabc"}, {"result": "abc"}]
)
def test_what_cannot_be_an_answer_is_a_lie(reply: Any) -> None:
    assert isinstance(error_of(failing(lambda: reply)), Lying)


@pytest.mark.parametrize("reply", [[], [{"result": "0x"}], None, "0x"])
def test_a_batch_that_is_not_answered_entry_by_entry_is_a_lie(reply: Any) -> None:
    with pytest.raises(Lying):
        asyncio.run(_batch(failing(lambda: reply)))


def test_one_error_for_a_whole_batch_is_the_error_of_each() -> None:
    member = {"error": {"code": -32600, "message": "no batches"}}
    answers = asyncio.run(_batch(failing(lambda: member)))
    assert [type(answer) for answer in answers] == [Refused, Refused]


async def _batch(w3: Any) -> list[Any]:
    provider = w3.provider
    provider.make_batch_request = provider.make_batch_requests
    return list(await link(w3).ask_batch([("eth_call", [{}, "latest"])] * 2))


def test_a_block_that_does_not_exist_yet_is_unknown() -> None:
    async def main() -> None:
        reader = Reader(W3(Provider(Scripted(head=5))))  # type: ignore[arg-type]
        assert (await reader.head("0x" + Scripted().hash(5)[2:])).number == 5
        await reader.run(owned(), await reader.head(5))
        with pytest.raises(UnknownBlock):
            await reader.head(6)

    asyncio.run(main())
