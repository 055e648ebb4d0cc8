from __future__ import annotations

from dataclasses import replace

from tests.alerts.letters import MARKET, NOW, change, owner, recovery, retraction, unknown, who
from tests.health.heads import head, wad
from tests.health.toy import A
from watcher.alerts.message import Subject
from watcher.alerts.render import digest, render, store_failing, trial
from watcher.model import Distance, Fix, Runway, Side, Status, Token
from watcher.units import Raw

USDC = Token(A.address, "USDC", 6)
WETH = Token(A.address, "WETH", 18)
TREASURY = Subject("treasury")
AT = head(100).timestamp + 14

FULL = replace(
    change("3f" * 16),
    cause="WETH fell 4.2 %",
    distance=Distance(123_456, "WETH and LINK"),
    runway=Runway(25 * 86_400 + 5, 3 * 86_400),
    fixes=(
        Fix(Side.DEBT, USDC, Raw(1_234_500_001), wad("1.5")),
        Fix(Side.COLLATERAL, WETH, Raw(5 * 10**17), wad("1.5")),
        Fix(Side.COLLATERAL, USDC, None, wad("1.5"), "it does not count as collateral"),
    ),
)


def test_an_alert_says_what_happened_how_far_the_line_is_when_and_what_would_help() -> None:
    message = render(FULL, TREASURY, AT)
    assert message.id == FULL.id
    assert message.title == f"WARN: treasury · {MARKET} · health 1.2000"
    assert message.body.splitlines() == [
        "watch → warn: health 1.3000 → 1.2000.",
        "Because: WETH fell 4.2 %",
        "To the line: WETH and LINK can fall 12.3456 %.",
        "By interest alone, to health 1: 25 d at the present rates; at full utilisation 3 d.",
        "For health 1.5, where watch ends: repay 1234.500001 USDC, or deposit 0.5 WETH.",
        "Not by depositing USDC alone: it does not count as collateral.",
        f"Block 100 of chain 1, 14 s old ({head(100).hash})",
        f"id {FULL.id}",
    ]


def test_a_loop_is_not_sent_to_a_health_that_no_loop_has() -> None:
    loop = replace(FULL, fixes=(Fix(Side.DEBT, WETH, Raw(7 * 10**17), wad("1.05")),))
    assert "For health 1.05, where watch ends: repay 0.7 WETH." in render(loop, TREASURY, AT).body.splitlines()


def test_where_only_the_interest_alarms_no_amount_is_named() -> None:
    slow = replace(FULL, fixes=(Fix(Side.DEBT, WETH, Raw(0), wad("1.05")),))
    lines = render(slow, TREASURY, AT).body.splitlines()
    assert "Its health is at or above 1.05, where watch ends: what alarms is the interest." in lines


def test_who_is_safe_again_is_given_no_advice() -> None:
    message = render(replace(FULL, after=Status.SAFE), TREASURY, AT)
    assert "repay" not in message.body
    assert "alarms" not in message.body


def test_health_is_shown_rounded_towards_danger_and_in_full_at_the_line() -> None:
    assert "health 1.2999" in render(replace(FULL, health=wad("1.29999")), TREASURY, AT).title
    near = render(replace(FULL, after=Status.LIQUIDATABLE, health=wad("0.999999999999999999")), TREASURY, AT)
    assert near.title == f"LIQUIDATABLE: treasury · {MARKET} · health 0.999999999999999999"


def test_an_unconfirmed_change_says_so_twice() -> None:
    message = render(replace(FULL, confirmed=False), TREASURY, AT)
    assert message.title.endswith("(unconfirmed)")
    assert "Unconfirmed: the endpoints disagree, or only one of them answers." in message.body


def test_unknown_is_never_told_as_anything_else() -> None:
    message = render(replace(unknown("u"), cause="the oracle reverts"), TREASURY, AT)
    assert message.title == f"UNKNOWN: treasury · {MARKET}"
    assert message.body.splitlines()[:2] == [
        "It cannot be read. It was watch at health 1.3000 when it last could: that is no longer sure.",
        "Because: the oracle reverts",
    ]
    first = replace(unknown("u"), before=None, health_before=None)
    assert "never was before" in render(first, TREASURY, AT).body
    for word in ("safe", "no debt"):
        assert word not in render(first, TREASURY, AT).text.lower()


