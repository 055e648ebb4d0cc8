"""Which endpoints still have the state of an old block. Asked for the balance of a market's contract: no account is named."""

from __future__ import annotations

import asyncio

from watcher.chain.rpc import Rpc
from watcher.check.look import subject
from watcher.config import Chain
from watcher.connection import Connection
from watcher.errors import ChainError, EndpointError


async def with_archive(line: Connection, number: int) -> Connection:
    """`line` over those endpoints that have the state of block `number`, among the ones named where the first one was named.

    `ChainError` where none of them has; it says which other one would, since that one would learn the accounts.
    """
    first = line.chain.endpoints[0].origin
    answers = await _asked(line.rpc, line.chain, number)
    own = [endpoint.name for endpoint in line.chain.endpoints if endpoint.origin is first]
    able = [name for name in own if answers[name] is None]
    if able:
        return line.through(*able)
    reason = next(error for name in own if (error := answers[name]) is not None)
    others = [name for name, error in answers.items() if error is None]
    advice = f"{', '.join(others)} would: name it with --rpc" if others else "name an archive endpoint with --rpc URL"
    raise ChainError(
        f"{line.chain.name}: {', '.join(own)} cannot answer for the state of block {number} ({reason.reason}); {advice}"
    )


async def _asked(rpc: Rpc, chain: Chain, number: int) -> dict[str, EndpointError | None]:
    """None by the name of each endpoint that answered, else its error."""

    async def ask(name: str) -> EndpointError | None:
        try:
            await rpc.only(name).call("eth_getBalance", [subject(chain), hex(number)])
        except EndpointError as error:
            return error
        return None

    names = rpc.endpoints
    return dict(zip(names, await asyncio.gather(*map(ask, names)), strict=True))


async def earliest(line: Connection, low: int, high: int) -> int | None:
    """The first block after `low`, whose state nobody has, of which an endpoint named where the first one was has it; by halving.

    None where not even the state of `high` is to be had.
    """
    own = {one.name for one in line.chain.endpoints if one.origin is line.chain.endpoints[0].origin}

    async def there(number: int) -> bool:
        answers = await _asked(line.rpc, line.chain, number)
        return any(name in own and error is None for name, error in answers.items())

    if not await there(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if await there(middle) else (middle, high)
    return high
