"""Why the positions of a report moved in the day before it, as far as the store knows: the causes of `watcher explain`, asking nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from watcher.appraisal.held import Held
from watcher.cli.explain import Order
from watcher.cli.explain.look import explained
from watcher.cli.explain.record import Explained, document, margin
from watcher.cli.explain.sheet import signed, steps
from watcher.cli.options import Options
from watcher.config import Config
from watcher.config.risk import DAY
from watcher.figures import change
from watcher.store.open import exists, open_store

Moved = Explained | str


async def causes(positions: Sequence[Held], where: str | Path | None, options: Options) -> tuple[Moved, ...]:
    """Of the day before each chain's block: an explanation, or a line why there is none, for every position that the store has."""
    if not exists(where):
        return ()
    ends = {(one.account, one.row.reading.block.timestamp): None for one in positions}
    known, found = replace(options, chain=None), list[Moved]()
    with open_store(where) as store:
        for account, end in ends:
            markets = {
                one.name for one in positions if (one.account, one.row.reading.block.timestamp) == (account, end)
            }
            asked = Order(bytes.fromhex(account[2:]), (None, end - DAY), (None, end), (), where)
            told = await explained(asked, store, Config(()), known, numbered=False)
            found += [one for one in told if _market(one) in markets]
    return tuple(found)


def _market(one: Moved) -> str:
    """A reason begins with the market that it is of."""
    return one.partition(":")[0] if isinstance(one, str) else one.stretch.market.name


def lines(told: Sequence[Moved]) -> Iterator[str]:
    """A line for each position; one that says so where the store has none of them."""
    if not told:
        yield "why it moved: the store has no past of these positions (watcher run and backfill record it)"
    for one in told:
        if isinstance(one, str):
            yield f"why it moved is not known: {one}"
            continue
        unit, between = one.unit, f"block {one.stretch.first.number} to {one.stretch.last.number}"
        moves = ", ".join(f"{name} {signed(size, unit, plus=True)}" for name, size in steps(one.pieces))
        yield (
            f"why {one.stretch.market.name} moved in a day, {between}: health {change(one.before.health, one.after.health)}, margin"
            f" {signed(margin(one.before), unit)} → {signed(margin(one.after), unit)} {unit.symbol}: {moves or 'nothing moved it'}"
        )


def records(told: Sequence[Moved]) -> Iterator[dict[str, Any]]:
    for one in told:
        if isinstance(one, str):
            yield {"kind": "risk_cause", "reason": one}
        else:
            yield {**document(one, each=False), "kind": "risk_cause"}
