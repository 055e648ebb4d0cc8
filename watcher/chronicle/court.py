"""Reads what the blocks around liquidations say about them. What cannot be read is `Unknown` for those alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter import Event, Liquidated, Position
from watcher.adapters import adapter
from watcher.chain.logs import logs
from watcher.chronicle.after import bad_debts, money, opened
from watcher.chronicle.before import before, foreseen
from watcher.chronicle.case import Before, Case, Delay, Money, Unknown
from watcher.chronicle.crossing import Found, crossing
from watcher.chronicle.past import Past, State
from watcher.connection import Connection
from watcher.errors import AnswerError, WatcherError
from watcher.model import BlockRef, PositionKey, Token
from watcher.query import Query, ask, each
from watcher.search import Windows

LOOK_BACK: Final = 1 << 17  # blocks: as far as the beginning of a delay is looked for

Called: TypeAlias = tuple[Event, Liquidated]


@dataclass(frozen=True, slots=True)
class Court:
    """`head` is where tokens are asked for their names; `tokens` are those that were. `windows` is known about endpoints' log ranges."""

    line: Connection
    past: Past
    head: BlockRef
    windows: Windows = field(default_factory=dict)
    tokens: dict[ChecksumAddress, Token] = field(default_factory=dict)

    async def block(
        self, number: int, called: Sequence[Called], marks: Mapping[PositionKey, Collection[int]]
    ) -> list[Case]:
        """Every liquidation of one block, in order; `marks` are all blocks in which a borrower is known to have been liquidated.

        Raises only where not even the block's header and logs can be read.
        """
        keys = tuple(dict.fromkeys(told.key for _, told in called))
        block = await self.past.reader.head(number)
        earlier, after = await self._state(number - 1, keys), await self._state(number, keys)
        settled = await self._settled(called, self.past.terms if isinstance(earlier, Unknown) else earlier.terms)
        for state in (earlier, after):  # a native token has no contract to ask for its name
            if not isinstance(state, Unknown):
                self.tokens.update({price.token.address: price.token for price in state.prices})
        await self._name(one for told in settled for one in _tokens(told))
        delays = {key: await self._delay(key, block, earlier, marks.get(key, ())) for key in keys}
        left, seen = Counter(told.key for told in settled), Counter[PositionKey]()
        found = []
        for (event, _), told in zip(called, settled, strict=True):
            seen[told.key] += 1
            debt = self.tokens[told.debt]
            case = Case(
                log=event,
                block=block,
                told=told,
                debt=debt,
                collateral=self.tokens[told.collateral],
                received=self.tokens[told.received],
                along=tuple((self.tokens[token], amount) for token, amount in told.along),
                fees=tuple((self.tokens[token], amount) for token, amount in told.fees),
                nth=seen[told.key],
                money=await self._money(told, after, last=seen[told.key] == left[told.key]),
                before=_before(earlier, after, block, told, debt),
                delay=delays[told.key],
            )
            found.append(case)
        return found

    async def _state(self, number: int, keys: Sequence[PositionKey]) -> State | Unknown:
        try:
            return await self.past.at(number, keys)
        except WatcherError as error:
            return Unknown(f"block {number}: {error}")

    async def _settled(self, called: Sequence[Called], terms: Any) -> tuple[Liquidated, ...]:
        """With what the logs beside them add. Terms that do not know the asset any more leave it unsaid."""
        told = tuple(one for _, one in called)
        beside = adapter(self.past.market.protocol).beside
        if beside is None:
            return told
        number, found = called[0][0].block, []
        keys = tuple(dict.fromkeys(one.key for one in told))
        async for _, rows in logs(self.line.w3, beside.logs(terms, keys), number, number, windows=self.windows):
            found += [event for event, _ in rows]
        try:
            return beside.settle(terms, called, found)
        except AnswerError:
            return told

    async def _name(self, addresses: Iterable[ChecksumAddress]) -> None:
        wanted = sorted(set(addresses) - self.tokens.keys())
        if wanted:
            self.tokens.update(await self.past.reader.run(named(wanted), self.head))

    async def _delay(
        self, key: PositionKey, block: BlockRef, earlier: State | Unknown, marks: Collection[int]
    ) -> Delay | Unknown:
        if isinstance(earlier, Unknown):
            return earlier
        try:
            if not opened(earlier.positions[key]):
                return Delay(block.number, 0, 0)
            found = await self._crossed(key, block.number, marks)
            since = await self.past.reader.head(found.block)
        except WatcherError as error:
            return Unknown(f"since when it could be liquidated: {error}")
        return Delay(since.number, block.number - since.number, block.timestamp - since.timestamp, found.bounded)

    async def _crossed(self, key: PositionKey, number: int, marks: Collection[int]) -> Found:
        """The search, asked block by block; raises where one of them cannot be read."""
        search = crossing(number - 1, max(self.past.market.start or 0, number - LOOK_BACK), marks)
        try:
            wanted = next(search)
            while True:
                state = await self.past.at(wanted, (key,))
                wanted = search.send(opened(state.positions[key]))
        except StopIteration as stop:
            found: Found = stop.value
            return found

    async def _money(self, told: Liquidated, after: State | Unknown, *, last: bool) -> Money | Unknown:
        if isinstance(after, Unknown):
            return after
        if told.fee is None:
            return Unknown("what else was moved or written off is in none of the logs that were read")
        position = after.positions[told.key]
        try:
            bad = bad_debts(position, told, last=last)
            await self._name(address for address, _ in bad)
            return money(position, told, bad, self.tokens)
        except WatcherError as error:
            return Unknown(f"block {after.block.number}: {error}")


def _tokens(told: Liquidated) -> tuple[ChecksumAddress, ...]:
    beside = (token for token, _ in (*told.along, *told.fees))
    return (told.debt, told.collateral, told.received, *beside)


def _before(
    earlier: State | Unknown, after: State | Unknown, block: BlockRef, told: Liquidated, debt: Token
) -> Before | Unknown:
    if isinstance(earlier, Unknown):
        return earlier
    position = earlier.positions[told.key]
    try:
        return before(position, earlier.block, told, debt, _later(position, after, block))
    except WatcherError as error:
        return Unknown(f"block {earlier.block.number}: {error}")


def _later(
    position: Position[Any, Any, Any], after: State | Unknown, block: BlockRef
) -> Position[Any, Any, Any] | Unknown:
    if isinstance(after, Unknown):
        return after
    try:
        return foreseen(position, after.prices, block)
    except WatcherError as error:
        return Unknown(str(error))


def named(wanted: Sequence[ChecksumAddress]) -> Query[dict[ChecksumAddress, Token]]:
    """The tokens; one without a symbol is called by the ends of its address, one without decimals is an error."""
    symbols, decimals = yield from ask(
        each("erc20/token.symbol", wanted, optional=True), each("erc20/token.decimals", wanted)
    )
    return {
        address: Token(address, (symbol and symbol[0]) or f"{address[:6]}…{address[-4:]}", places)
        for address, symbol, (places,) in zip(wanted, symbols, decimals, strict=True)
    }
