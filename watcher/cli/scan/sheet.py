"""A scan as people read it: the totals, the accounts, and how far both can be believed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from eth_utils.address import to_checksum_address

from watcher.adapter import Liquidation, Refusal
from watcher.cli.liquidations.sheet import amount, price, worth
from watcher.cli.options import Format
from watcher.cli.output import Column, show
from watcher.cli.scan.prices import Assumed
from watcher.figures import age, exact, health, percent
from watcher.following.proof import Audit
from watcher.health.fall import STEPS, Fall
from watcher.model import Leg, Side, Unit, Valuation
from watcher.scan.last_move import Move
from watcher.scan.look import Line, View
from watcher.scan.risk import Tier, Unknown
from watcher.survey.coverage import Coverage
from watcher.survey.spans import Span
from watcher.text import clean_line

NOT_KNOWN: Final = "?"
NAMED: Final = 5  # things of a kind in one line
TIERS: Final = (
    Column("line", "health below", right=True),
    *(
        Column(key, title, right=True)
        for key, title in (
            ("accounts", "accounts"),
            ("debt", "debt"),
            ("loops", "loops"),
            ("loops_debt", "their debt"),
            ("volatile", "volatile"),
            ("volatile_debt", "their debt"),
        )
    ),
)
LINES: Final = (
    Column("account", "account"),
    Column("health", "health", right=True),
    Column("status", "status"),
    Column("loop", "moves as one"),
    Column("collateral", "collateral", right=True),
    Column("debt", "debt", right=True),
    Column("held", "holds", wide=True),
    Column("owed", "owes", wide=True),
    Column("fall", "falls", right=True),
    Column("move", "last move", right=True),
)
EARLY: Final = Column("first", "first line", right=True)  # only where somebody has one before the contract's own
CLOSE: Final = (
    Column("account", "account"),
    Column("health", "health", right=True),
    Column("repay", "repay at most", right=True),
    Column("seize", "seize", right=True),
    Column("bonus", "gross bonus", right=True),
    Column("left", "bad debt left", right=True),
    Column("now", "now", wide=True),
    Column("next", "next block", wide=True),
)


def show_scan(seen: View, prices: Sequence[Assumed]) -> None:
    """Print it. Foreign text is text: nothing in it is markup."""
    found = seen.risk
    old = age(int(datetime.now(UTC).timestamp()) - seen.block.timestamp)
    said(f"{seen.market.name}  block {seen.block.number} ({seen.block.hash}), {old} old")
    for one in prices:
        places, unit = one.price.unit.decimals, one.price.unit.symbol
        now = NOT_KNOWN if one.price.answer is None else price(one.price.answer, places, up=False)
        said(
            f"UNDER ANOTHER PRICE: {one.price.token.symbol} at {price(one.answer, places, up=False)} {unit}, not {now}"
        )
    said(f"{found.positions} positions, {found.owing} of them in debt, {len(found.unknown)} unknown\n")
    if found.unit is not None:
        show([of_tier(tier, found.unit) for tier in found.tiers], TIERS, Format.TABLE)
        said("")
    if seen.order.liquidatable:
        show([of_close(line) for line in seen.lines], CLOSE, Format.TABLE)
    else:
        columns = list(LINES)
        if any(line.account.valuation.early for line in seen.lines):
            columns.insert(2, EARLY)
        show([of_line(line) for line in seen.lines], columns, Format.TABLE)
    said(listed(seen))
    for text in (
        *unknown(seen.risk.unknown),
        coverage(seen.coverage, seen.unread),
        *deposits(seen.coverage),
        audit(seen.audit),
    ):
        said(text)


def said(text: str) -> None:
    sys.stdout.write(clean_line(text) + "\n" * (2 if text.endswith("\n") else 1))


def listed(seen: View) -> str:
    what = "liquidatable now or at the next block" if seen.order.liquidatable else f"below {exact(seen.risk.limit, 18)}"
    more = "" if seen.matched == len(seen.lines) else f", of which {len(seen.lines)} are shown"
    return f"{seen.matched} account{'' if seen.matched == 1 else 's'} {what}{more}"


def of_tier(tier: Tier, unit: Unit) -> dict[str, Any]:
    return {
        "line": exact(tier.line, 18),
        "accounts": tier.all[0],
        "debt": worth(tier.all[1], unit, up=True),
        "loops": tier.loops[0],
        "loops_debt": worth(tier.loops[1], unit, up=True),
        "volatile": tier.volatile[0],
        "volatile_debt": worth(tier.volatile[1], unit, up=True),
    }


def of_line(line: Line) -> dict[str, Any]:
    one, seen = line.account, line.account.valuation
    return {
        "account": to_checksum_address(one.key.key[:20]),
        "health": health(seen.health),
        "first": first_line(seen),
        "status": one.status.value,
        "loop": one.group or "",
        "collateral": worth(seen.collateral, seen.unit),
        "debt": worth(seen.debt, seen.unit, up=True),
        "held": amounts(seen, Side.COLLATERAL),
        "owed": amounts(seen, Side.DEBT),
        "fall": of_fall(line.fall),
        "move": of_move(line.move),
    }


def first_line(seen: Valuation) -> str:
    """Health at the line before the contract's own that is reached first."""
    if seen.first is not None:
        return health(seen.first.health)
    return NOT_KNOWN if seen.early else "–"


