"""How an Aave V3 pool liquidates, in words and numbers, by its own version (LiquidationLogic, ValidationLogic)."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.adapter import Clause, Rulebook, Weight
from watcher.adapters.aave_v3.facts import Category, Quote, Reserve, Terms
from watcher.adapters.aave_v3.seat import applied
from watcher.adapters.aave_v3.value import SENTINEL_LINE
from watcher.formula.aave.liquidation import CLOSE_FACTOR, CLOSE_LINE, DUST, SMALL
from watcher.formula.aave.version import Version
from watcher.units import BPS, WAD


def rulebook(terms: Terms) -> Rulebook:
    """The clauses that the pool's code holds to now, and every collateral's weight outside e-modes and in each."""
    return Rulebook(tuple(_clauses(terms)), tuple(weights(terms)), BPS)


def _clauses(terms: Terms) -> Iterator[Clause]:
    version = terms.version
    yield Clause("line", _line(version))
    yield Clause("close factor", _close_factor(version))
    if version >= Version.V3_3:
        text = f"a partial liquidation must leave at least {_dollars(DUST)} of that debt and of that collateral"
        yield Clause("dust", f"{text}, or nothing of one of them; what would leave less is refused")
        written = "is written off at once, in all assets, and booked as the reserves' deficit"
        yield Clause("bad debt", f"what is still owed when no collateral is left {written}")
    else:
        yield Clause("dust", "no rule: a liquidation may leave any remainder")
        yield Clause("bad debt", "what is still owed when no collateral is left stays with the account")
    yield Clause("bonus", "by the collateral that is seized; an e-mode that lists it puts its own in place")
    yield Clause("fee", "the protocol keeps a share of the bonus, by the collateral that is seized, paid in aTokens")
    yield Clause("pause", "a reserve that is paused or not active can be neither repaid nor seized")
    yield Clause("grace", _grace(version))
    yield Clause("sentinel", _sentinel(terms))
    if version >= Version.V3_4:
        yield Clause("self", "nobody can liquidate themselves")
    yield Clause(
        "price",
        "the oracle's answer is taken as it is, however old; with an answer of zero or below nobody who holds or owes the asset can act",
    )


def _line(version: Version) -> str:
    text = "liquidatable when health, threshold-weighted collateral over debt, is below 1"
    if version >= Version.V3_5:
        return f"{text}; values are rounded against the account"
    return f"{text}; the average threshold is cut to a whole basis point first, so health need not rise with a price"


def _close_factor(version: Version) -> str:
    half, line = f"{CLOSE_FACTOR * 100 // BPS} %", _hundredths(CLOSE_LINE)
    if version < Version.V3_3:
        return f"at most {half} of a debt in one asset in one call while health is above {line}, all of it at or below"
    return (
        f"all of a debt, unless that debt and that collateral are worth {_dollars(SMALL)} or more each and health is above {line}: "
        f"then at most {half} of the account's whole debt"
    )


def _grace(version: Version) -> str:
    if version < Version.V3_1:
        return "none: liquidations go on as soon as a pause ends"
    return (
        "after a pause a reserve may be given a time in which it is neither repaid nor seized, its last second included"
    )


def _sentinel(terms: Terms) -> str:
    if terms.version >= Version.V3_7:
        return "none: this version has no price-oracle sentinel"
    if terms.sentinel is None:
        return "none is set"
    line = _hundredths(SENTINEL_LINE)
    return f"{terms.sentinel} holds liquidations off at a health of {line} or more while the sequencer is down or just back"


def stops(terms: Terms, quote: Quote) -> tuple[str, ...]:
    """What the sentinel does not let happen at the quote's block."""
    if terms.sentinel is None:
        return ()
    line = _hundredths(SENTINEL_LINE)
    held = ((quote.can_liquidate, f"liquidations at a health of {line} or more"), (quote.can_borrow, "borrowing"))
    return tuple(f"the sentinel holds {what} off now" for allowed, what in held if not allowed)


def _dollars(base: int) -> str:
    """These constants assume eight decimals of USD, whatever the oracle's unit is."""
    return f"{base // 10**8:,} USD"


def _hundredths(wad: int) -> str:
    return f"0.{wad * 100 // WAD:02}"


def weights(terms: Terms) -> Iterator[Weight]:
    """What every collateral counts for, outside e-modes and in each that makes a difference."""
    modes: tuple[Category | None, ...] = (None, *terms.categories)
    for reserve in terms.reserves:
        for category in modes:
            weight = _weight(terms, reserve, category)
            if weight is not None:
                yield weight


def _weight(terms: Terms, reserve: Reserve, category: Category | None) -> Weight | None:
    """None where the reserve does not count, and where the e-mode leaves it as it is outside."""
    gated = terms.version < Version.V3_6 and reserve.rules.threshold == 0
    threshold, ltv, bonus = applied(terms.version, reserve, category)
    if gated or threshold == 0:
        return None
    if category is not None and (threshold, ltv, bonus) == applied(terms.version, reserve, None):
        return None
    return Weight(reserve.token, category.id if category else 0, ltv, threshold, bonus, reserve.rules.fee)
