"""The market view at the end, as `watcher scan` shows it: out of the store that the run has left behind."""

from __future__ import annotations

from typing import Final

from watcher.cli.account.bands import usual
from watcher.cli.demo.market import AT_RISK
from watcher.cli.scan import chooser
from watcher.config import Chain
from watcher.connection import connect
from watcher.errors import StoreError
from watcher.model import Market
from watcher.scan.look import Order, View, look
from watcher.scan.opening import from_store
from watcher.store.open import Store

TOP: Final = 5


async def listing(chain: Chain, store: Store, market: Market) -> View:
    """The first few of those at risk, and the proof that nobody is missing. `StoreError` where the store has no book that stands."""
    policy = usual(chain)
    async with connect(chain) as line:
        opening = await from_store(line, market, store)
        if opening is None:
            raise StoreError(f"{store.name} has no book of {market.name} that stands")
        await opening.advance(line)
        return await look(line, opening, Order(AT_RISK, policy.groups, chooser(policy, market), top=TOP))
