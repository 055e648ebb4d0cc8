"""One market as it stands at a block: is there code, are its rules known, does its oracle answer for everything. All of it is a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from watcher.adapter import Makeup, Price, Which
from watcher.adapters import adapter
from watcher.check.finding import About, Finding, Result, Verdict
from watcher.errors import CallReverted, ChainError, WatcherError
from watcher.model import BlockRef, Market
from watcher.oracle.feed import NOBODY
from watcher.query import Code, Query, ask, each, together

NAMED: Final = 5  # things listed in one line
LATE: Final = Verdict(Result.UNKNOWN, "not read before the time was up", "give it more with --timeout")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was read of a market. `terms` is the adapter's own value, or why there is none; what needs it is then empty.

    `empty` are the contracts of the market without code. `reasons` say for prices without an answer what their source does.
    """

    market: Market
    code: bool
    terms: Any = None
    makeup: Makeup | None = None
    empty: tuple[str, ...] = ()
    prices: tuple[Price, ...] | WatcherError = ()
    reasons: tuple[str, ...] = ()


def inspect(market: Market, block: BlockRef) -> Query[Inspection]:
    """Everything about one market. Its own failures are in the answer; a singleton without an id is only looked for."""
    (codes,) = yield from ask(Code((market.address,)))
    found = Inspection(market, bool(codes[0][0]))
    of = adapter(market.protocol)
    if not found.code or (of.discover is not None and not market.id):
        return found
    (terms,) = yield from together([of.terms(market)])
    found = replace(found, terms=terms)
    if isinstance(terms, WatcherError):
        return found
    makeup = of.makeup(terms) if of.makeup is not None else Makeup(of.name, ())
    (around,) = yield from ask(Code(tuple(address for _, address in makeup.contracts)))
    empty = tuple(role for (role, _), (code,) in zip(makeup.contracts, around, strict=True) if not code)
    (prices,) = yield from together([_prices(market, terms, block)])
    reasons = () if isinstance(prices, WatcherError) else (yield from _reasons(prices))
    return replace(found, makeup=makeup, empty=empty, prices=prices, reasons=reasons)


def _prices(market: Market, terms: Any, block: BlockRef) -> Query[tuple[Price, ...]]:
    of = adapter(market.protocol)
    quote = yield from of.quote(terms)
    return of.prices(terms, of.accrue(terms, quote, block, Which.ALL))


def _reasons(prices: Sequence[Price]) -> Query[tuple[str, ...]]:
    """Why there is no usable price: what the source itself says."""
    missing = [price for price in prices if price.answer is None]
    asked = [price.source for price in missing if price.source != NOBODY]
    if not asked:
        return tuple(f"{price.token.symbol}: no source is set" for price in missing)
    codes, rounds = yield from ask(Code(tuple(asked)), each("chainlink/feed.latestRoundData", asked, optional=True))
    said = {source: _said(code, row) for source, (code,), row in zip(asked, codes, rounds, strict=True)}
    return tuple(f"{price.token.symbol}: {said.get(price.source, 'no source is set')}" for price in missing)


def _said(code: bytes, row: tuple[int, ...] | None) -> str:
    if not code:
        return "its source has no code"
    return "its source reverts or answers nothing usable" if row is None else f"its source answers {row[1]}"


def market_findings(chain: str, found: Inspection) -> tuple[Finding, ...]:
    """One finding per check of a market. Pure."""
    verdicts = {"code": _code(found)}
    if found.terms is not None:
        verdicts["rules"] = _rules(found)
    if found.makeup is not None:
        verdicts["contracts"] = _contracts(found.makeup, found.empty)
        verdicts["oracle"] = _oracle(found)
    return tuple(Finding(chain, About.MARKET, found.market.name, *item) for item in verdicts.items())


def unread(chain: str, market: Market, error: WatcherError | None) -> Finding:
    """A market that could not be looked at: `error` None when the time was up."""
    verdict = LATE if error is None else failed(error)
    return Finding(chain, About.MARKET, market.name, "read", verdict)


def failed(error: WatcherError) -> Verdict:
    """A source that did not answer leaves it unknown; what the chain itself answered, or refused, is a failure."""
    source = isinstance(error, ChainError) and not isinstance(error, CallReverted)
    advice = "name another endpoint with --rpc URL" if source else "update the watcher, or check the chains file"
    return Verdict(Result.UNKNOWN if source else Result.FAIL, str(error), advice)


def _code(found: Inspection) -> Verdict:
    if found.code:
        return Verdict(Result.OK, f"there is a contract at {found.market.address}")
    return Verdict(
        Result.FAIL, f"no contract at {found.market.address}", "check the market's address in the chains file"
    )


def _rules(found: Inspection) -> Verdict:
    """Rules that are not known stop the market: its positions are unknown, never computed by another release's formulas."""
    if isinstance(found.terms, WatcherError):
        return failed(found.terms)
    made = found.makeup
    if made is None or not made.limits:
        return Verdict(Result.OK, made.rules if made else "known")
    advice = "the health of the newest block is exact all the same"
    return Verdict(Result.WARN, f"{made.rules}; {'; '.join(made.limits)}", advice)


def _contracts(made: Makeup, empty: Sequence[str]) -> Verdict:
    if empty:
        return Verdict(Result.FAIL, f"no code at: {listed(empty)}", "check the market's address in the chains file")
    return Verdict(Result.OK, f"all of its {len(made.contracts)} contracts have code")


def _oracle(found: Inspection) -> Verdict:
    """A price that is missing makes every position that holds the asset unknown; an old or capped one is only doubtful."""
    if isinstance(found.prices, WatcherError):
        return failed(found.prices)
    if found.reasons:
        advice = "positions in these assets are unknown until the oracle answers again"
        return Verdict(Result.FAIL, f"no usable price: {listed(found.reasons)}", advice)
    if not found.prices:
        return Verdict(Result.OK, "nothing here needs a price")
    doubts = [doubt.text for price in found.prices for doubt in price.doubts]
    times = [price.updated for price in found.prices if price.updated is not None]
    detail = f"{len(found.prices)} of {len(found.prices)} prices answered, {len(times)} of them with their age"
    if doubts:
        return Verdict(Result.WARN, f"{detail}; {listed(doubts)}", "see the feed before you rely on it")
    return Verdict(Result.OK, detail)


def listed(texts: Sequence[str]) -> str:
    """A few of them, and how many more there are."""
    more = len(texts) - NAMED
    return "; ".join(texts[:NAMED]) + (f"; and {more} more" if more > 0 else "")
