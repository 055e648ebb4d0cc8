"""A followed market in a town of numbers, behind endpoints with faults: what everybody holds at any block is known there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from tests.chain.evm import Reverted
from tests.chain.server import bloom_of
from tests.survey.town import HEAD, Deed, Desk, Log, Town, answering, deeds, line
from watcher.adapters import adapter
from watcher.book.book import Book
from watcher.connection import Connection
from watcher.following.followed import Followed
from watcher.following.follower import Follower, Weighed
from watcher.following.weigh import Scale
from watcher.health.bands import VOLATILE

PRICE = 10**33  # debts of the first block are about what the collateral secures


@dataclass
class Street(Town):
    """`price` is the oracle's answer at a block. With `blooms` headers carry the filters of their logs."""

    price: Callable[[int], int] = lambda block: PRICE
    blooms: bool = False
    reverting: bytes = b""  # an account whose position cannot be read

    def contracts(self, block: int) -> dict[str, Callable[[bytes], bytes]]:
        made = super().contracts(block)
        morpho = made[self.market.address.lower()]

        def guarded(data: bytes) -> bytes:
            if self.reverting and self.reverting in data:
                raise Reverted
            return morpho(data)

        oracle = answering("morpho_blue/oracle", {"price": lambda _: [self.price(block)]})
        return made | {self.market.address.lower(): guarded, self.terms.params.oracle.lower(): oracle}

    def block(self, number: int) -> Log:
        marks = {"logsBloom": bloom_of(log for log in self.logs if int(log["blockNumber"], 16) == number)}
        return super().block(number) | (marks if self.blooms else {})

    def pass_(self, blocks: int) -> None:
        self.clock.pass_(self.pace * blocks)

    def mover(self, block: int) -> Deed:
        return next(deed for deed in self.deeds if deed.block == block)


def street(accounts: int = 60, **values: Any) -> Street:
    return Street(deeds(accounts, 1), pace=1, **values)


def scale() -> Scale:
    return Scale(lambda mode, together: VOLATILE)


@dataclass
class Scene:
    town: Street
    line: Connection
    one: Followed
    follower: Follower = field(init=False)

    def __post_init__(self) -> None:
        self.follower = Follower({self.town.market.name: scale()})
        self.follower.add(self.one)

    async def step(self, blocks: int = 1) -> Weighed:
        """So many blocks later: one step to the head that the endpoints agree upon, and it is written."""
        self.town.pass_(blocks)
        pin = await self.line.pin()
        strides = await self.follower.read(pin)
        weighed = self.follower.weigh(strides, pin.block, pin.block.timestamp, confirmed=len(pin.holders) > 1)
        self.follower.keep()
        return weighed

    @property
    def whole(self) -> bool:
        """Whether the book is everybody who had borrowed by its block, with what they held there."""
        return dict(self.one.book.holdings()) == self.town.truth(self.one.block.number)


async def opened(town: Street, *desks: Desk) -> Scene:
    """Everybody at the head, as a survey would leave it; followed through these endpoints."""
    of, honest = adapter("morpho_blue"), line(town, Desk(town))
    head = await honest.block()
    terms = await honest.reader.run(of.terms(town.market), head)
    quote = await honest.reader.run(of.quote(terms), head)
    book = Book(town.market, of, terms, town.truth(head.number))
    return Scene(town, line(town, *desks), Followed(town.market, book, quote, head))


def played(town: Street, desks: list[Desk], play: Callable[[Scene], Coroutine[Any, Any, None]]) -> Scene:
    async def run() -> Scene:
        scene = await opened(town, *desks)
        assert scene.whole
        await play(scene)
        return scene

    return asyncio.run(run())


__all__ = ["HEAD", "Deed", "Desk", "Scene", "Street", "deeds", "opened", "played", "scale", "street"]
