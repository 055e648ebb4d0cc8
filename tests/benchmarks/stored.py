"""What a followed market weighs on disk: some hours of it through the real store, against a row of text for each account and tick.

Blocks of twelve seconds. At each two reserves take interest and new totals; one price of fifty moves in every fifth; each account
moves once in three days, and changes band without having moved once in nine. No published count is behind these: they are meant to
be busy.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

from eth_typing import HexStr

from tests.benchmarks.crowd import Crowd, crowd
from tests.benchmarks.row import Row, faster
from watcher.adapter import Position, Which
from watcher.adapters import adapter
from watcher.adapters.aave_v3.facts import Holding, Quote
from watcher.health.status import read
from watcher.model import BlockRef, PositionKey, Sighting
from watcher.store import survey
from watcher.store.entry import Entry, Seen
from watcher.store.history import record
from watcher.store.open import Store, open_store
from watcher.store.survey import Book
from watcher.store.upkeep import growth
from watcher.units import Raw, Ray

ACCOUNTS, HOURS, BLOCK_TIME, TICK = 5_000, 2, 12, 300
BLOCKS = HOURS * 3_600 // BLOCK_TIME
MOVES = ACCOUNTS / 3 / (86_400 / BLOCK_TIME)  # accounts that move in a block, on average
CHAIN, BEGAN = 1, 1_800_000_000
TEXT: Final = (
    "CREATE TABLE naive (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT, time TEXT, health TEXT, collateral TEXT, debt TEXT)",
    "CREATE INDEX naive_account ON naive (account)",
)


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        found = crowd(ACCOUNTS)
        with open_store(Path(folder) / "watcher.db", write=True, create=True) as store:
            _enter(store, found)
            opened = growth(store).size
            _followed(store, found)
            ours = (growth(store).size - opened) / (ACCOUNTS * HOURS)
        theirs = _naive(Path(folder) / "naive.db", found) * 3_600 / TICK
    name = f"stored, {ACCOUNTS:,} accounts followed for {BLOCKS:,} blocks, against text at {TICK // 60} minutes"
    return [faster(name, "bytes per account-hour", ours, theirs, 20)]


def _block(number: int) -> BlockRef:
    return BlockRef(number, BEGAN + BLOCK_TIME * number, CHAIN, HexStr(f"0x{Random(number).getrandbits(256):064x}"))


def _enter(store: Store, found: Crowd) -> None:
    quote = replace(found.quote, at=None)
    book: Book[Any, Any, Any] = Book(found.terms, quote, found.holdings, _block(1))
    survey.enter(store, found.terms.market, book, dict.fromkeys(found.holdings, 1), [])


def _followed(store: Store, found: Crowd) -> None:
    """What the follower hands over, block by block."""
    chance, quote, of = Random(2), replace(found.quote, at=None), adapter("aave_v3")
    keys, held = list(found.holdings), dict(found.holdings)
    for number in range(2, BLOCKS + 2):
        block = _block(number)
        quote = _later(chance, quote, block)
        some: dict[PositionKey, Holding] = {}
        for key in chance.sample(keys, int(MOVES * 4 / 3 + chance.random())):
            some[key] = _moved(chance, held[key]) if chance.random() < 0.75 else held[key]
        held |= some
        accrued = of.accrue(found.terms, quote, block, Which.ALL)
        seen = tuple(_seen(of, found, accrued, block, key, holding) for key, holding in some.items())
        entry = Entry(found.terms.market, found.terms, quote, seen, followed=True)
        record(store, block, [entry], read_at=block.timestamp + 2)


def _later(chance: Random, quote: Quote, block: BlockRef) -> Quote:
    states, prices, pulses = list(quote.states), list(quote.prices), list(quote.pulses)
    for place in chance.sample(range(len(states)), 2):
        old = states[place]
        states[place] = replace(
            old,
            index=Ray(old.index + chance.randrange(10**20)),
            rate=Ray(old.rate + chance.randrange(-(10**22), 10**22)),
            debt_index=Ray(old.debt_index + chance.randrange(10**20)),
            debt_rate=Ray(old.debt_rate + chance.randrange(-(10**22), 10**22)),
            updated=block.timestamp,
            deposits=old.deposits + chance.randrange(10**22),
            debts=old.debts + chance.randrange(10**21),
            treasury=old.treasury + chance.randrange(10**16),
            free=Raw(old.free + chance.randrange(10**22)),
        )
    if chance.random() < 0.2:
        place = chance.randrange(len(prices))
        prices[place] = (prices[place] or 1) * chance.randrange(9_950, 10_050) // 10_000
        pulses[place] = replace(pulses[place], updated=block.timestamp)
    return replace(quote, states=tuple(states), prices=tuple(prices), pulses=tuple(pulses))


def _moved(chance: Random, old: Holding) -> Holding:
    first, *rest = old.balances
    return replace(old, balances=(replace(first, deposit=first.deposit + chance.randrange(1, 10**18)), *rest))


def _seen(of: Any, found: Crowd, quote: Quote, block: BlockRef, key: PositionKey, holding: Holding) -> Seen:
    reading = read(key, block, Position(of, found.terms, quote, holding))
    health = None if reading.valuation is None else reading.valuation.health
    sighting = Sighting(key, block, block.timestamp, reading.status, reading.status, health, True)
    return Seen(reading, holding, sighting)


def _naive(path: Path, found: Crowd) -> float:
    """Bytes of a row that has an address, a time and three decimals as text, with an index by account."""
    of = adapter("aave_v3")
    worth = [of.value(found.terms, found.quote, holding) for holding in found.holdings.values()]
    with closing(sqlite3.connect(path)) as connection:
        for line in TEXT:
            connection.execute(line)
        for tick in range(4):
            connection.executemany(
                "INSERT INTO naive (account, time, health, collateral, debt) VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        f"0x{one.key.key.hex()}",
                        f"2026-11-22T10:{5 * tick:02d}:00+00:00",
                        f"{(one.health or 0) / 10**18:.18f}",
                        f"{one.collateral / 10**8:.8f}",
                        f"{one.debt / 10**8:.8f}",
                    )
                    for one in worth
                ],
            )
        connection.commit()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    return float(pages * size) / (4 * len(worth))
