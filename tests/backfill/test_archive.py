"""Who still has the state of an old block, and what is said where nobody has who may know the accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.chain.server import Oops, Scripted, serve
from tests.test_connection import chain
from watcher.backfill.archive import with_archive
from watcher.config import Origin
from watcher.connection import connect
from watcher.errors import ChainError


@dataclass
class Full(Scripted):
    """Keeps the state of its newest blocks alone."""

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_getBalance" and int(params[1], 16) < self.head - 10:
            raise Oops(-32000, "missing trie node")
        return await super().answer(method, params)


def able(*nodes: Scripted, origins: Sequence[Origin] = (), number: int = 5) -> tuple[str, ...]:
    """The endpoints, called a, b, c …, that are left for block `number`."""

    async def run() -> tuple[str, ...]:
        async with AsyncExitStack() as stack:
            servers = [
                await stack.enter_async_context(serve(node, name=name))
                for name, node in zip("abc", nodes, strict=False)
            ]
            line = await stack.enter_async_context(connect(chain(servers, origins=origins)))
            return (await with_archive(line, number)).rpc.endpoints

    return asyncio.run(run())


def test_only_those_are_asked_that_have_the_state() -> None:
    assert able(Full(), Scripted(), Full()) == ("b",)
    assert able(Full(), Scripted(), number=95) == ("a", "b")


def test_without_an_archive_it_is_said_what_would_help() -> None:
    with pytest.raises(ChainError, match=r"testnet: a, b cannot answer for the state of block 5 .*--rpc URL"):
        able(Full(), Full())


def test_a_public_archive_is_named_and_not_asked_in_place_of_ones_own() -> None:
    with pytest.raises(ChainError, match=r"testnet: a cannot .*; b would: name it with --rpc"):
        able(Full(), Scripted(), origins=(Origin.FLAG, Origin.SHIPPED))