def of_close(line: Line) -> dict[str, Any]:
    """The amounts are those of now, or, where nothing can be done now, of the next block."""
    close = line.close
    assert close is not None
    best = close.now if isinstance(close.now, Liquidation) else close.next
    figures = dict.fromkeys(("repay", "seize", "bonus", "left"), "–")
    if isinstance(best, Liquidation):
        figures = {
            "repay": amount(best.repay, best.debt),
            "seize": amount(best.seize, best.collateral) + (f" + {len(best.along)} more" if best.along else ""),
            "bonus": worth(best.bonus, best.unit),
            "left": amount(best.deficit, best.debt, up=True) if best.deficit else "–",
        }
    return {
        "account": to_checksum_address(line.account.key.key[:20]),
        "health": health(line.account.valuation.health),
        **figures,
        "now": possible(close.now),
        "next": possible(close.next),
    }


def possible(found: Liquidation | Refusal) -> str:
    if isinstance(found, Refusal):
        return f"no: {found.reason}"
    return "yes" if found.blocked is None else f"blocked: {found.blocked.value}"


def amounts(seen: Valuation, side: Side) -> str:
    legs: list[Leg] = [leg for leg in seen.legs if leg.side is side]
    return ", ".join(amount(leg.amount, leg.token, up=side is Side.DEBT) for leg in legs)


def of_fall(found: Fall | None) -> str:
    if found is None:
        return NOT_KNOWN
    return "never" if found.steps is None else percent(found.steps, STEPS)


def of_move(move: Move) -> str:
    return NOT_KNOWN if move.block is None else f"{'≥ ' if move.least else ''}{move.block}"


def unknown(lost: Iterable[Unknown]) -> list[str]:
    """Each reason once, with how many it is about."""
    reasons: dict[str, list[str]] = {}
    for one in lost:
        reasons.setdefault(one.reason, []).append(to_checksum_address(one.key.key[:20]))
    return [
        f"UNKNOWN: {len(who)} account{'' if len(who) == 1 else 's'} "
        f"({', '.join(who[:NAMED])}{' …' if len(who) > NAMED else ''}): {reason}"
        for reason, who in reasons.items()
    ]


def coverage(found: Coverage, unread: Sequence[Span]) -> str:
    if found.exact:
        assets = f"{len(found.debts)} asset{'' if len(found.debts) == 1 else 's'}"
        but = ", but for what the contract's rounding may come to" if any(one.astray for one in found.debts) else ""
        return f"coverage: every share of debt is owed by somebody in the book{but} ({assets})"
    part = "; ".join(f"{one.token}: {one.unexplained} of {one.total} shares" for one in found.unexplained[:NAMED])
    ranges = ", ".join(f"{first} to {last}" for first, last in unread[:NAMED]) or "all of them"
    return f"COVERAGE FAILS: nobody in the book owes {part}; blocks whose logs are to be asked for again: {ranges}"


def deposits(found: Coverage) -> list[str]:
    """How much of what was ever supplied is in the book: told, and no check. Nothing where the chain keeps no total."""
    shares = sorted(one.booked * STEPS // one.total for one in found.deposits if one.total)
    if not shares:
        return []
    low, high = percent(shares[0], STEPS), percent(shares[-1], STEPS)
    assets = "its asset" if len(shares) == 1 else f"each of {len(shares)} assets"
    return [
        f"deposits: the book's accounts hold {low if low == high else f'{low} to {high}'} of all that is supplied of {assets}"
    ]


def audit(found: Audit) -> str:
    if found.failure is not None:
        return f"AUDIT NOT MADE: {found.failure}"
    if found.clean:
        return f"audit: {found.looked} positions are what the contract says"
    first = "; ".join(
        f"{to_checksum_address(key.key[:20])}: {one.doubt().text}"
        for key, some in list(found.mismatches.items())[:NAMED]
        for one in some[:1]
    )
    silent = f" {len(found.silent)} have no answer." if found.silent else ""
    return f"AUDIT FAILS: {len(found.mismatches)} of {found.looked} positions differ.{silent} {first}"
