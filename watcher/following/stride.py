"""What one step of a followed market reads: the logs since the last one, terms and quote, and the holdings of whoever moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from watcher.adapter import Adapter, Touch
from watcher.chain.logs import logs
from watcher.connection import Connection
from watcher.errors import BlockChanged, WatcherError
from watcher.following.stages import stage
from watcher.model import BlockRef, Market, PositionKey
from watcher.query import Query, together
from watcher.search import Windows


@dataclass(frozen=True, slots=True)
class Stride:
    """One market brought to `block`. `quote` is as stored; `held` are the positions that may have changed, as they are there."""

    block: BlockRef
    terms: Any
    quote: Any
    held: Mapping[PositionKey, Any]


@dataclass(slots=True)
class Heard:
    """Whom the logs up to block `upto` name, as far as nobody has asked yet what they hold now.

    A long walk may be cut off anywhere: the next one goes on behind `upto`, if `under`, the head that it was read for, is still the
    chain's. `everyone` and `terms` say that a log touched all positions, or the rules.
    """

    since: int  # the block that everything is known at
    upto: int = field(init=False)
    under: BlockRef | None = None
    keys: set[PositionKey] = field(default_factory=set)
    everyone: bool = False
    terms: bool = False

    def __post_init__(self) -> None:
        self.upto = self.since

    def forget(self) -> None:
        """From the beginning again: what was read may be of another branch."""
        self.upto, self.under, self.everyone, self.terms = self.since, None, False, False
        self.keys.clear()

    async def on(
        self, line: Connection, of: Adapter[Any, Any, Any], terms: Any, head: BlockRef, windows: Windows
    ) -> None:
        """Read on to `head`. Nothing is computed from a log. `BlockChanged` where one is of another branch."""
        if self.under is not None and not await leads(line, self.under, head):
            self.forget()
        self.under = head
        async for upto, rows in logs(line.w3, of.moves(terms), self.upto + 1, head.number, windows=windows):
            for event, move in rows:
                if event.block == head.number and event.block_hash != head.hash:
                    raise BlockChanged(f"block {head.number} of chain {head.chain} is no longer {head.hash[:10]}…")
                if isinstance(move, frozenset):
                    self.keys |= move
                else:
                    self.everyone |= move is Touch.EVERYONE
                    self.terms |= move is Touch.TERMS
            self.upto = upto


async def leads(line: Connection, block: BlockRef, head: BlockRef) -> bool:
    """Whether the chain that `head` ends goes through `block`."""
    if block.number == head.number:
        return block.hash == head.hash
    return block.number < head.number and (await line.reader.head(block.number)).hash == block.hash


async def stride(
    line: Connection,
    market: Market,
    of: Adapter[Any, Any, Any],
    terms: Any,
    members: Iterable[PositionKey],
    heard: Heard,
    head: BlockRef,
    windows: Windows,
) -> Stride:
    """From where `heard` begins to `head`: one log query, one batch for rules and quote, one for whoever moved.

    The number of calls follows the moves, never the members. Where the rules turn out to be other ones, with contracts that nobody has
    listened to, the logs are read once more. Raises what the endpoints fail with, and `BlockChanged`.
    """

    async def read(rules: Any) -> tuple[Any, Any, Mapping[PositionKey, Any]]:
        with stage("logs"):
            await heard.on(line, of, rules, head, windows)
        keys = tuple({*members, *heard.keys}) if heard.everyone else tuple(heard.keys)
        with stage("rules, quote, holdings"):
            return await line.reader.run(_state(of, market, rules, keys, anew=heard.terms), head)

    found = await read(terms)
    if of.moves(found[0]).addresses != of.moves(terms).addresses:
        heard.forget()
        found = await read(found[0])
    return Stride(head, *found)


async def words(line: Connection, of: Adapter[Any, Any, Any], market: Market, step: Stride) -> tuple[Any, Any]:
    """Terms and quote at the step's block, by this line's word: for whoever asks a second endpoint."""
    terms, quote, _ = await line.reader.run(_state(of, market, step.terms, (), anew=False), step.block)
    return terms, quote


def _state(
    of: Adapter[Any, Any, Any], market: Market, terms: Any, keys: tuple[PositionKey, ...], *, anew: bool
) -> Query[tuple[Any, Any, Mapping[PositionKey, Any]]]:
    """Quote and holdings under terms that are proved fresh in the same trip; under new ones where they are not."""
    if anew:
        terms = yield from of.terms(market)
    asked: tuple[Query[Any], ...] = (of.fresh(terms), of.quote(terms), of.holdings(terms, keys))
    answers: tuple[Any, ...] = yield from together(asked)
    if answers[0] is False and not anew:
        return (yield from _state(of, market, terms, keys, anew=True))
    for answer in answers:
        if isinstance(answer, WatcherError):
            raise answer
    return terms, answers[1], answers[2]
