"""Pre-liquidation: contracts that an account has authorised, which act on it before Morpho does. Read, valued, and what they would take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.adapter import Event, Liquidation, LogQuery, Refusal
from watcher.adapters.morpho_blue.facts import Answer, Holding, Params, PreLiquidation, Quote, Terms
from watcher.adapters.morpho_blue.price import oracle_price, price_of, unit
from watcher.errors import AnswerError, Overflow
from watcher.formula.morpho import max_borrow, quoted_down
from watcher.formula.pre_liquidation import Offer, Owed, Rules, largest, offer
from watcher.model import Doubt, DoubtKind, Early, Line, Market
from watcher.query import Query, ask, each, one, together
from watcher.units import WAD, Raw, Wad, mul_div_down

CONTRACT: Final = "morpho_blue/pre_liquidation"
FACTORY: Final = "morpho_blue/pre_liquidation_factory"


def annexes(singleton: Market) -> LogQuery[tuple[bytes, ChecksumAddress]]:
    """Every contract that the factory of a Morpho's annex has made, with the id of its market. Its logs are few: anybody may make one."""
    if singleton.annex is None:
        raise ValueError(f"{singleton.name} has no annex")

    def read(event: Event) -> tuple[bytes, ChecksumAddress]:
        contract, identity, _ = event.args
        return identity, contract

    return LogQuery((singleton.annex.factory,), (f"{FACTORY}.CreatePreLiquidation",), read)


def pre_liquidations(market: Market, params: Params) -> Query[tuple[PreLiquidation, ...]]:
    """Those of the annex that the factory knows at this block. `AnswerError` for one that is of another market."""
    if market.annex is None or not market.annex.made:
        return ()
    made = market.annex.made
    (known,) = yield from ask(
        one(f"{FACTORY}.isPreLiquidation", market.annex.factory, [(address,) for address in made])
    )
    there = [address for address, (is_one,) in zip(made, known, strict=True) if is_one]
    if not there:
        return ()
    names = ("MORPHO", "ID", "preLiquidationParams")
    columns = yield from ask(*(each(f"{CONTRACT}.{name}", there) for name in names))
    return tuple(_contract(market, params, *row) for row in zip(there, *columns, strict=True))


def _contract(
    market: Market,
    params: Params,
    address: ChecksumAddress,
    morpho: Sequence[Any],
    id: Sequence[Any],
    row: Sequence[Any],
) -> PreLiquidation:
    if (morpho[0], id[0]) != (market.address, market.id):
        raise AnswerError(f"the pre-liquidation contract {address} is not of {market.name}")
    pre_lltv, close, close_last, factor, factor_last, oracle = row[0]
    return PreLiquidation(address, Rules(params.lltv, pre_lltv, (close, close_last), (factor, factor_last)), oracle)


def answers(terms: Terms) -> Query[tuple[Answer, ...]]:
    """What each contract's oracle answers; one that fails costs that contract its line and nobody else anything."""
    found = yield from together([oracle_price(contract.oracle) for contract in terms.early])
    for answer in found:
        if not isinstance(answer, Answer):
            raise answer
    return tuple(answer for answer in found if isinstance(answer, Answer))


def authorised(
    terms: Terms, owners: Sequence[ChecksumAddress]
) -> Query[dict[ChecksumAddress, tuple[ChecksumAddress, ...]]]:
    """Which of the contracts each owner lets act; nothing is asked where there is none."""
    contracts = [contract.address for contract in terms.early]
    if not contracts or not owners:
        return {}
    pairs = [(owner, contract) for owner in owners for contract in contracts]
    (rows,) = yield from ask(one("morpho_blue/morpho.isAuthorized", terms.market.address, pairs))
    granted = {pair for pair, (is_one,) in zip(pairs, rows, strict=True) if is_one}
    return {owner: tuple(c for c in contracts if (owner, c) in granted) for owner in owners}


def lines(terms: Terms, quote: Quote, holding: Holding, debt: int) -> tuple[Early, ...]:
    """The line of every contract that the account has authorised, the highest first: the one that its health comes to first.

    A contract acts where ⌊quoted·preLltv⌋ < debt ≤ ⌊quoted·LLTV⌋. Nothing where nothing is owed.
    """
    if not debt or not holding.authorised:
        return ()
    found = [
        _line(terms, quote, holding, contract, answer)
        for contract, answer in zip(terms.early, quote.early, strict=True)
        if contract.address in holding.authorised
    ]
    return tuple(sorted(found, key=lambda early: (early.health is None, early.health or 0, early.contract)))


def _line(terms: Terms, quote: Quote, holding: Holding, contract: PreLiquidation, answer: Answer) -> Early:
    owed = _owed(quote, holding, answer.price or 0)
    try:
        weighted = max_borrow(holding.collateral, owed.price, contract.rules.pre_lltv)
        acts = isinstance(offer(contract.rules, owed), Offer)
    except Overflow as error:
        return Early(contract.address, contract.oracle, None, None, False, str(error))
    if not owed.price:
        reason = answer.reason or "its oracle answers zero, at which it refuses"
        return Early(contract.address, contract.oracle, None, None, False, reason)
    debt = owed.debt
    line = Line(weighted, debt, unit(terms))
    return Early(contract.address, contract.oracle, line, Wad(mul_div_down(weighted, WAD, debt)), acts)


def _owed(quote: Quote, holding: Holding, price: int) -> Owed:
    return Owed(quote.totals.borrow, holding.collateral, holding.borrow_shares, price)


def doubts(found: Sequence[Early]) -> tuple[Doubt, ...]:
    """Of every line that cannot be told."""
    text = "the pre-liquidation contract {} may act before Morpho does; from where cannot be told: {}"
    return tuple(Doubt(DoubtKind.EARLY, text.format(one.contract, one.reason)) for one in found if one.health is None)


def early(terms: Terms, quote: Quote, holding: Holding, contract: ChecksumAddress) -> Liquidation | Refusal:
    """The largest `preLiquidate` of that contract now. Morpho looks at what is left by the market's own price.

    Raises `MissingPrice` where the market's oracle has none, as `value` does.
    """
    found = next(((c, a) for c, a in zip(terms.early, quote.early, strict=True) if c.address == contract), None)
    if found is None or terms.collateral is None:
        return Refusal(f"{contract} is no pre-liquidation contract of {terms.market.name}")
    if contract not in holding.authorised:
        return Refusal("the account has not authorised it")
    rules, answer = found[0].rules, found[1]
    if not answer.price:
        return Refusal(answer.reason or "its oracle answers zero")
    price = price_of(terms, quote)
    try:
        done = largest(rules, _owed(quote, holding, answer.price), price)
    except Overflow as error:
        return Refusal(str(error))
    if isinstance(done, str):
        return Refusal(done)
    deal, taken = done
    return Liquidation(
        debt=terms.loan,
        collateral=terms.collateral,
        repay=Raw(taken.repaid),
        seize=Raw(taken.seized),
        fee=Raw(0),
        incentive=deal.factor,
        bonus=quoted_down(taken.seized, price) - taken.repaid,
        unit=unit(terms),
        deficit=Raw(0),
        blocked=None,
    )
