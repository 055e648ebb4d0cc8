"""How an Aave V2 pool liquidates, in words and numbers (LendingPoolCollateralManager, ValidationLogic)."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.adapter import Clause, Rulebook
from watcher.adapters.aave_v2.facts import Quote, Terms
from watcher.adapters.aave_v2.liquidated import FOREIGN
from watcher.adapters.aave_v3.rulebook import weights
from watcher.formula.aave.liquidation import CLOSE_FACTOR
from watcher.units import BPS


def rulebook(terms: Terms) -> Rulebook:
    """The clauses that the pool's code holds to now, and every collateral's weight."""
    return Rulebook(tuple(_clauses(terms)), tuple(weights(terms)), BPS)


def _clauses(terms: Terms) -> Iterator[Clause]:
    truncated = "the average threshold is cut to a whole basis point first, so health need not rise with a price"
    yield Clause("line", f"liquidatable when health, threshold-weighted collateral over debt, is below 1; {truncated}")
    half = f"{CLOSE_FACTOR * 100 // BPS} %"
    yield Clause("close factor", f"at most {half} of a debt in one asset in one call, stable and variable together")
    yield Clause("dust", "no rule: a liquidation may leave any remainder")
    yield Clause("bad debt", "what is still owed when no collateral is left stays with the account")
    yield Clause("bonus", "by the collateral that is seized")
    yield Clause("fee", f"the pool {FOREIGN}" if terms.fee_to else "none: the whole bonus is the liquidator's")
    yield Clause("order", "variable debt is repaid before stable debt")
    yield Clause(
        "pause", "a paused pool does nothing at all; a reserve that is not active can be neither repaid nor seized"
    )
    yield Clause("frozen", "a frozen reserve is liquidated as any other")
    yield Clause("grace", "none: liquidations go on as soon as a pause ends")
    yield Clause(
        "price",
        "the oracle's answer is taken as it is, however old; a source that answers zero or below is replaced by the fallback oracle",
    )


def stops(terms: Terms, quote: Quote) -> tuple[str, ...]:
    """What a pause does not let happen."""
    return ("the pool is paused: nobody can act, liquidators included",) if terms.paused else ()
