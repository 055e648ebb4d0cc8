"""What stands behind a price: plain feeds, capped adapters, sources that say nothing."""

from __future__ import annotations

from typing import Any

from eth_utils.address import to_checksum_address

from tests.adapters.paper import Paper
from watcher.model import DoubtKind
from watcher.oracle import feed
from watcher.oracle.feed import NOBODY, Feed, Pulse
from watcher.query import Query, ask

NOW = 1_800_000_000
PLAIN, RATIO, STABLE, MUTE, BASE, RATES, INNER = (to_checksum_address(n.to_bytes(20, "big")) for n in range(1, 8))
SOURCES = (PLAIN, RATIO, STABLE, MUTE)
BINDING = {RATIO: (False,), STABLE: (True,)}
ROUNDS = {PLAIN: NOW - 30, BASE: NOW - 200_000}


def chain() -> Paper:
    """A plain feed, a ratio cap and a stable cap over one base feed, and a source without a word."""

    def of(answers: dict[Any, Any]) -> Any:
        return lambda target, _: answers.get(target)

    return Paper(
        {
            "chainlink/feed.description": of({PLAIN: ("ETH / USD",), RATIO: ("Capped X",), STABLE: ("Capped USDY",)}),
            "chainlink/feed.latestRoundData": of({k: (1, 5, t, t, 1) for k, t in ROUNDS.items()}),
            "chainlink/feed.aggregator": of({PLAIN: (INNER,)}),
            "chainlink/cap.BASE_TO_USD_AGGREGATOR": of({RATIO: (BASE,)}),
            "chainlink/cap.ASSET_TO_USD_AGGREGATOR": of({STABLE: (BASE,)}),
            "chainlink/cap.RATIO_PROVIDER": of({RATIO: (RATES,)}),
            "chainlink/cap.isCapped": of(BINDING),
        }
    )


def described() -> dict[Any, Feed]:
    paper = chain()
    found = paper.run(feed.describe((*SOURCES, PLAIN, NOBODY)))
    assert paper.rounds == 1
    return found


def test_every_source_is_described_once_and_nobody_is_not_asked() -> None:
    assert tuple(described()) == SOURCES


def test_a_path_reads_from_the_source_inwards() -> None:
    found = described()
    assert found[PLAIN].path == ("ETH / USD", f"aggregator {INNER}")
    assert found[RATIO].path == ("Capped X", f"cap over {BASE}", f"ratio from {RATES}")
    assert found[STABLE].path == ("Capped USDY", f"cap over {BASE}")
    assert found[MUTE].path == (MUTE,)


def test_the_age_is_the_feeds_own_or_that_of_the_feed_below_its_cap() -> None:
    assert [found.clock for found in described().values()] == [PLAIN, BASE, BASE, None]


def test_a_state_is_read_for_the_feeds_that_have_one() -> None:
    feeds = tuple(described().values())

    def query() -> Query[dict[Any, Pulse]]:
        rounds, caps = yield from ask(*feed.reads(feeds))
        return feed.pulses(feeds, rounds, caps)

    assert chain().run(query()) == {
        PLAIN: Pulse(NOW - 30, False),
        RATIO: Pulse(NOW - 200_000, False),
        STABLE: Pulse(NOW - 200_000, True),
        MUTE: Pulse(None, False),
    }


def test_f26_a_round_that_is_not_complete_has_no_age_and_is_doubted() -> None:
    one = (Feed(PLAIN, "x", ("x",), PLAIN, False),)
    found = feed.pulses(one, [(1, 5, 0, 0, 0)], [])
    assert found == {PLAIN: Pulse(0, False)}
    (doubt,) = feed.doubts("X", found[PLAIN], NOW)
    assert (doubt.kind, "a round that is not complete" in doubt.text) == (DoubtKind.STALE, True)


def test_a_source_without_rounds_has_no_age() -> None:
    one = (Feed(PLAIN, "x", ("x",), PLAIN, False),)
    assert feed.pulses(one, [(0, 5, 0, 0, 0)], []) == {PLAIN: Pulse(None, False)}
    assert feed.pulses(one, [None], []) == {PLAIN: Pulse(None, False)}


def kinds(pulse: Pulse | None, now: int | None = NOW) -> list[DoubtKind]:
    return [doubt.kind for doubt in feed.doubts("X", pulse, now)]


def test_what_is_doubted_is_a_binding_cap_and_an_answer_older_than_a_day() -> None:
    assert kinds(Pulse(NOW - feed.OLD, False)) == []
    assert kinds(Pulse(NOW - feed.OLD - 1, False)) == [DoubtKind.STALE]
    assert kinds(Pulse(NOW - feed.OLD - 1, True)) == [DoubtKind.CAPPED, DoubtKind.STALE]


def test_nothing_is_doubted_about_what_cannot_be_read() -> None:
    assert kinds(None) == []
    assert kinds(Pulse(None, False)) == []
    assert kinds(Pulse(1, False), None) == []
