"""What an audit is said to be: equal, differing, short or one-sided; never more than was really compared."""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from tests.health.toy import BLOCK, KEY, ONE, A, B, position
from watcher.check import Finding, Result, partial
from watcher.check.audit import Audit, Audited
from watcher.check.verdict import audit_findings
from watcher.cycle import Row
from watcher.errors import Refused, WatcherError
from watcher.health.audit import Mismatch
from watcher.health.status import read
from watcher.model import Market, PositionKey

MARKET = Market(1, "toy", "test/toy", to_checksum_address("0x" + "11" * 20))
OWING = position({A: 100, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 4 * ONE})
UNPRICED = position({B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 4 * ONE})
EQUAL = Audited(Row(MARKET, OWING, read(KEY, BLOCK, OWING), True, ()), 6, True)
SOMEBODY = PositionKey(KEY.market, bytes(19) + b"\1")
OTHER = Audited(Row(MARKET, OWING, read(SOMEBODY, BLOCK, OWING), True, ()), 6, True)


def findings(*rows: Audited, asked: int = 1, errors: tuple[WatcherError, ...] = ()) -> dict[str, Finding]:
    done = Audit(asked, BLOCK, rows, len(rows), {MARKET.address: 90}, errors)
    return {finding.check: finding for finding in audit_findings("test", done)}


def test_all_equal_is_one_line_with_the_numbers_and_the_block() -> None:
    found = findings(EQUAL, OTHER, asked=2)
    assert {check: one.verdict.detail for check, one in found.items()} == {
        "audit": "2 accounts, 12 figures, all equal, block 100"
    }
    assert not partial(found.values())


def test_one_account_in_two_markets_is_one_account() -> None:
    found = findings(EQUAL, EQUAL, asked=2)
    assert found["audit"].verdict.detail == "1 accounts, 12 figures, all equal, block 100"
    assert found["audited accounts"].verdict.detail.startswith("1 of 2 accounts")


def test_a_difference_is_told_with_the_account_the_field_and_both_sides() -> None:
    wrong = Audited(Row(MARKET, OWING, EQUAL.row.reading, True, (Mismatch("health", 2, 3),)), 6, True)
    found = findings(OTHER, wrong, asked=2)
    assert "1 accounts DIFFER from the contract" in found["audit"].verdict.detail
    assert found["figures"].verdict.detail.endswith("health: the contract says 3, we compute 2")
    assert found["figures"].facts == {
        "account": "0x" + "00" * 20,
        "field": "health",
        "ours": 2,
        "contract": 3,
    }
    assert partial(found.values())


def test_figures_of_ours_where_the_contract_has_none_are_a_difference() -> None:
    found = findings(Audited(Row(MARKET, OWING, EQUAL.row.reading, False, ()), 0, False))
    assert found["audit"].result is Result.FAIL
    assert "whose view reverts" in found["figures"].verdict.detail


def test_a_position_that_we_cannot_value_is_unknown_and_not_counted_as_equal() -> None:
    blind = Audited(Row(MARKET, UNPRICED, read(KEY, BLOCK, UNPRICED), False, ()), 6, True)
    found = findings(EQUAL, blind, asked=2)
    assert found["audit"].verdict.detail.startswith("1 accounts, 6 figures, all equal")
    assert found["figures"].result is Result.UNKNOWN
    assert found["audited accounts"].verdict.detail.startswith("1 of 2 accounts")
    assert partial(found.values())


def test_an_account_whose_contract_answers_no_figure_at_all_does_not_count() -> None:
    silent = Audited(Row(MARKET, OWING, EQUAL.row.reading, True, ()), 0, True)
    found = findings(silent)
    assert found["audit"].verdict.detail == "nothing could be compared, block 100"
    assert found["audit"].result is Result.UNKNOWN


def test_a_walk_that_failed_is_told_even_where_enough_accounts_were_found() -> None:
    found = findings(EQUAL, errors=(Refused("mine", "eth_getLogs: method is disabled", -32601),))
    assert found["audit"].result is Result.OK
    assert "method is disabled" in found["audited accounts"].verdict.detail
    assert partial(found.values())
