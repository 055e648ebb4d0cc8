"""What the terms need beside the comptroller's words: underlying tokens, rate curves, where debts are kept, what the oracle reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapters.compound_v2.facts import NATIVE, Clock, State
from watcher.adapters.compound_v2.quote import books, stored
from watcher.adapters.compound_v2.words import CTOKEN, Head, Own
from watcher.errors import AnswerError
from watcher.formula.compound import layout
from watcher.formula.compound.rate import Curve, rate, utilisation
from watcher.model import Token
from watcher.oracle.feed import NOBODY
from watcher.query import Query, Read, Rows, Slot, ask, each, pairs
from watcher.units import YEAR

BLOCKS: Final = 2_628_000  # of twelve seconds, in a year: for a model that does not say how many it counts
_MODEL: Final = (
    "blocksPerYear",
    "kink",
    *(f"{name}Per{tick}" for tick in ("Block", "Timestamp") for name in ("baseRate", "multiplier", "jumpMultiplier")),
)
_USUAL: Final = 9  # slot of the accrual stamp in every release that has been seen
_WORDS: Final = 5  # from the stamp to the supply


@dataclass(frozen=True, slots=True)
class Kind:
    """What sort of cToken it is. `underlying` is None for the native token."""

    symbol: str
    underlying: ChecksumAddress | None
    clock: Clock


@dataclass(frozen=True, slots=True)
class Tail:
    """By place: the underlying, the rate curve, ticks in a year, the slot of the debts' mapping, what the oracle reads."""

    tokens: tuple[Token, ...]
    curves: tuple[Curve | None, ...]
    years: tuple[int, ...]
    snapshots: tuple[int | None, ...]
    feeds: tuple[ChecksumAddress | None, ...]


def kind_reads(head: Head) -> tuple[Read, ...]:
    """What `kinds` takes back. Some of it no cToken has: see `words`."""
    return (
        each(f"{CTOKEN}.symbol", head.tokens),
        each(f"{CTOKEN}.underlying", head.tokens, optional=True),
        each(f"{CTOKEN}.accrualBlockNumber", head.tokens, optional=True),
        each(f"{CTOKEN}.accrualBlockTimestamp", head.tokens, optional=True),
    )


def kinds(head: Head, answers: Sequence[Rows]) -> tuple[Kind, ...]:
    """`AnswerError` for a market that is neither block- nor time-based, or both."""
    found = []
    for token, (symbol,), underlying, block, second in zip(head.tokens, *answers, strict=True):
        if (block is None) == (second is None):
            raise AnswerError(f"{token} does not tell whether its interest runs by block or by second: no such cToken")
        clock = Clock.BLOCK if block else Clock.SECOND
        found.append(Kind(symbol or token[:10], underlying[0] if underlying else None, clock))
    return tuple(found)


def tail(head: Head, own: Sequence[Own], found: Sequence[Kind]) -> Query[Tail]:
    """Two round trips."""
    underlying = [kind.underlying or token for kind, token in zip(found, head.tokens, strict=True)]
    models = [one.model for one in own]
    clocks = [kind.clock for kind in found]
    decimals, symbols, near, *rest = yield from ask(
        each("erc20/token.decimals", underlying),
        each("erc20/token.symbol", underlying, optional=True),
        _slots(head.tokens, range(_USUAL, _USUAL + _WORDS)),
        *(each(f"compound_v2/model.{name}", models, optional=True) for name in _MODEL),
        *books(head.tokens, clocks),
    )
    modelled, answered = rest[: len(_MODEL)], rest[len(_MODEL) :]
    states = stored(clocks, answered)
    tokens = tuple(map(_token, found, underlying, decimals, symbols))
    usual = [_usual(near, place, state) for place, state in enumerate(states)]
    lost = [place for place, slot in enumerate(usual) if slot is None]
    feeds, far = yield from ask(
        pairs("compound_v2/oracle.getFeed", ((head.oracle, (token.symbol,)) for token in tokens), optional=True),
        _slots([head.tokens[place] for place in lost], range(layout.SEARCHED)),
    )
    for number, place in enumerate(lost):
        words = [row[0] for row in far[number * layout.SEARCHED : (number + 1) * layout.SEARCHED]]
        usual[place] = layout.snapshots(words, states[place].stored)
    rows = tuple(zip(*modelled, strict=True))
    return Tail(
        tokens=tokens,
        curves=tuple(map(_curve, clocks, states, rows)),
        years=tuple(map(_year, clocks, rows)),
        snapshots=tuple(usual),
        feeds=tuple(row[0] if row and row[0] != NOBODY else None for row in feeds),
    )


def _slots(tokens: Sequence[ChecksumAddress], places: range) -> Slot:
    return Slot(tuple(token for token in tokens for _ in places), tuple(places) * len(tokens))


def _usual(near: Rows, place: int, state: State) -> int | None:
    words = [row[0] for row in near[_WORDS * place : _WORDS * (place + 1)]]
    found = layout.snapshots(words, state.stored)
    return None if found is None else found + _USUAL


def _token(kind: Kind, address: ChecksumAddress, decimals: tuple[int], symbol: tuple[str] | None) -> Token:
    """The underlying. The native token has no contract: it goes by the address that the trade uses for it, and by the cToken's name
    without its prefix (cETH, qiAVAX)."""
    if kind.underlying is None:
        return Token(NATIVE, kind.symbol.lstrip("abcdefghijklmnopqrstuvwxyz") or kind.symbol, 18)
    name = symbol[0] if symbol and symbol[0] else f"{address[:6]}…{address[-4:]}"
    return Token(address, name, decimals[0])


def _curve(clock: Clock, state: State, row: tuple[tuple[int] | None, ...]) -> Curve | None:
    """The model's curve if it explains the rate that it answers for the market as it is."""
    _, kink, *rates = row
    base, slope, jump = rates[:3] if clock is Clock.BLOCK else rates[3:]
    if base is None or slope is None or (kink is None) != (jump is None):
        return None
    curve = Curve(base[0], slope[0], jump[0] if jump else 0, kink[0] if kink else None)
    return curve if rate(curve, utilisation(state.stored)) == state.rate else None


def _year(clock: Clock, row: tuple[tuple[int] | None, ...]) -> int:
    if clock is Clock.SECOND:
        return YEAR
    return row[0][0] if row[0] else BLOCKS
