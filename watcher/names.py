"""ENS names resolved on Ethereum: at a block that the endpoints agree on, by two of them where there are two."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from watcher.chain.ens import CHAIN, INSTEAD, Pinned, address_of, normal
from watcher.config import Chain, Config, Origin
from watcher.connection import Pin, connect
from watcher.errors import BlockChanged, ChainError, Transient, UsageError, WatcherError
from watcher.query import together

DEADLINE = 20.0  # seconds for all names
REPEATS = 3  # readings, where the pinned block was replaced meanwhile


def ethereum(*configs: Config, private: bool = False) -> Chain:
    """The Ethereum of the first configuration that has one. With `private` a chain of shipped endpoints alone does not count.

    `UsageError` where there is none: then a name cannot be resolved.
    """
    for config in configs:
        for chain in config.chains:
            own = tuple(endpoint for endpoint in chain.endpoints if endpoint.origin is not Origin.SHIPPED)
            if chain.id == CHAIN and (own or not private):
                return replace(chain, endpoints=own) if private else chain
    said = "no endpoint of yours serves" if private else "there is no"
    raise UsageError(f"ENS names are resolved on Ethereum, and {said} chain {CHAIN} here: name one, or {INSTEAD}")


async def resolve(chain: Chain, names: Sequence[str], deadline: float = DEADLINE) -> dict[str, Pinned | WatcherError]:
    """What each of `names` means now on Ethereum (`chain`), by the name as it is given; the error where it means nothing.

    An entry is a `UsageError` exactly where the name itself is at fault; whatever else went wrong may be different next time.
    """
    found: dict[str, Pinned | WatcherError] = {}
    wanted: dict[str, str] = {}
    for name in names:
        try:
            wanted[name] = normal(name)
        except UsageError as error:
            found[name] = error
    if not wanted:
        return found
    try:
        async with asyncio.timeout(deadline):
            answers = await _agreed(chain, list(wanted.values()))
    except TimeoutError:
        late = Transient(chain.name, f"no answer within {deadline:g} s, so no name could be resolved; {INSTEAD}")
        answers = [late] * len(wanted)
    except WatcherError as error:
        answers = [error] * len(wanted)
    return found | dict(zip(wanted, answers, strict=True))


async def _agreed(chain: Chain, names: list[str]) -> list[Pinned | WatcherError]:
    async with connect(chain) as line:
        for _ in range(REPEATS):
            try:
                return await _at(await line.pin(), names)
            except BlockChanged:
                continue
    raise ChainError(f"{chain.name}: its newest blocks keep being replaced; try again in a minute")


async def _at(pin: Pin, names: list[str]) -> list[Pinned | WatcherError]:
    """What the first two holders of the block say; where they differ about a name it is not known."""

    async def asked(holder: str) -> tuple[Pinned | WatcherError, ...] | ChainError:
        query = together([address_of(name, pin.block) for name in names])
        try:
            return await pin.line.through(holder).reader.run(query, pin.block)
        except BlockChanged:
            raise
        except ChainError as error:
            return error

    answers = await asyncio.gather(*(asked(holder) for holder in pin.holders[:2]))
    given = [answer for answer in answers if not isinstance(answer, ChainError)]
    if not given:
        raise next(answer for answer in answers if isinstance(answer, ChainError))
    return [_one(name, [answer[place] for answer in given], pin.holders) for place, name in enumerate(names)]


def _one(name: str, said: list[Pinned | WatcherError], holders: Sequence[str]) -> Pinned | WatcherError:
    """One name by what was said of it. An endpoint that failed says nothing, as long as another does."""
    meant = [one for one in said if isinstance(one, Pinned | UsageError)]
    if not meant:
        return said[0]
    if len({one.address if isinstance(one, Pinned) else None for one in meant}) > 1:
        return ChainError(f"{' and '.join(holders[:2])} answer differently for {name}; {INSTEAD}")
    return meant[0]
