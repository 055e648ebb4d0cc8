"""One change of a parameter as a record and as a line: what it was and what it is, in words and exactly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, assert_never

from watcher.adapter import Measure
from watcher.chronicle.changes import Changes
from watcher.chronicle.fold import Entry, Value
from watcher.cli.account.record import at
from watcher.cli.output import Column
from watcher.config import Chain
from watcher.figures import exact, fixed
from watcher.model import Market
from watcher.oracle.feed import NOBODY

NOTHING: Final = "–"
NOT_KNOWN: Final = "?"
LINES: Final = (
    Column("block", "block", right=True),
    Column("time", "time (UTC)"),
    Column("subject", "of"),
    Column("parameter", "parameter"),
    Column("was", "was", right=True),
    Column("now", "is", right=True),
)
COLUMNS: Final = tuple(
    Column(name, name)
    for name in (
        "chain",
        "chain_id",
        "block",
        "block_hash",
        "block_time",
        "market",
        "log_index",
        "event",
        "contract",
        "token",
        "subject",
        "parameter",
        "measure",
        "was_known",
        "was",
        "now",
        "was_text",
        "now_text",
        "rules_before",
        "rules_after",
    )
)


def of_entry(chain: Chain, market: Market, found: Changes, entry: Entry) -> dict[str, Any]:
    """`was` and `now` in the integers of `measure`; `was` is null where there was nothing, and where `was_known` is false."""
    event, setting = entry.event, entry.setting
    rules = found.rules.get((event.block, event.index))
    return {
        "kind": "change",
        **at(chain, found.blocks[event.block]),
        "market": market.name,
        "log_index": event.index,
        "event": event.name.partition(".")[2],
        "contract": event.address,
        "token": setting.token,
        "subject": setting.subject,
        "parameter": setting.name,
        "measure": setting.measure.value,
        "was_known": entry.told,
        "was": entry.was,
        "now": setting.value,
        "was_text": before(entry),
        "now_text": words(setting.measure, setting.value),
        "rules_before": None if rules is None else rules[0],
        "rules_after": None if rules is None else rules[1],
    }


def line_of(found: Changes, entry: Entry) -> dict[str, Any]:
    """The rules that an upgrade changed stand in place of two addresses, where they are known to differ."""
    event, setting = entry.event, entry.setting
    was, now = before(entry), words(setting.measure, setting.value)
    rules = found.rules.get((event.block, event.index))
    if rules is not None and rules[0] != rules[1]:
        was, now = rules
    return {
        "block": event.block,
        "time": f"{datetime.fromtimestamp(found.blocks[event.block].timestamp, UTC):%Y-%m-%d %H:%M:%S}",
        "subject": setting.subject,
        "parameter": setting.name,
        "was": was,
        "now": now,
    }


def before(entry: Entry) -> str:
    if not entry.told:
        return NOT_KNOWN
    return NOTHING if entry.was is None else words(entry.setting.measure, entry.was)


def words(measure: Measure, value: Value) -> str:
    """A setting as people read it."""
    if isinstance(value, str):
        return NOTHING if value == NOBODY else value
    match measure:
        case Measure.BPS:
            return f"{exact(value, 2)} %"
        case Measure.WAD:
            return f"{exact(value, 16)} %"
        case Measure.TOKENS:
            return f"{value:,}" if value else "no limit"
        case Measure.CENTS:
            return f"{fixed(value, 2, 2)} USD" if value else NOTHING
        case Measure.SWITCH:
            return "yes" if value else "no"
        case Measure.TIME:
            return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S}" if value else NOTHING
        case Measure.NUMBER | Measure.ADDRESS:
            return str(value)
        case _:
            assert_never(measure)
