"""One liquidation as people read it: a line of a table. What is not known is a question mark, and its reason stands below."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from eth_utils.address import to_checksum_address

from watcher.chronicle.case import Case, Delay, Money, Unknown
from watcher.cli.output import Column
from watcher.figures import age, health, short
from watcher.model import Token, Unit

LINES: Final = (
    Column("block", "block", right=True),
    Column("time", "time (UTC)"),
    Column("borrower", "borrower"),
    Column("liquidator", "liquidator"),
    Column("repaid", "repaid", right=True),
    Column("received", "received", right=True),
    Column("fee", "fee", right=True),
    Column("bonus", "bonus", right=True),
    Column("bad", "bad debt", right=True),
    Column("health", "health before", right=True),
    Column("trigger", "trigger price", right=True),
    Column("held", "price then", right=True),
    Column("delay", "delay"),
    Column("saving", "would have saved it", right=True),
)
NOT_KNOWN: Final = "?"
MARK: Final = " *"
LATER: Final = "* not its borrower's first in this block: what is said of the block before is before the first"


def line_of(case: Case) -> dict[str, Any]:
    told = case.told
    return {
        "block": case.block.number,
        "time": f"{datetime.fromtimestamp(case.block.timestamp, UTC):%Y-%m-%d %H:%M:%S}",
        "borrower": to_checksum_address(told.key.key[:20]),
        "liquidator": f"{told.liquidator[:6]}…{told.liquidator[-4:]}",
        "repaid": amount(told.repay, case.debt),
        "received": amount(told.taken, case.received) + (f" + {len(case.along)} more" if case.along else ""),
        "fee": NOT_KNOWN if told.fee is None else amount(told.fee, case.collateral) if told.fee else "–",
        **_money(case.money),
        **_before(case),
        "delay": _delay(case.delay),
    }


def amount(raw: int, token: Token, *, up: bool = False) -> str:
    places = 2 if raw >= 1000 * 10**token.decimals else 4
    return f"{short(raw, token.decimals, places, up=up)} {token.symbol}"


def _money(money: Money | Unknown) -> dict[str, str]:
    if isinstance(money, Unknown):
        return {"bonus": NOT_KNOWN, "bad": NOT_KNOWN}
    return {
        "bonus": worth(money.bonus, money.unit),
        "bad": worth(money.bad_value, money.unit, up=True) if money.bad else "–",
    }


def worth(value: int, unit: Unit, *, up: bool = False) -> str:
    return f"{short(value, unit.decimals, 2 if unit.symbol == 'USD' else 4, up=up)} {unit.symbol}"


def _before(case: Case) -> dict[str, str]:
    """A later liquidation of one borrower in one block has no block between it and the first: marked, and told below the table."""
    before = case.before
    if isinstance(before, Unknown):
        return dict.fromkeys(("health", "trigger", "held", "saving"), NOT_KNOWN)
    trigger, saving = before.trigger, before.saving
    first = "" if case.nth == 1 else MARK
    return {
        "health": health(before.health) + first,
        "trigger": NOT_KNOWN
        if trigger.answer is None
        else price(trigger.answer, trigger.price.unit.decimals, up=False),
        "held": NOT_KNOWN if trigger.held is None else price(trigger.held, trigger.price.unit.decimals, up=False),
        "saving": (saving.reason or NOT_KNOWN)
        if saving.amount is None
        else amount(saving.amount, saving.token, up=True),
    }


def price(answer: int, decimals: int, *, up: bool) -> str:
    """Two digits after the point from a hundred on, else four."""
    return short(answer, decimals, 2 if len(str(answer)) > decimals + 2 else 4, up=up)


def _delay(delay: Delay | Unknown) -> str:
    if isinstance(delay, Unknown):
        return NOT_KNOWN
    if not delay.blocks:
        return "its own block"
    least = "at least " if delay.bounded else ""
    return f"{least}{delay.blocks} block{'s' if delay.blocks > 1 else ''}, {age(delay.seconds)}"
