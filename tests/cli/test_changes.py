"""What-if options as people type them, on a toy market whose tokens are T1, T2 and T3 with four decimals."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.adapters.situations import morpho_terms
from tests.health.toy import NOW, A, B, position
from watcher.adapter import Position, Repay, Supply
from watcher.adapters import adapter
from watcher.adapters.morpho_blue.facts import Holding, Quote
from watcher.cli.account.changes import Changes, Some, checked, parse
from watcher.cli.account.future import future, of_future
from watcher.errors import AnswerError, UsageError
from watcher.formula.morpho import Pot, Totals
from watcher.health.what_if import Unknown
from watcher.model import Moment, PositionKey, Token
from watcher.oracle.feed import Pulse
from watcher.units import WAD, Raw

NOTHING: dict[str, tuple[str, ...]] = {}


def loan() -> Some:
    """One whole T1 against half a T2, at equal prices."""
    return position({A: 10_000, B: 10_000}, {A: 8_000}, {A: 10_000}, {B: 5_000})


def prices(*texts: str) -> Changes:
    return parse(texts, NOTHING, None, None, None)


def actions(**texts: str) -> Changes:
    return parse((), {kind: (text,) for kind, text in texts.items()}, None, None, None)


def test_a_relative_price_stays_exact() -> None:
    assert prices("T1=-12.5%").scenario(loan()).prices == {A.address: Fraction(-1, 8)}


def test_an_absolute_price_is_in_the_oracles_unit() -> None:
    unit = loan().adapter.prices(loan().terms, loan().quote)[0].unit
    assert prices("t1=0.5").scenario(loan()).prices == {A.address: int(Decimal("0.5").scaleb(unit.decimals))}


def test_a_token_may_be_named_by_its_address() -> None:
    assert actions(repay=f"{B.address}=0.25").scenario(loan()).actions == (Repay(B.address, Raw(2_500)),)


def test_deposits_come_before_repayments_whatever_was_typed_first() -> None:
    changes = parse((), {"repay": ("T2=0.1",), "deposit": ("T1=1",)}, None, None, None)
    assert changes.scenario(loan()).actions == (Supply(A.address, Raw(10_000)), Repay(B.address, Raw(1_000)))


def test_a_later_time_is_as_many_blocks_later_as_the_chain_makes_until_then() -> None:
    week = parse((), NOTHING, None, "+7d", None)
    later = week.on(Decimal("0.75")).scenario(loan()).at
    assert later == Moment(NOW.number + 7 * 86_400 * 4 // 3, NOW.timestamp + 7 * 86_400)
    assert week.on(Decimal(12)).scenario(loan()).at == Moment(NOW.number + 50_400, NOW.timestamp + 604_800)


def test_a_later_time_is_counted_from_the_block() -> None:
    later = parse((), NOTHING, None, "+7d", None).scenario(loan()).at
    assert later == Moment(NOW.number, NOW.timestamp + 7 * 86_400)


def test_a_target_is_a_wad() -> None:
    assert parse((), NOTHING, None, None, "1.5").target == 3 * WAD // 2


@pytest.mark.parametrize(
    "text", ["WETH", "WETH=", "=5", "WETH=abc", "WETH=-100%", "WETH=0", "WETH=nan", "WETH=-3", "WETH=1e999999"]
)
def test_a_price_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--price"):
        prices(text)


@pytest.mark.parametrize("later", ["7d ago", "-7d", "7", "+7y", ""])
def test_a_time_that_is_not_ahead_is_refused(later: str) -> None:
    with pytest.raises(UsageError, match="--at"):
        parse((), NOTHING, None, later, None)


def test_more_decimals_than_the_token_has_are_refused() -> None:
    with pytest.raises(UsageError, match="T2 has 4 decimals"):
        actions(repay="T2=0.00001").scenario(loan())


def test_a_name_that_no_position_knows_is_refused() -> None:
    with pytest.raises(UsageError, match="no position shown here has such a price"):
        checked(prices("WHETH=-20%"), [loan()])
    with pytest.raises(UsageError, match="no position shown here has this token"):
        checked(actions(repay="DAI=1"), [loan()])


def test_a_token_that_is_nearly_known_is_proposed() -> None:
    with pytest.raises(UsageError, match=r"did you mean COLL\?"):
        checked(prices("CLOL=-20%"), [oracle_market()])
    with pytest.raises(UsageError, match=r"did you mean LOAN\?"):
        checked(actions(repay="loam=1"), [oracle_market()])
    with pytest.raises(UsageError, match=r"of its market$"):
        checked(actions(repay="DAI=1"), [oracle_market()])


def oracle_market() -> Some:
    """A Morpho market: its oracle prices COLL in LOAN, and nothing else. Half of what it allows is owed."""
    terms = morpho_terms((6, 18), WAD * 86 // 100)
    pot = Pot(10**15, 10**21)
    quote = Quote(Totals(pot, pot), 0, NOW.timestamp, 2_000 * 10**24, None, Pulse(None, False), at=NOW)
    return Position(adapter("morpho_blue"), terms, quote, Holding(PositionKey("m", bytes(20)), 0, 10**15, 10**18))


def test_a_price_that_the_market_does_not_have_is_refused_with_the_one_it_has() -> None:
    with pytest.raises(UsageError, match="change the price of COLL instead, which is in LOAN"):
        checked(prices("LOAN=1.1"), [oracle_market()])
    assert checked(prices("COLL=-10%"), [oracle_market()]) == ()


def test_a_change_that_one_of_two_positions_ignores_is_said_there() -> None:
    changes = parse(("LOAN=-10%", "COLL=-10%"), NOTHING, None, None, None)
    assert checked(prices("T1=-10%"), [loan(), oracle_market()]) == ()
    (line,) = future(oracle_market(), changes).ignored
    assert line == "--price LOAN: not priced in this market; change the price of COLL instead, which is in LOAN"
    assert future(loan(), prices("T1=-10%")).ignored == ()
    assert future(oracle_market(), prices("T1=-10%")).ignored == ()  # it has none of it
    assert of_future(future(oracle_market(), changes))["what_if_ignored"] == [line]


def test_an_absolute_price_in_a_unit_larger_than_one_stays_exact() -> None:
    position = oracle_market()
    dear = replace(position, terms=replace(position.terms, collateral=Token(B.address, "COLL", 60)))
    assert prices("COLL=3e18").scenario(dear).prices == {B.address: 3}


def test_a_fall_that_leaves_one_position_no_price_is_unknown_there_and_stops_nobody() -> None:
    poor = position({A: 1, B: 1}, {A: 8_000}, {A: 100_000_000}, {B: 10_000})
    assert future(poor, prices("T1=-10%")).after == Unknown(
        "T1 would have no price left: a contract reads 0 as missing"
    )


def test_remedies_that_cannot_be_searched_have_a_reason_each() -> None:
    def incomplete(*_: object) -> Any:
        raise AnswerError("deposits were not read")

    toy = loan()
    partly = replace(toy, adapter=replace(toy.adapter, act=incomplete))
    found = future(partly, parse((), NOTHING, None, None, "2")).remedies
    assert [remedy.reason for remedy in found] == ["deposits were not read"] * 2


def test_an_action_that_two_positions_could_mean_is_refused() -> None:
    with pytest.raises(UsageError, match="several positions could be meant"):
        checked(actions(repay="T2=1"), [loan(), loan()])
