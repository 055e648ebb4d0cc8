"""The parts of a `MorphoChainlinkOracleV2`: up to two base and two quote feeds and a vault on either side. Another oracle has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapters.morpho_blue.facts import Source
from watcher.errors import AnswerError, CallReverted
from watcher.oracle.feed import NOBODY, Pulse, describe, pulses, reads
from watcher.query import Query, ask, each

GETTERS: Final = (
    ("BASE_VAULT", "base vault"),
    ("BASE_FEED_1", "base feed"),
    ("BASE_FEED_2", "base feed"),
    ("QUOTE_VAULT", "quote vault"),
    ("QUOTE_FEED_1", "quote feed"),
    ("QUOTE_FEED_2", "quote feed"),
)


def sources(oracle: ChecksumAddress) -> Query[tuple[Source, ...]]:
    """What the oracle multiplies and divides, with each part's own description. Empty for an oracle without these six getters."""
    if oracle == NOBODY:
        return ()
    try:
        columns = yield from ask(*(each(f"morpho_blue/oracle.{name}", [oracle]) for name, _ in GETTERS))
        found = [(column[0][0], role) for column, (_, role) in zip(columns, GETTERS, strict=True)]
        parts = [(address, role) for address, role in found if address != NOBODY]
        feeds = (yield from describe(address for address, _ in parts)) if parts else {}
    except (AnswerError, CallReverted):
        return ()
    return tuple(Source(role, feeds[address]) for address, role in parts)


def pulse(sources: Sequence[Source]) -> Query[Pulse]:
    """The oldest answer among the feeds that tell their time, and whether a cap binds on any of them."""
    feeds = [source.feed for source in sources]
    if not feeds:
        return Pulse(None, False)
    try:
        rounds, caps = yield from ask(*reads(feeds))
    except (AnswerError, CallReverted):
        return Pulse(None, False)
    found = pulses(feeds, rounds, caps).values()
    times = [one.updated for one in found if one.updated is not None]
    return Pulse(min(times, default=None), any(one.binding for one in found))
