"""What the store says of markets that were opened whole: the newest proof that nobody is missing, and the newest audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from watcher.check import About, Finding, Result
from watcher.check.finding import Verdict
from watcher.config import Chain
from watcher.model import Market
from watcher.store.open import Store, open_store
from watcher.store.survey import DEBT, Audit, Proof, audits, proofs, searched
from watcher.survey.spans import Span, missing

NAMED = 5  # things of a kind in one line


def check_proofs(db: str | Path | None, chains: Sequence[Chain]) -> list[Finding]:
    """Two findings for every market with a book in the store, none for the others. Raises `StoreError`."""
    with open_store(db) as store:
        return [found for chain in chains for market in chain.markets for found in proved(store, chain, market)]


def proved(store: Store, chain: Chain, market: Market) -> Iterator[Finding]:
    """As of the newest block that has each."""
    if covered := proofs(store, market):
        last = max(0, covered[0].number - chain.finality)
        unread = missing(market.start or 0, last, searched(store, market, DEBT))
        facts = {"block": covered[0].number, "unexplained": {one.token: one.total - one.booked for one in covered}}
        yield Finding(chain.name, About.MARKET, market.name, "coverage", coverage(market, covered, unread), facts)
    if audited := audits(store, market)[:1]:
        (one,) = audited
        facts = {"block": one.number, "looked": one.looked, "mismatches": one.mismatches}
        yield Finding(chain.name, About.MARKET, market.name, "stored audit", audit(one), facts)


def coverage(market: Market, covered: Sequence[Proof], unread: Sequence[Span]) -> Verdict:
    """Shares of debt that are owed against the market's own total of each token. `unread` are blocks whose logs are not read."""
    number = covered[0].number
    failed = [one for one in covered if one.booked != one.total]
    if not failed:
        return Verdict(Result.OK, f"every share of debt is owed by somebody in the book, block {number}")
    part = "; ".join(f"{one.total - one.booked} of {one.total} shares of {one.token}" for one in failed[:NAMED])
    blocks = ", ".join(f"{first} to {last}" for first, last in unread[:NAMED]) or "all"
    advice = f"watcher book open {market.name}; blocks whose logs are to be asked for again: {blocks}"
    return Verdict(Result.FAIL, f"nobody in the book owes {part}, block {number}", advice)


def audit(one: Audit) -> Verdict:
    at = f"block {one.number}"
    if one.mismatches:
        detail = f"the contract said otherwise of {one.mismatches} of {one.looked} positions, {at}"
        return Verdict(Result.FAIL, detail, "watcher scan looks again and names them")
    if not one.looked:
        return Verdict(Result.WARN, f"no position was compared with the contract, {at}", "watcher scan looks again")
    return Verdict(Result.OK, f"{one.looked} positions were what the contract said, {at}")