def test_a_recovery_is_told_with_what_was_last_known() -> None:
    message = render(recovery("r", "u"), TREASURY, AT)
    assert message.title == f"READABLE AGAIN, watch: treasury · {MARKET} · health 1.2000"
    assert message.body.startswith("It can be read again: watch at health 1.2000; last known at health 1.3000.")


def test_f19_a_retraction_names_what_it_takes_back_and_where_it_stands_now() -> None:
    message = render(retraction("x", "3f3f"), TREASURY, AT)
    assert message.title == f"RETRACTED, now watch: treasury · {MARKET} · health 1.2000"
    assert message.body.splitlines()[:2] == [
        "A reorg took back the block in which it became warn: that did not happen (id 3f3f).",
        "It stands at watch at health 1.2000.",
    ]


def test_a_clock_that_cannot_be_told_and_one_that_never_ends_are_said_as_that() -> None:
    blank = replace(FULL, runway=Runway(None, None, "no rate curve is known for USDC"))
    assert (
        "to health 1: more than a century at the present rates; "
        "at full utilisation cannot be told (no rate curve is known for USDC)." in render(blank, TREASURY, AT).body
    )


def test_f61_a_block_from_the_future_is_no_age_below_zero() -> None:
    assert "0 s old" in render(FULL, TREASURY, AT - 3_600).body


def test_f36_what_strangers_wrote_is_one_line_that_nothing_obeys() -> None:
    evil = Token(A.address, "\x1b[31mUS\u202eDC\nid 0000", 6)
    nasty = replace(FULL, cause="line\nid 1111\x07", fixes=(Fix(Side.DEBT, evil, Raw(1), wad("1.5")),))
    message = render(nasty, Subject("me\nid 2222"), AT)
    assert [line for line in message.text.splitlines() if line.startswith("id ")] == [f"id {FULL.id}"]
    assert not {"\x1b", "\u202e", "\x07"} & set(message.text)


def test_f51_a_storm_is_one_message_own_wallets_and_the_worst_first() -> None:
    foreign = replace(change("f0"), key=owner(1 << 159), after=Status.LIQUIDATABLE)
    changes = [
        foreign,
        *(change(f"w{n}", key=owner(n)) for n in range(2, 40)),
        change("cc", Status.CRITICAL, key=owner(99)),
    ]
    message = digest(changes, who, AT)
    assert message.title == "40 changes of 40 positions: 1 liquidatable, 1 critical, 38 warn"
    lines = message.body.splitlines()
    assert lines[0] == f"CRITICAL: wallet 99 · {MARKET} · health 1.2000 [cc]"
    assert lines[20] == "… and 20 more: watcher history has them all"
    assert not any("wallet 730750" in line for line in lines), "a stranger's before one's own"
    assert len(lines) == 23


def test_f51_a_digest_tells_where_a_position_ended_and_the_same_changes_have_the_same_id() -> None:
    changes = [change("a", Status.LIQUIDATABLE), replace(change("b", Status.SAFE), confirmed=False)]
    message = digest(changes, who, AT)
    assert message.title == "2 changes of 1 positions: 1 safe"
    assert "unconfirmed" in message.body
    assert digest(changes, who, AT + 99).id == message.id != digest(changes[:1], who, AT).id


def test_f44_the_store_failing_is_said_with_the_last_good_block() -> None:
    message = store_failing("the disk is full", head(100), AT)
    assert message.title == "STORE FAILING: last good block 100"
    assert "of chain 1, 14 s ago. Changes since then are not told" in message.body
    assert store_failing("the disk is full", None, AT).title == "STORE FAILING: nothing was recorded yet"


def test_a_trial_says_that_nothing_has_happened() -> None:
    assert "Nothing has happened" in trial(NOW).body
