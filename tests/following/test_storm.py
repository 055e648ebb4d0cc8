"""F51: a crash in which a whole market changes band at once: one message, own wallets first, every change in the store."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.adapters.situations import NOW
from tests.benchmarks.crowd import Crowd, crowd
from watcher.alerts.message import Message, Subject
from watcher.alerts.outbox import Outbox
from watcher.following.followed import Followed
from watcher.following.follower import Follower, Weighed
from watcher.following.stride import Stride
from watcher.following.weigh import Scale
from watcher.health.bands import VOLATILE
from watcher.model import BlockRef, PositionKey, Status
from watcher.store import outbox as stored
from watcher.store.open import open_store
from watcher.watching.journal import Journal
from watcher.watching.letters import StoredLetters

OWN = 3


@dataclass
class Phone:
    name: str = "phone"
    said: list[Message] = field(default_factory=list)

    async def deliver(self, message: Message) -> None:
        self.said.append(message)


@dataclass
class Storm:
    """A market on paper, followed over a real store."""

    crowd: Crowd
    journal: Journal
    follower: Follower = field(init=False)
    number: int = 0

    def __post_init__(self) -> None:
        market = self.crowd.terms.market
        self.follower = Follower({market.name: Scale(lambda mode, together: VOLATILE, alert=Status.LIQUIDATABLE)})
        self.follower.add(Followed(market, self.crowd.book(), self.crowd.quote, self.block))

    @property
    def block(self) -> BlockRef:
        number, chain = self.number, self.crowd.terms.market.chain
        return BlockRef(NOW.number + number, NOW.timestamp + 12 * number, chain, f"0x{number:064x}")  # type: ignore[arg-type]

    async def step(self, percent: int) -> Weighed:
        """The next block, at which every asset is worth so much of what it was, debts but not collateral as before."""
        self.number += 1
        prices = tuple(
            price and price * (percent if place % 2 else 100) // 100
            for place, price in enumerate(self.crowd.quote.prices)
        )
        quote = replace(self.crowd.quote, prices=prices)
        step = Stride(self.block, self.crowd.terms, quote, {})
        weighed = self.follower.weigh({self.crowd.terms.market.name: step}, self.block, self.now, confirmed=True)
        await self.journal.record(self.block, weighed.entries, self.now, weighed.transitions)
        self.follower.keep()
        return weighed

    @property
    def now(self) -> int:
        return self.block.timestamp

    async def told(self, phone: Phone, own: set[PositionKey]) -> None:
        def who(key: PositionKey) -> Subject:
            return Subject("mine" if key in own else key.key.hex(), key in own)

        await Outbox(StoredLetters(self.journal), [phone], who, lambda: self.now, lambda: float(self.now)).deliver(
            phone
        )


@pytest.mark.parametrize("accounts", [1_000, pytest.param(50_000, marks=pytest.mark.long)])
def test_f51_one_message_own_wallets_first_and_nothing_lost(tmp_path: Path, accounts: int) -> None:
    async def run() -> int:
        journal = Journal(open_store(tmp_path / "watcher.db", write=True, create=True), ["phone"])
        try:
            return await played(Storm(crowd(accounts), journal))
        finally:
            journal.close()

    assert asyncio.run(run()) > accounts // 10


async def played(storm: Storm) -> int:
    """How many came to be liquidatable at once."""
    phone = Phone()
    await storm.step(100)
    await storm.told(phone, set())
    quiet = await storm.step(100)
    assert quiet.transitions == ()
    assert quiet.entries[0].seen == ()
    phone.said.clear()
    fallen = await storm.step(55)
    ripe = [one.key for one in fallen.transitions if one.after is Status.LIQUIDATABLE]
    assert len(ripe) > len(storm.crowd.holdings) // 10
    own = set(ripe[-OWN:])
    await storm.told(phone, own)
    (message,) = phone.said
    assert len(message.text) < 4_000
    lines = message.body.splitlines()
    assert lines[:OWN] == [line for line in lines if "mine" in line] != []
    kept = stored.transitions(storm.journal.store, chain=storm.block.chain)
    assert Counter(one.key for one in kept if one.block == storm.block) == Counter(
        one.key for one in fallen.transitions
    )
    phone.said.clear()
    await storm.told(phone, own)
    assert phone.said == []
    one = storm.follower.markets[storm.crowd.terms.market.name]
    quote, changed = one.accrued(), {change.key: change for change in fallen.transitions}
    for key, holding in one.book.holdings():
        worth = one.of.value(one.terms, quote, holding)
        assert key not in changed or changed[key].health == worth.health
        assert not worth.liquidatable or one.standings[key].status is Status.LIQUIDATABLE
    return len(ripe)
