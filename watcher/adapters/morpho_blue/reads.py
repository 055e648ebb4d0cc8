"""Every question put to Morpho: the terms of a market, its quote, holdings in it, and Morpho's own answer for the audit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from watcher.adapter import Reported, Shares, Which
from watcher.adapters.morpho_blue.early import answers, authorised, pre_liquidations
from watcher.adapters.morpho_blue.facts import Answer, Holding, Model, Params, Quote, Terms
from watcher.adapters.morpho_blue.models import model
from watcher.adapters.morpho_blue.price import oracle_price
from watcher.adapters.morpho_blue.sources import pulse, sources
from watcher.errors import AnswerError, CallReverted, WatcherError
from watcher.formula.morpho import Pot, Totals, to_assets_up
from watcher.model import Market, PositionKey, Token
from watcher.oracle.feed import NOBODY
from watcher.query import Call, Outcome, Query, Script, ask, each, one, settled, together

MORPHO: Final = "morpho_blue/morpho"
HEALTHY: Final = "position is healthy"
PAST_HEALTH: Final = frozenset(  # `liquidate` fails with these only after it has found the position unhealthy
    {"transfer reverted", "transfer returned false", "transferFrom reverted", "transferFrom returned false", "no code"}
)
PER_SCRIPT: Final = 100  # positions in one simulated transaction


def terms(market: Market) -> Query[Terms]:
    """`AnswerError` when this Morpho has no such market: the id is the hash of the parameters that it answers."""
    rows, recipients = yield from ask(
        one(f"{MORPHO}.idToMarketParams", market.address, ((market.id,),)),
        one(f"{MORPHO}.feeRecipient", market.address),
    )
    params = Params(*rows[0])
    if identity(params) != market.id:
        raise AnswerError(f"{market.name}: Morpho at {market.address} has no market 0x{market.id.hex()}")
    asked: tuple[Query[Any], ...] = (
        token(params.loan),
        settled(None) if params.collateral == NOBODY else token(params.collateral),
        model(market, params),
        sources(params.oracle),
        pre_liquidations(market, params),
    )
    loan, collateral, kind, parts, early = yield from _all(asked)
    return Terms(market, params, loan, collateral, kind, parts, recipients[0][0], early)


def identity(params: Params) -> bytes:
    """`MarketParamsLib.id`: the hash of five words."""
    words = [bytes(12) + bytes.fromhex(address[2:]) for address in params.row()[:4]]
    return keccak(b"".join(words) + params.lltv.to_bytes(32, "big"))


def token(address: ChecksumAddress) -> Query[Token]:
    """A token without a symbol is called by the start of its address; one without decimals is an error, its amounts have no meaning."""
    decimals, symbol = yield (
        each("erc20/token.decimals", [address]),
        each("erc20/token.symbol", [address]),
    )
    if isinstance(decimals, WatcherError):
        raise decimals
    if isinstance(symbol, AnswerError | CallReverted):
        return Token(address, address[:10], decimals[0][0])
    if isinstance(symbol, WatcherError):
        raise symbol
    return Token(address, symbol[0][0] or address[:10], decimals[0][0])


def fresh(terms: Terms) -> Query[bool]:
    """Parameters, model and oracle never change; the market must be on this chain, the fee recipient the same, and what the tokens call a
    whole one too: behind a proxy they may change their mind.
    """
    tokens = [terms.loan] if terms.collateral is None else [terms.loan, terms.collateral]
    rows, recipients, *places = yield from ask(
        one(f"{MORPHO}.idToMarketParams", terms.market.address, ((terms.market.id,),)),
        one(f"{MORPHO}.feeRecipient", terms.market.address),
        *(each("erc20/token.decimals", [one_of.address]) for one_of in tokens),
    )
    known = (terms.params.row(), terms.fee_recipient, [one_of.decimals for one_of in tokens])
    return (tuple(rows[0]), recipients[0][0], [place[0][0] for place in places]) == known


def quote(terms: Terms) -> Query[Quote]:
    """One round trip; two under a model that is not the adaptive curve, whose rate is asked for the totals."""
    price, own = oracle_price(terms.params.oracle), answers(terms)
    asked: tuple[Query[Any], ...] = (_stored(terms), price, _rate(terms), pulse(terms.sources), own)
    row, answer, (at_target, rate, rate_at), beat, early = yield from _all(asked)
    found: Answer = answer
    return Quote(_totals(row), row[5], row[4], found.price, found.reason, beat, at_target, rate, rate_at, early=early)


def _totals(row: Sequence[int]) -> Totals:
    return Totals(supply=Pot(row[0], row[1]), borrow=Pot(row[2], row[3]))


def _stored(terms: Terms) -> Query[tuple[int, ...]]:
    (rows,) = yield from ask(one(f"{MORPHO}.market", terms.market.address, ((terms.market.id,),)))
    return tuple(rows[0])


def _rate(terms: Terms) -> Query[tuple[int, int | None, int | None]]:
    """Rate at target, rate, and the timestamp it is for, as far as the model has them."""
    if terms.model is Model.NONE:
        return 0, None, None
    if terms.model is Model.ADAPTIVE:
        (rows,) = yield from ask(one("morpho_blue/irm.rateAtTarget", terms.params.irm, ((terms.market.id,),)))
        return rows[0][0], None, None
    if terms.model is Model.FIXED:
        (rows,) = yield from ask(one("morpho_blue/irm.borrowRateStored", terms.params.irm, ((terms.market.id,),)))
        return 0, rows[0][0], None
    market, params = terms.market, terms.params.row()
    stored = Call(f"{MORPHO}.market", market.address, (market.id,))
    accrue = Call(f"{MORPHO}.accrueInterest", market.address, (params,))
    ((before, accrued, after),) = yield from ask(Script((stored, accrue, stored)))
    if before.row is None or accrued.row is None or after.row is None:
        return 0, None, None
    (rates,) = yield from ask(one("morpho_blue/irm.borrowRateView", terms.params.irm, ((params, before.row),)))
    return 0, rates[0][0], after.row[4]


def holdings(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Holding]]:
    """One round trip for any number of positions: what each has, and which of the early contracts it lets act."""
    if not keys:
        return {}
    owners = [_owner(key.key) for key in keys]
    stored, granted = yield from _all((_positions(terms, owners), authorised(terms, owners)))
    return {
        key: Holding(key, row[0], row[1], row[2], granted.get(owner, ()))
        for key, owner, row in zip(keys, owners, stored, strict=True)
    }


def _positions(terms: Terms, owners: Sequence[ChecksumAddress]) -> Query[Any]:
    args = [(terms.market.id, owner) for owner in owners]
    (rows,) = yield from ask(one(f"{MORPHO}.position", terms.market.address, args))
    return rows


def totals(terms: Terms, quote: Quote) -> Shares:
    """Borrow shares of the loan token; nobody counts the collateral. Lenders' shares are no part of a borrower's health."""
    return Shares({terms.loan.address: quote.totals.borrow.shares}, {})


def shares(terms: Terms, holding: Holding) -> Shares:
    return Shares({terms.loan.address: holding.borrow_shares} if holding.borrow_shares else {}, {})


@lru_cache(maxsize=1 << 16)
def _owner(key: bytes) -> ChecksumAddress:
    """A position of Morpho is an address. Its checksum costs a keccak, and the same come at every block."""
    return to_checksum_address(key)


def positions(terms: Terms, owners: Sequence[ChecksumAddress]) -> Query[tuple[PositionKey, ...]]:
    """The owners who lend, borrow or hold collateral in this market."""
    if not owners:
        return ()
    stored = yield from _positions(terms, owners)
    return tuple(
        PositionKey(terms.market.name, bytes.fromhex(owner[2:]))
        for owner, row in zip(owners, stored, strict=True)
        if any(row)
    )


def reported(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Reported]]:
    """Morpho's own totals after a simulated `accrueInterest`, and whether a simulated `liquidate` gets past its health check.

    The liquidator owns nothing, so a liquidation that is allowed fails at the token transfer that follows. Any other failure (the
    oracle's, an overflow) says nothing, and `liquidatable` is then absent. Morpho has no view of a debt: ours is the rounding of the
    shares, on its totals.
    """
    if not keys:
        return {}
    parts = [keys[start : start + PER_SCRIPT] for start in range(0, len(keys), PER_SCRIPT)]
    answers = yield from ask(*(_simulation(terms, part) for part in parts))
    found: dict[PositionKey, Reported] = {}
    for part, (accrued, market, *outcomes) in zip(parts, answers, strict=True):
        if accrued.row is None or market.row is None:
            raise CallReverted(f"{MORPHO}.accrueInterest at {terms.market.address}", accrued.revert or market.revert)
        borrow = _totals(market.row).borrow
        held, tried = outcomes[: len(part)], outcomes[len(part) :]
        for key, position, attempt in zip(part, held, tried, strict=True):
            found[key] = Reported(key, Which.ALL, _figures(borrow, position, attempt))
    return found


def _simulation(terms: Terms, keys: Sequence[PositionKey]) -> Script:
    market, owners = terms.market, [_owner(key.key) for key in keys]
    params = terms.params.row()
    return Script(
        (
            Call(f"{MORPHO}.accrueInterest", market.address, (params,)),
            Call(f"{MORPHO}.market", market.address, (market.id,)),
            *(Call(f"{MORPHO}.position", market.address, (market.id, owner)) for owner in owners),
            *(Call(f"{MORPHO}.liquidate", market.address, (params, owner, 0, 1, b"")) for owner in owners),
        )
    )


def _figures(borrow: Pot, position: Outcome, attempt: Outcome) -> dict[str, int | bool | None]:
    figures: dict[str, int | bool | None] = {}
    if position.row is not None:
        figures["debt"] = to_assets_up(position.row[1], borrow)
    reason = error_text(attempt.revert)
    if reason == HEALTHY:
        figures["liquidatable"] = False
    elif attempt.row is not None or reason in PAST_HEALTH:
        figures["liquidatable"] = True
    return figures


def error_text(revert: bytes) -> str | None:
    """The text of ``Error(string)``, else None."""
    if revert[:4] != bytes.fromhex("08c379a0") or len(revert) < 68:
        return None
    length = int.from_bytes(revert[36:68], "big")
    return revert[68 : 68 + length].decode("utf-8", "replace") if len(revert) >= 68 + length else None


def _all(queries: Sequence[Query[Any]]) -> Query[tuple[Any, ...]]:
    """All results in lockstep, or the first error."""
    results = yield from together(queries)
    for result in results:
        if isinstance(result, WatcherError):
            raise result
    return results
