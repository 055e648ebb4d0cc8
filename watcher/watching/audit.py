"""Stored words against the contract, some blocks later and over another endpoint: what is written down is still what the chain says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from watcher.adapter import Reported
from watcher.adapters import adapter
from watcher.connection import Connection
from watcher.cycle import Facts, Row, value
from watcher.errors import BlockChanged, EndpointError, Transient, WatcherError
from watcher.model import BlockRef, Doubt, DoubtKind, Market, PositionKey, Status
from watcher.query import together
from watcher.store import recall
from watcher.store.open import Store
from watcher.store.recall import Recalled
from watcher.watching.chain import WatchedChain

AGE: Final = 16  # blocks: a reading so old is not only in one endpoint's memory
STATE: Final = 120  # blocks whose state an endpoint without an archive still has; they keep 128
DEADLINE: Final = 30.0  # seconds for the audit of one chain


@dataclass(frozen=True, slots=True)
class Finding:
    """One position at one stored block: `doubt` is a difference, or why there is no answer; None where the contract says the same."""

    market: Market
    key: PositionKey
    number: int | None
    doubt: Doubt | None


Group: TypeAlias = tuple[BlockRef, Market]
Recollection: TypeAlias = dict[Group, dict[PositionKey, Recalled[Any, Any, Any]]]


async def audited(chain: WatchedChain) -> tuple[Finding, ...]:
    """One finding per position that is known and not unknown. A block that is gone has none: its readings are being taken back.

    Raises `StoreError`, and `ChainError` where the chain has no head to go by.
    """
    pin = await chain.line.pin()
    markets = {market.name: market for market in chain.markets}
    keys = [key for key, one in (chain.standings or {}).items() if one.status is not Status.UNKNOWN]
    groups: Recollection = {}
    found: list[Finding] = []
    for key in keys:
        market = markets[key.market]
        past = await chain.journal.call(_past, market, key, pin.block.number)
        if past is None:
            why = "no reading of it can be had again from what is stored"
            found.append(Finding(market, key, None, Doubt(DoubtKind.UNAUDITED, why)))
        else:
            groups.setdefault((past.kept.block, market), {})[key] = past
    names = order(chain.line, chain.served or pin.holders)
    for group, held in groups.items():
        found += await _compared(chain.line, names, group, held)
    return tuple(found)


def _past(store: Store, market: Market, key: PositionKey, head: int) -> Recalled[Any, Any, Any] | None:
    """The newest reading that has some age, but not too much; else the newest of all, on the chance that an endpoint has an archive."""
    of = adapter(market.protocol)
    aged = recall.facts_at(store, of, market, key, head - AGE)
    if aged is not None and aged.kept.block.number >= head - STATE:
        return aged
    return recall.facts_at(store, of, market, key)


def order(line: Connection, served: Sequence[str]) -> tuple[str, ...]:
    """Whom to ask: endpoints named in the same place as those that served the reading, others than these first."""
    near = next((names for names in line.groups() if served[0] in names), tuple(served))
    return (*(name for name in near if name not in served), *reversed([name for name in near if name in served]))


async def _compared(
    line: Connection, names: Sequence[str], group: Group, held: Mapping[PositionKey, Recalled[Any, Any, Any]]
) -> tuple[Finding, ...]:
    block, market = group
    try:
        name, said = await _said(line, names, block, market, held)
        any_ = next(iter(held.values()))
        facts = Facts(any_.terms, any_.quote, {key: one.holding for key, one in held.items()}, said)
        rows = value(market, facts, block).rows
    except BlockChanged:
        return ()
    except WatcherError as error:
        doubt = Doubt(DoubtKind.UNAUDITED, f"block {block.number}: {error}")
        return tuple(Finding(market, key, block.number, doubt) for key in held)
    return tuple(
        Finding(market, row.reading.key, block.number, judged(row, held[row.reading.key], name)) for row in rows
    )


async def _said(
    line: Connection,
    names: Sequence[str],
    block: BlockRef,
    market: Market,
    held: Mapping[PositionKey, Recalled[Any, Any, Any]],
) -> tuple[str, Mapping[PositionKey, Reported]]:
    """The contract's own answers at that block, of the first endpoint that gives them, and its name."""
    terms = next(iter(held.values())).terms
    failed: WatcherError = Transient(" and ".join(names), "no answer in time")
    for name in names:
        try:
            async with asyncio.timeout(DEADLINE / len(names)):
                query = together([adapter(market.protocol).reported(terms, tuple(held))])
                (answer,) = await line.through(name).reader.run(query, block)
        except TimeoutError:
            continue
        except (EndpointError, BlockChanged) as error:
            failed = error
            continue
        if isinstance(answer, EndpointError):
            failed = answer
        elif isinstance(answer, WatcherError):
            raise answer
        else:
            return name, answer
    raise failed


def judged(row: Row, past: Recalled[Any, Any, Any], name: str) -> Doubt | None:
    """Whether the stored words give what was read then, and that what the contract says by itself."""
    kept, worth = past.kept, row.reading.valuation
    figures = (None, None, None) if worth is None else (worth.health, worth.collateral, worth.debt)
    where = f"block {kept.block.number}"
    if figures != (kept.health, kept.collateral, kept.debt):
        return Doubt(DoubtKind.MISMATCH, f"{where}: the stored words give another health than was read then")
    if row.mismatches:
        said = "; ".join(one.doubt().text for one in row.mismatches)
        return Doubt(DoubtKind.MISMATCH, f"{where}, asked of {name}: {said}")
    if not row.audited:
        said = row.reading.reason or "; ".join(
            one.text for one in row.reading.doubts if one.kind is DoubtKind.UNAUDITED
        )
        return Doubt(DoubtKind.UNAUDITED, f"{where}: {said}")
    return None
