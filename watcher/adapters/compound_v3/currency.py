"""What a Comet's prices count in. The contract does not say: its code calls it dollars even where it is ether."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from watcher.model import Token, Unit
from watcher.oracle.feed import Feed

DECIMALS: Final = 8  # Comet takes no other feed
ONE: Final = 10**DECIMALS
QUOTED: Final = re.compile(r"/ ?([A-Za-z]{2,8})\b(?!.*/)")  # "wstETH / ETH price feed": what follows the last slash
WRAPPED: Final = {"WETH": "ETH"}
UNTOLD: Final = "?"


def currency(base: Token, feed: Feed, constant: int | None, others: Iterable[Feed]) -> Unit:
    """The unit that `feed`, base's own, answers in, by the first of these that says:

    its description ("USDC / USD"); the one currency that all described feeds of the collaterals name; for a feed that always answers
    one (`constantPrice` of 1e8, as comets in ether have), base itself, without its wrapping. "?" where nothing does: health does not
    hang on it, a sum in dollars does.
    """
    own = _quoted(feed)
    if own is not None:
        return Unit(own, DECIMALS)
    named = {name.upper(): name for other in others if (name := _quoted(other)) is not None}
    if len(named) == 1:
        return Unit(next(iter(named.values())), DECIMALS)
    if constant == ONE:
        return Unit(WRAPPED.get(base.symbol, base.symbol), DECIMALS)
    return Unit(UNTOLD, DECIMALS)


def _quoted(feed: Feed) -> str | None:
    found = QUOTED.search(feed.description)
    return found[1] if found else None
