"""What a comptroller's terms are made of, as the chain stores it: known terms still hold exactly when all of these words are the same.

A cToken of the native token takes any call that it does not know for a deposit (its fallback mints), and a deposit accrues interest: it
changes what is read beside it in one `eth_call`. So what only some cTokens have is looked for once, in a round that reads nothing which
interest changes, and never asked again where it is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.errors import AnswerError
from watcher.oracle.feed import NOBODY
from watcher.query import Read, Rows, each, one

COMPTROLLER: Final = "compound_v2/comptroller"
CTOKEN: Final = "compound_v2/ctoken"
_PER_MARKET: Final = ("mintGuardianPaused", "borrowGuardianPaused", "borrowCaps", "supplyCaps", "isDeprecated")


@dataclass(frozen=True, slots=True)
class Head:
    """The comptroller's own words. `code` is the implementation behind it, zero where it says none."""

    code: ChecksumAddress
    tokens: tuple[ChecksumAddress, ...]
    oracle: ChecksumAddress
    close_factor: int
    incentive: int
    seize_paused: bool
    transfer_paused: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """What the comptroller says of one market, in the order of `Head.tokens`. Caps are 0 for none."""

    listed: bool
    factor: int
    mint_paused: bool
    borrow_paused: bool
    borrow_cap: int
    supply_cap: int
    deprecated: bool


@dataclass(frozen=True, slots=True)
class Own:
    """What a cToken says of itself: its model and reserve factor; its share of seizures and its implementation, None without."""

    model: ChecksumAddress
    reserve_factor: int
    share: int | None
    code: ChecksumAddress | None


@dataclass(frozen=True, slots=True)
class Words:
    head: Head
    rules: tuple[Rule, ...]
    own: tuple[Own, ...]


def head_reads(comptroller: ChecksumAddress) -> tuple[Read, ...]:
    """Forks without a pause of seizures, or of transfers, have no such function, and one that is no proxy has no implementation."""
    names = ("getAllMarkets", "oracle", "closeFactorMantissa", "liquidationIncentiveMantissa")
    rare = ("seizeGuardianPaused", "transferGuardianPaused", "comptrollerImplementation")
    return (
        *(one(f"{COMPTROLLER}.{name}", comptroller) for name in names),
        *(one(f"{COMPTROLLER}.{name}", comptroller, optional=True) for name in rare),
    )


def head(answers: Sequence[Rows]) -> Head:
    tokens, oracle, close, incentive, seize, transfer, code = (rows[0] for rows in answers)
    return Head(
        code=code[0] if code else NOBODY,
        tokens=tuple(tokens[0]),
        oracle=oracle[0],
        close_factor=close[0],
        incentive=incentive[0],
        seize_paused=_flag(seize),
        transfer_paused=_flag(transfer),
    )


def rule_reads(comptroller: ChecksumAddress, known: Head) -> tuple[Read, ...]:
    """`markets` has a third word in some forks, and some of the rest exist only in some."""
    asked = tuple((token,) for token in known.tokens)
    return (
        one(f"{COMPTROLLER}.markets", comptroller, asked, optional=True),
        one(f"{COMPTROLLER}_two.markets", comptroller, asked, optional=True),
        *(one(f"{COMPTROLLER}.{name}", comptroller, asked, optional=True) for name in _PER_MARKET),
    )


def rules(answers: Sequence[Rows]) -> tuple[Rule, ...]:
    return tuple(_rule(row) for row in zip(*answers, strict=True))


def _rule(row: tuple[Any, ...]) -> Rule:
    three, two, mint, borrow, borrow_cap, supply_cap, deprecated = row
    listed = three or two
    if listed is None:
        raise AnswerError("the comptroller's markets() answers neither two nor three words")
    return Rule(
        listed=listed[0],
        factor=listed[1],
        mint_paused=_flag(mint),
        borrow_paused=_flag(borrow),
        borrow_cap=borrow_cap[0] if borrow_cap else 0,
        supply_cap=supply_cap[0] if supply_cap else 0,
        deprecated=_flag(deprecated),
    )


def _flag(row: tuple[bool] | None) -> bool:
    """A function that is not there forbids nothing."""
    return bool(row and row[0])


def own_reads(known: Head, old: Sequence[Own] | None = None) -> tuple[Read, ...]:
    """`old` keeps from asking for what is not there."""
    sharing, proxies = _having(known, old)
    return (
        each(f"{CTOKEN}.interestRateModel", known.tokens),
        each(f"{CTOKEN}.reserveFactorMantissa", known.tokens),
        each(f"{CTOKEN}.protocolSeizeShareMantissa", sharing, optional=True),
        each(f"{CTOKEN}.implementation", proxies, optional=True),
    )


def own(known: Head, old: Sequence[Own] | None, answers: Sequence[Rows]) -> tuple[Own, ...]:
    models, factors, shares, codes = answers
    sharing, proxies = _having(known, old)
    share = {token: row[0] for token, row in zip(sharing, shares, strict=True) if row}
    code = {token: row[0] for token, row in zip(proxies, codes, strict=True) if row}
    return tuple(
        Own(model, factor, share.get(token), code.get(token))
        for token, (model,), (factor,) in zip(known.tokens, models, factors, strict=True)
    )


def _having(known: Head, old: Sequence[Own] | None) -> tuple[tuple[ChecksumAddress, ...], tuple[ChecksumAddress, ...]]:
    """The cTokens that may have a share of seizures, and those that may have an implementation."""
    if old is None:
        return known.tokens, known.tokens
    pairs = tuple(zip(known.tokens, old, strict=True))
    return (
        tuple(token for token, one_ in pairs if one_.share is not None),
        tuple(token for token, one_ in pairs if one_.code is not None),
    )
