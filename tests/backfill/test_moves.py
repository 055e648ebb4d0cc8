"""Logs are asked for by the accounts they name, and no event that names one is lost by it."""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from watcher.adapter import LogQuery, Moves, Touch
from watcher.adapters.aave_v3.events import ACCOUNTS
from watcher.adapters.morpho_blue.logs import ACCRUED, OWNED
from watcher.backfill.moves import narrowed
from watcher.chain.abi import event

ALICE = to_checksum_address("0x" + "a1" * 20)
WORD = bytes(12) + b"\xa1" * 20
MARKET = b"\x11" * 32


def asked(events: tuple[str, ...], *indexed: tuple[bytes, ...] | None) -> tuple[LogQuery[Moves], ...]:
    query: LogQuery[Moves] = LogQuery((ALICE,), events, lambda found: Touch.EVERYONE, indexed)
    return narrowed(query, [ALICE])


def places(queries: tuple[LogQuery[Moves], ...], name: str) -> set[int]:
    """The topics (0 is the first after the event's own) in which the account is asked for; -1: anybody's logs."""
    return {
        query.indexed.index((WORD,)) if (WORD,) in query.indexed else -1 for query in queries if name in query.events
    }


def test_an_aave_event_is_asked_for_in_every_topic_that_may_name_the_account() -> None:
    queries = asked(tuple(ACCOUNTS))
    assert places(queries, "aave_v3/token.BalanceTransfer") == {0, 1}
    assert places(queries, "aave_v3/pool.UserEModeSet") == {0}
    assert places(queries, "aave_v3/pool.LiquidationCall") == {0, 1, 2}
    for name, arguments in ACCOUNTS.items():
        shape = event(name)
        named = {sum(shape.indexed[:place]) for place in arguments if shape.indexed[place]}
        assert named <= places(queries, name), name
        assert named, name


def test_a_morpho_market_stays_the_first_topic() -> None:
    queries = asked((*OWNED, ACCRUED), (MARKET,))
    assert all(query.indexed[0] == (MARKET,) for query in queries)
    for name in OWNED:
        shape = event(name)
        assert shape.indexed[2]
        assert sum(shape.indexed[:2]) in places(queries, name)


def test_an_event_without_an_account_in_a_topic_is_asked_for_as_it_is() -> None:
    assert places(asked((ACCRUED,), (MARKET,)), ACCRUED) == {-1}
