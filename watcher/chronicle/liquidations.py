"""Every liquidation of a market in a range of blocks: first what the logs say, then what the blocks around each say about it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

from watcher.adapters import adapter
from watcher.chain.logs import logs
from watcher.chronicle.case import Case
from watcher.chronicle.court import Called, Court
from watcher.errors import UsageError
from watcher.model import PositionKey

AT_ONCE: Final = 8  # blocks read side by side


async def liquidated(
    court: Court, terms: Any, first: int, last: int, step: Callable[[int], None]
) -> dict[int, list[Called]]:
    """The liquidations of blocks `first` to `last` as the market's own logs tell them, by block; `step` hears how far it got.

    `terms` are the present ones. Raises as `chain.logs.logs` does: a range is known whole or not at all.
    """
    of = adapter(court.past.market.protocol)
    if of.liquidations is None:
        raise UsageError(f"{of.name} does not say which of its logs are liquidations")
    found: dict[int, list[Called]] = {}
    async for upto, rows in logs(court.line.w3, of.liquidations(terms), first, last, windows=court.windows):
        for event, told in rows:
            found.setdefault(event.block, []).append((event, told))
        step(upto)
    return found


async def cases(court: Court, found: Mapping[int, Sequence[Called]]) -> AsyncIterator[Case]:
    """Each liquidation in the chain's order, a few blocks read ahead."""
    numbers, marks = sorted(found), defaultdict[PositionKey, list[int]](list)
    for number in numbers:
        for _, told in found[number]:
            marks[told.key].append(number)
    for start in range(0, len(numbers), AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        read = await asyncio.gather(
            *(court.block(number, found[number], marks) for number in some), return_exceptions=True
        )
        for answer in read:
            if isinstance(answer, BaseException):  # raised only now: none is left running
                raise answer
            for case in answer:
                yield case
