"""The parts of a `MorphoChainlinkOracleV2`: up to two base and two quote feeds and a vault on either side. Another oracle has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapters.morpho_blue.facts import NOBODY, Source
from watcher.query import Query, ask, each, one

GETTERS: Final = (
    ("BASE_VAULT", "base vault"),
    ("BASE_FEED_1", "base feed"),
    ("BASE_FEED_2", "base feed"),
    ("QUOTE_VAULT", "quote vault"),
    ("QUOTE_FEED_1", "quote feed"),
    ("QUOTE_FEED_2", "quote feed"),
)


def sources(oracle: ChecksumAddress) -> Query[tuple[Source, ...]]:
    """What the oracle multiplies and divides, with each feed's own description. Empty unless all six getters answer."""
    if oracle == NOBODY:
        return ()
    columns = yield from ask(*(one(f"morpho_blue/oracle.{name}", oracle, optional=True) for name, _ in GETTERS))
    if any(column[0] is None for column in columns):
        return ()
    parts = [(column[0][0], role) for column, (_, role) in zip(columns, GETTERS, strict=True) if column[0][0] != NOBODY]
    if not parts:
        return ()
    (texts,) = yield from ask(each("morpho_blue/feed.description", [address for address, _ in parts], optional=True))
    return tuple(
        Source(address, role if text is None else f"{role} {text[0]}", role.endswith("feed"))
        for (address, role), text in zip(parts, texts, strict=True)
    )


def updated(sources: Sequence[Source]) -> Query[int | None]:
    """The oldest answer among the feeds, in seconds; None where there is no feed or one of them does not say."""
    feeds = [source.address for source in sources if source.dated]
    if not feeds:
        return None
    (rounds,) = yield from ask(each("morpho_blue/feed.latestRoundData", feeds, optional=True))
    times = [row[3] for row in rounds if row is not None]
    return min(times) if len(times) == len(feeds) else None
