"""100,000 accounts of three positions: everyone screened and proved, against one exact value each; and what exactness itself costs."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import partial

from tests.benchmarks.crowd import Crowd, crowd
from tests.benchmarks.row import Row, best, faster
from watcher.adapters import adapter
from watcher.adapters.aave_v3.facts import Holding
from watcher.book.verdict import Lines, Verdict, verdict
from watcher.health.bands import VOLATILE
from watcher.model import Valuation
from watcher.units import BPS, RAY, WAD, Wad

ACCOUNTS, PIECE, ROUNDS = 100_000, 1_000, 3
STEPS = (VOLATILE.watch, VOLATILE.warn, VOLATILE.danger, VOLATILE.critical)
LINES = Lines((STEPS,))


def rows() -> list[Row]:
    """CPU time. What is done account by account is timed in pieces, the two ways in turn, so that a slow moment hits both."""
    found = crowd(ACCOUNTS)
    book = found.book()
    holdings = list(found.holdings.values())
    gc.collect()
    gc.freeze()
    value = bare = 0.0
    for start in range(0, ACCOUNTS, PIECE):
        piece = holdings[start : start + PIECE]
        flat = [[(one.id, one.deposit, one.debt) for one in holding.balances] for holding in piece]
        taken = [(best(1, partial(_valued, found, piece)), best(1, partial(_bare, found, flat))) for _ in range(ROUNDS)]
        value += min(ours for ours, _ in taken)
        bare += min(theirs for _, theirs in taken)
    screened = best(10, lambda: verdict(book, found.quote, LINES))
    gc.unfreeze()
    judged = verdict(book, found.quote, LINES)
    wrong = _misjudged(found, judged)
    each = 1e6 / ACCOUNTS
    return [
        faster(f"screen, {len(judged.exact)} decided in integers", "µs per account", screened * each, value * each, 25),
        Row("screen, misjudged", "accounts", wrong, 0, wrong, 0, at_most=True),
        Row("value over the bare sum", "µs per account", value * each, bare * each, value / bare, 6, at_most=True),
    ]


def _valued(found: Crowd, holdings: Sequence[Holding]) -> None:
    value, terms, quote = adapter("aave_v3").value, found.terms, found.quote
    for holding in holdings:
        value(terms, quote, holding)


def _bare(found: Crowd, flat: Sequence[Sequence[tuple[int, int, int]]]) -> list[Wad | None]:
    """Health alone, in the contract's rounding: no legs, no overflow, no flags, no e-mode, nothing that could be missing."""
    incomes, owed = [state.income for state in found.quote.states], [state.owed for state in found.quote.states]
    prices, units = [price or 0 for price in found.quote.prices], [reserve.unit for reserve in found.terms.reserves]
    thresholds = [reserve.rules.threshold for reserve in found.terms.reserves]
    sums = []
    for account in flat:
        weighted = debt = 0
        for id, deposit, borrowed in account:
            if deposit:
                weighted += deposit * incomes[id] // RAY * prices[id] // units[id] * thresholds[id]
            if borrowed:
                debt -= -(borrowed * owed[id] // -RAY) * -prices[id] // units[id]
        sums.append(Wad((weighted * WAD + debt // 2) // debt // BPS) if debt else None)
    return sums


def _misjudged(found: Crowd, judged: Verdict) -> int:
    """Against the exact value of every account."""
    wrong = 0
    for row, holding in enumerate(found.holdings.values()):
        exact: Valuation = adapter("aave_v3").value(found.terms, found.quote, holding)
        below = 0 if exact.health is None else sum(exact.health < step for step in STEPS)
        said = judged.level[row], judged.liquidatable[row], judged.unknown[row]
        wrong += said != (below, exact.liquidatable, False)
    return wrong
