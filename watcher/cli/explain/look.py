"""Where the facts of a stretch are had: the store first, then an archive, chain after chain."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address

from watcher.adapters import adapter
from watcher.backfill.archive import earliest, with_archive
from watcher.causes.archive import stretches
from watcher.causes.deeds import states
from watcher.causes.stretch import Stretch, Unread
from watcher.cli.explain.record import Explained
from watcher.cli.explain.stored import Wanted, stretch
from watcher.cli.history.course import places
from watcher.cli.options import Options
from watcher.cli.progress import progress
from watcher.config import Chain, Config, Origin
from watcher.connection import Connection, connect, only
from watcher.errors import AnswerError, ChainError, UsageError, WatcherError
from watcher.model import BlockRef
from watcher.risk import explain as pure
from watcher.search import Windows
from watcher.store.open import Store

if TYPE_CHECKING:
    from watcher.cli.explain import Bound, Order


async def explained(
    order: Order, store: Store | None, config: Config, options: Options, *, numbered: bool
) -> list[Explained | str]:
    """What could be explained, and a line for whatever could not. `numbered`: an end is a block number, which is of one chain."""
    read = {} if store is None else from_store(store, order, config, options)
    if not read:
        config = only(config, order.markets)
    known = {chain.id: chain for chain in config.chains}
    numbers = sorted(read) or list(known)
    if numbered and len(numbers) > 1:
        raise UsageError("every chain counts its own blocks: name one with --chain, or give a date or an age")
    found: list[Explained | str] = []
    for number in numbers:
        try:
            found += await _of_chain(known.get(number), read.get(number), order, options)
        except (ChainError, AnswerError) as error:
            found.append(str(error))
    return found


def from_store(store: Store, order: Order, config: Config, options: Options) -> dict[int, list[Stretch | Unread]]:
    """By chain, every position that the store has of the account."""
    wanted = None if options.chain is None else config.chain(options.chain).id
    found: dict[int, list[Stretch | Unread]] = {}
    for place in places(store, order.account, wanted, order.markets):
        one = stretch(store, place, Wanted(*order.begin), Wanted(*order.end))
        found.setdefault(place.market.chain, []).append(one)
    return found


async def _of_chain(
    chain: Chain | None, stored: Sequence[Stretch | Unread] | None, order: Order, options: Options
) -> list[Explained | str]:
    """Stretches of the store with the deeds that the chain's logs tell; what the store does not have, from an archive."""
    windows: Windows = {}
    if chain is None or not chain.endpoints:
        return [await _told(None, one, windows) for one in stored or ()]
    async with connect(chain) as line:
        found = [one for one in stored or () if isinstance(one, Stretch)]
        missing = [one for one in stored or () if isinstance(one, Unread)]
        lost: list[Unread] = []
        if stored is None or missing:
            try:
                some = await _read(line, order, [one.market for one in missing], options)
                found += [one for one in some if isinstance(one, Stretch)]
                lost += [one for one in some if isinstance(one, Unread)]
            except WatcherError as error:
                if stored is None:
                    raise
                lost += [Unread(one.market, f"{one.reason}; {error}") for one in missing]
        read: list[Stretch | Unread] = [*found, *lost]
        return [await _told(line, one, windows) for one in read]


async def _read(line: Connection, order: Order, markets: Sequence[str], options: Options) -> list[Stretch | Unread]:
    """From an archive; of all markets where none is named.

    `ChainError` with the earliest block of which the state is to be had, where the first one's is not.
    """
    if line.chain.endpoints[0].origin is Origin.SHIPPED:
        options.note("asking public endpoints: they learn the address that you ask for (--rpc URL asks your own)")
    first, last = await _block(line, order.begin), await _block(line, order.end)
    if first.number >= last.number:
        raise UsageError(
            f"{line.chain.name}: the first block that is meant is {first.number} and the last {last.number}"
        )
    try:
        able = await with_archive(line, first.number)
    except ChainError as error:
        number = await earliest(line, first.number, last.number)
        known = "not even the last block's is there" if number is None else f"the earliest block available is {number}"
        raise ChainError(f"{error}; {known}") from error
    owner = to_checksum_address(order.account)
    if markets:
        (chain,) = only(Config((able.chain,)), markets).chains
        able = Connection(chain, able.rpc, able.reader)
    visible = not options.quiet and sys.stderr.isatty()
    with progress(f"{line.chain.name}: blocks", len(able.chain.markets), visible) as done:
        return [one async for one in stretches(able, owner, first, last, done)]


async def _block(line: Connection, bound: Bound) -> BlockRef:
    return await line.block(*bound)


async def _told(line: Connection | None, of: Stretch | Unread, windows: Windows) -> Explained | str:
    """The stretch explained; one line where that cannot be done, as where something in it has no value."""
    if isinstance(of, Unread):
        return f"{of.market}: {of.reason}"
    try:
        found, notes = await states(line, of, windows)
        pieces = pure.explain(adapter(of.market.protocol), found)
    except (WatcherError, ValueError) as error:
        return f"{of.market.name}: {error}"
    return Explained(of, pieces, (*of.notes, *notes))
