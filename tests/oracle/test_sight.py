"""One look behind some prices: everything in the round trips of the deepest path, and a position under a cap that binds."""

from __future__ import annotations

from tests.oracle.build import ETH, NOW, PEG, USDT, capped_peg, feed, paper
from watcher.adapter import Price
from watcher.model import Doubt, DoubtKind, Token, Unit
from watcher.oracle.sight import Sight, look
from watcher.oracle.uptime import Uptime

USD = Unit("USD", 8)
STALE = Doubt(DoubtKind.STALE, "the adapter's own word")
CAPPED = Doubt(DoubtKind.CAPPED, "the adapter's own word")


def price(answer: int | None, source: str = PEG, *doubts: Doubt) -> Price:
    return Price(Token(USDT, "USDT", 6), answer, USD, source, "Capped USDT", (), None, doubts)  # type: ignore[arg-type]


def sight(answer: int, cap: int, asked: Price) -> Sight:
    sources = {PEG: capped_peg(min(answer, cap), cap), USDT: feed("USDT / USD", answer)}
    chain = paper(sources | {ETH: {"latestRoundData": (1, 0, NOW - 9_000, NOW, 1)}})
    found = chain.run(look([asked], [(USDT, USDT)], ETH, {USDT: 86_400}, NOW))
    assert chain.rounds == 2
    return found


def test_paths_second_prices_and_the_sequencer_come_in_the_trips_of_the_deepest_path() -> None:
    found = sight(10**8, 104_000_000, price(10**8))
    assert set(found.paths) == {PEG}
    assert found.known.rates.known[USDT].answer == 10**8
    assert found.known.heartbeats == {USDT: 86_400}
    assert found.uptime == Uptime(True, NOW - 9_000)
    assert found.sequencer is None


def test_what_an_adapter_says_stays_where_its_path_says_nothing_of_that_kind() -> None:
    asked = price(104_000_000, PEG, STALE, CAPPED)
    found = sight(105_000_000, 104_000_000, asked).doubts(asked)
    assert STALE in found
    assert CAPPED not in found
    assert [doubt.kind for doubt in found] == [DoubtKind.CAPPED, DoubtKind.STALE]


def test_a_source_without_an_answer_is_not_followed() -> None:
    chain = paper({})
    found = chain.run(look([price(None)], [], None, {}, NOW))
    assert (chain.rounds, found.paths) == (0, {})
    assert found.doubts(price(None, PEG, STALE)) == (STALE,)
    assert found.caps(price(None)) == ()


def test_caps_are_only_those_of_the_very_answer_that_the_protocol_reads() -> None:
    found = sight(10**8, 104_000_000, price(10**8))
    assert [cap.limit for cap in found.caps(price(10**8))] == [104_000_000]
    assert found.caps(price(10**8 + 1)) == ()
