"""`watcher scan --watch`: the table anew at every head, or a line for every crossing, appended as it happens."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

from watcher.cli.account.record import at
from watcher.cli.options import Format, Options
from watcher.cli.output import show
from watcher.cli.scan.prices import Assumed
from watcher.cli.scan.record import of_assumed, whose
from watcher.cli.scan.sheet import show_scan
from watcher.config import Chain
from watcher.connection import Connection
from watcher.figures import exact
from watcher.model import Market
from watcher.scan.look import Order, look
from watcher.scan.opening import Opening
from watcher.scan.watch import Crossing, Turn, Watch
from watcher.text import clean_line

CLEAR: Final = "\x1b[H\x1b[2J"
LEAST, MOST = 1.0, 6.0  # seconds between two looks at the head


async def watched(
    line: Connection,
    opening: Opening,
    order: Order,
    prices: Sequence[Assumed],
    options: Options,
) -> None:
    """Until it is interrupted. What cannot be read is said, and tried again. Raises where a reorganisation goes back too far."""
    watch, market = Watch(line, opening, order), opening.followed.market
    async for turn in watch.turns(min(max(float(line.chain.block_time) / 2, LEAST), MOST)):
        if not isinstance(turn, Turn):
            sys.stderr.write(f"watcher: {clean_line(str(turn))}; trying again\n")
        elif options.format is Format.JSONL:
            show([of_crossing(line.chain, market, order, one, prices) for one in turn.crossings], (), options.format)
            sys.stdout.flush()
        elif not watch.lost:
            seen = await look(line, opening, order)
            sys.stdout.write(CLEAR if sys.stdout.isatty() else "\n")
            show_scan(seen, prices)
            sys.stdout.flush()


def of_crossing(chain: Chain, market: Market, order: Order, one: Crossing, prices: Sequence[Assumed]) -> dict[str, Any]:
    """`into` says whether the account came to be what `line` says, or ceased to be. A retraction repeats what it takes back."""
    return {
        "kind": "crossing" if one.retracts is None else "retraction",
        "id": one.id,
        "retracts": one.retracts,
        **at(chain, one.block),
        "market": market.name,
        **whose(one.key),
        "line": one.line,
        "below": exact(order.limit, 18),
        "into": one.into,
        "health": None if one.health is None else exact(one.health, 18),
        "health_wad": one.health,
        "prices_assumed": [of_assumed(each) for each in prices],
    }
