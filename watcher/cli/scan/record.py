"""A scan as one json document, and its accounts as rows: exact integers as text beside decimals, every unit named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from eth_utils.address import to_checksum_address

from watcher.cli.account.record import at, of_doubts, of_fall, of_liquidation, of_valuation
from watcher.cli.output import Column
from watcher.cli.scan.prices import Assumed
from watcher.figures import exact
from watcher.following.proof import Audit
from watcher.health.audit import Mismatch
from watcher.model import PositionKey, Side, Status, Unit
from watcher.scan.last_move import Move
from watcher.scan.look import Line, View
from watcher.scan.risk import Tier, Unknown
from watcher.survey.coverage import Coverage
from watcher.survey.spans import Span

Record = dict[str, Any]
COLUMNS: Final[Sequence[Column]] = tuple(
    Column(name, name)
    for name in (
        "chain",
        "chain_id",
        "block",
        "block_hash",
        "block_time",
        "market",
        "account",
        "status",
        "reason",
        "correlated",
        "health",
        "health_wad",
        "liquidatable",
        "blocked",
        "unit",
        "collateral",
        "debt",
        "held",
        "owed",
        "fall",
        "last_move",
        "last_move_at_least",
        "audit_mismatches",
        "prices_assumed",
    )
)


def summary(seen: View, prices: Sequence[Assumed]) -> Record:
    """Everything but the accounts. `debt` is in `unit`, health lines are decimals."""
    found = seen.risk
    return {
        "kind": "scan",
        **at(seen.chain, seen.block),
        "market": seen.market.name,
        "protocol": seen.market.protocol,
        "below": exact(found.limit, 18),
        "prices_assumed": [of_assumed(one) for one in prices],
        "unit": None if found.unit is None else found.unit.symbol,
        "positions": found.positions,
        "owing": found.owing,
        "unknown": len(found.unknown),
        "matched": seen.matched,
        "shown": len(seen.lines),
        "tiers": [of_tier(tier, found.unit) for tier in found.tiers],
        "coverage": of_coverage(seen.coverage, seen.unread),
        "audit": of_audit(seen.audit),
    }


def document(seen: View, prices: Sequence[Assumed]) -> Record:
    return summary(seen, prices) | {
        "accounts": [of_line(seen, line) for line in seen.lines],
        "unknown_accounts": [of_unknown(one) for one in seen.risk.unknown],
    }


def rows(seen: View, prices: Sequence[Assumed]) -> Iterator[Record]:
    """For jsonl and csv: the accounts, then those that are unknown, each complete in itself."""
    answers = [of_assumed(one) for one in prices]
    for record in (
        *(of_line(seen, line) for line in seen.lines),
        *(of_unknown(one) for one in seen.risk.unknown),
    ):
        yield {**at(seen.chain, seen.block), "market": seen.market.name, **record, "prices_assumed": answers}


def flat(record: Record) -> Record:
    """For csv: the legs and the fall as text."""
    legs = record.get("legs", ())
    return record | {
        "held": "; ".join(f"{leg['amount']} {leg['symbol']}" for leg in legs if leg["side"] == Side.COLLATERAL),
        "owed": "; ".join(f"{leg['amount']} {leg['symbol']}" for leg in legs if leg["side"] == Side.DEBT),
        "fall": (record.get("collateral_fall") or {}).get("fraction"),
        "audit_mismatches": len(record.get("mismatches", ())),
        "prices_assumed": "; ".join(f"{one['symbol']}={one['price']}" for one in record["prices_assumed"]),
    }


def of_line(seen: View, line: Line) -> Record:
    """`correlated` names the group that holds all of it, null for a volatile one; the fall is null where it cannot be told."""
    one = line.account
    mismatches = seen.audit.mismatches.get(one.key, ())
    record = {
        "kind": "account",
        **whose(one.key),
        "status": one.status,
        "reason": None,
        "correlated": one.group,
        **of_valuation(one.valuation),
        "collateral_fall": None if line.fall is None else of_fall(line.fall),
        **of_move(line.move),
        "doubts": of_doubts(one.valuation.doubts),
        "mismatches": [of_mismatch(each) for each in mismatches],
    }
    if line.close is not None:
        record["liquidation_now"] = of_liquidation(line.close.now)
        record["liquidation_next_block"] = of_liquidation(line.close.next) | {"time": seen.next.timestamp}
    return record


def of_unknown(one: Unknown) -> Record:
    return {"kind": "account", **whose(one.key), "status": Status.UNKNOWN, "reason": one.reason}


def whose(key: PositionKey) -> Record:
    return {"account": to_checksum_address(key.key[:20]), "position": key.key}


def of_move(move: Move) -> Record:
    """A block; with `at_least` it may have moved again after it. Null: not known."""
    return {"last_move": move.block, "last_move_at_least": move.least}


def of_mismatch(one: Mismatch) -> Record:
    return {"field": one.field, "ours": one.ours, "contract": one.theirs}


def of_assumed(one: Assumed) -> Record:
    price, places = one.price, one.price.unit.decimals
    return {
        "token": price.token.address,
        "symbol": price.token.symbol,
        "unit": price.unit.symbol,
        "price": exact(one.answer, places),
        "answer": one.answer,
        "present": None if price.answer is None else exact(price.answer, places),
    }


def of_tier(tier: Tier, unit: Unit | None) -> Record:
    """Positions strictly below `below`, and their debt in the market's unit; no unit, nobody was valued."""
    parts = {"all": tier.all, "correlated": tier.loops, "volatile": tier.volatile}
    return {
        "below": exact(tier.line, 18),
        **{
            name: {"accounts": count, "debt": None if unit is None else exact(debt, unit.decimals)}
            for name, (count, debt) in parts.items()
        },
    }


def of_audit(found: Audit) -> Record:
    return {
        "looked": found.looked,
        "mismatches": len(found.mismatches),
        "without_answer": len(found.silent),
        "failure": found.failure,
    }


def of_coverage(found: Coverage, unread: Sequence[Span]) -> Record:
    """In shares of each debt token. `unexplained` is what nobody in the book owes, below zero what it owes too much; `rounding` how far a
    contract that rounds total and debts apart may be off by that alone.

    `deposits` are reported and check nothing: most of them belong to accounts that never owed anything.
    """
    return {
        "exact": found.exact,
        "debts": [
            {
                "token": one.token,
                "booked": one.booked,
                "total": one.total,
                "rounding": one.astray,
                "unexplained": one.unexplained,
            }
            for one in found.debts
        ],
        "deposits": [{"token": one.token, "booked": one.booked, "total": one.total} for one in found.deposits],
        "unread": [{"first": first, "last": last} for first, last in unread],
    }
