"""The columns of every export: name, kind, unit and what it means. This is the documentation, and what the writers go by."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from watcher.export.appraisal import APPRAISAL
from watcher.export.field import Field, Kind
from watcher.export.liquidation import LIQUIDATION


class Sheet(StrEnum):
    READINGS = "readings"
    HOLDINGS = "holdings"
    QUOTES = "quotes"
    TERMS = "terms"
    TRANSITIONS = "transitions"
    CYCLES = "cycles"
    APPRAISALS = "appraisals"
    PANEL = "panel"
    BOOK = "book"
    LIQUIDATIONS = "liquidations"


MARKET: Final = (
    Field("chain", Kind.COUNT, "chain id", "the chain"),
    Field("market", Kind.TEXT, "", "the market's name in chains.toml"),
    Field("protocol", Kind.TEXT, "", "the adapter that read it"),
    Field("formula", Kind.TEXT, "", "the rules of the market's code at that block; empty where they are not stored"),
    Field("program", Kind.TEXT, "version", "the version of watcher that read it; empty where its cycle was pruned"),
)
POSITION: Final = (Field("position", Kind.TEXT, "0x hex", "the address that holds the position"),)
BLOCK: Final = (
    Field("block", Kind.COUNT, "block number", "the block it is true at"),
    Field("block_hash", Kind.TEXT, "0x hex", "the hash of that block; empty where the block was pruned"),
    Field("time", Kind.TIME, "UTC", "when that block was made"),
)
HEALTH: Final = (
    Field("health_exact", Kind.EXACT, "wad: 1e18 is 1", "health factor; empty without debt, and when it is unknown"),
    Field("health", Kind.FLOAT, "1", "the same, rounded"),
)
FACT: Final = (
    *MARKET,
    *BLOCK,
    Field("words", Kind.WORDS, "as the contract stores them", "what held from this block to the next row's"),
)
WORTH: Final = (
    *HEALTH,
    Field("collateral_exact", Kind.EXACT, "10^-decimals of unit", "value of what protects the debt"),
    Field("collateral", Kind.FLOAT, "unit", "the same, rounded"),
    Field("debt_exact", Kind.EXACT, "10^-decimals of unit", "value of what is owed"),
    Field("debt", Kind.FLOAT, "unit", "the same, rounded"),
    Field("unit", Kind.TEXT, "", "symbol of what the market counts values in"),
    Field("decimals", Kind.COUNT, "", "of that unit"),
)
READING: Final = (
    *MARKET,
    *POSITION,
    *BLOCK,
    Field("status", Kind.TEXT, "", "no_debt, safe, watch, warn, danger, critical, liquidatable, owing or unknown"),
    *WORTH,
    Field("confirmed", Kind.FLAG, "", "a second endpoint said the same"),
    Field("exact", Kind.FLAG, "", "terms, quote and holding of that block are stored and give these numbers again"),
    Field("backfilled", Kind.FLAG, "", "read later, from an archive"),
    Field("reason", Kind.TEXT, "", "why it is unknown"),
    Field("doubts", Kind.TEXT, "", "what speaks against the numbers, one after the other"),
)
TRANSITION: Final = (
    *MARKET,
    *POSITION,
    *BLOCK,
    Field("id", Kind.TEXT, "", "the transition's own id, as alerts show it"),
    Field("read_at", Kind.TIME, "UTC", "when it was seen, by the watcher's clock"),
    Field("before", Kind.TEXT, "", "the status it had; empty for a position's first"),
    Field("after", Kind.TEXT, "", "the status it has now"),
    Field("health_before_exact", Kind.EXACT, "wad: 1e18 is 1", "health factor before"),
    Field("health_before", Kind.FLOAT, "1", "the same, rounded"),
    *HEALTH,
    Field("confirmed", Kind.FLAG, "", "a second endpoint said the same"),
    Field("due", Kind.TIME, "UTC", "when it may be told; empty: to nobody"),
    Field("retracts", Kind.TEXT, "", "id of the transition that a reorg took back"),
    Field("recovers", Kind.TEXT, "", "id of the unknown that this one ends"),
    Field("orphaned", Kind.FLAG, "", "its own block went in a reorg"),
    Field("cause", Kind.TEXT, "", "what moved it, where that is known"),
)
CYCLE: Final = (
    *MARKET,
    Field("block", Kind.COUNT, "block number", "the block that was read; empty where not even that was had"),
    Field("block_hash", Kind.TEXT, "0x hex", "the hash of that block"),
    Field("time", Kind.TIME, "UTC", "when that block was made"),
    Field("run_at", Kind.TIME, "UTC", "when the cycle ran, by the watcher's clock"),
    Field("positions", Kind.COUNT, "", "positions read"),
    Field("audited", Kind.COUNT, "", "of them compared with the contract's own answer"),
    Field("mismatches", Kind.COUNT, "", "figures that differed"),
    Field("error", Kind.TEXT, "", "why the market could not be read"),
    Field("error_kind", Kind.TEXT, "", "the error's class"),
)
MEMBER: Final = (
    *MARKET,
    *POSITION,
    *BLOCK,
    Field("status", Kind.TEXT, "", "no_debt, owing, liquidatable (the contract's own comparison) or unknown"),
    *WORTH,
    Field("reason", Kind.TEXT, "", "why it is unknown"),
)
PANEL: Final = (
    Field("at", Kind.TIME, "UTC", "the time of the grid; block is the newest followed one not after it"),
    *MEMBER,
)
BOOK: Final = (
    *MEMBER,
    Field("mode", Kind.COUNT, "", "e-mode category, 0 for none; empty where the protocol has none"),
    Field(
        "words", Kind.WORDS, "as the contract stores them", "what the position holds: scaled balances, shares, flags"
    ),
)

SHEETS: Final[dict[Sheet, tuple[Field, ...]]] = {
    Sheet.READINGS: READING,
    Sheet.HOLDINGS: (*MARKET, *POSITION, *FACT[len(MARKET) :]),
    Sheet.QUOTES: FACT,
    Sheet.TERMS: FACT,
    Sheet.TRANSITIONS: TRANSITION,
    Sheet.CYCLES: CYCLE,
    Sheet.APPRAISALS: (*MARKET, *POSITION, *BLOCK, *APPRAISAL),
    Sheet.PANEL: PANEL,
    Sheet.BOOK: BOOK,
    Sheet.LIQUIDATIONS: LIQUIDATION,
}


def schema() -> tuple[tuple[Sheet, Field], ...]:
    """Every column of every export, in order."""
    return tuple((sheet, field) for sheet, fields in SHEETS.items() for field in fields)
