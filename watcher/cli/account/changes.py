"""The what-if options: text to exact changes, and which of the shown positions they are about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from watcher.adapter import Action, Borrow, Panel, Position, Price, Repay, SetMode, Supply, Withdraw
from watcher.cli.options import UNITS
from watcher.errors import AnswerError, UsageError
from watcher.health.what_if import Change, Scenario
from watcher.model import Moment, Token
from watcher.units import WAD, Raw, Wad

Some = Position[Any, Any, Any]
PRICE = "has such a price; name a symbol or address of its market"
TOKEN = "has this token; name a symbol or address of its market"
MODE = "has e-modes; look for an Aave position with --market"
MAGNITUDE = 40  # powers of ten, up and down: what no amount or price exceeds
KINDS: dict[str, type[Supply | Repay | Borrow | Withdraw]] = {
    "deposit": Supply,
    "repay": Repay,
    "borrow": Borrow,
    "withdraw": Withdraw,
}


@dataclass(frozen=True, slots=True)
class Amount:
    """``--repay USDC=5000``: an action on whole tokens of one asset, named by symbol or address."""

    kind: str
    token: str
    amount: Decimal

    def __str__(self) -> str:
        return f"--{self.kind} {self.token}={self.amount:f}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change, as written. Prices come first, then deposit, repay, e-mode, borrow and withdraw in this order, then time."""

    prices: tuple[tuple[str, Fraction | Decimal], ...] = ()  # a relative change, or an absolute price
    amounts: tuple[Amount, ...] = ()
    mode: int | None = None
    later: int | None = None  # seconds
    target: Wad | None = None
    block_time: Decimal | None = None  # seconds between blocks of the chain that is meant

    def on(self, block_time: Decimal) -> Changes:
        """The same on a chain whose blocks are so many seconds apart: some interest runs by blocks, so a later time is a later block."""
        return replace(self, block_time=block_time)

    @property
    def any(self) -> bool:
        return bool(self.prices or self.amounts or self.mode is not None or self.later is not None)

    def actions(self, position: Some) -> tuple[Action, ...]:
        """Those that can be meant for this position: its market knows the token."""
        tokens = known(position)
        order: list[Action] = []
        for kind in ("deposit", "repay", "mode", "borrow", "withdraw"):
            if kind == "mode" and self.mode is not None and position.adapter.mode is not None:
                order.append(SetMode(self.mode))
            for amount in self.amounts:
                token = find(tokens, amount.token) if amount.kind == kind else None
                if token is not None:
                    order.append(KINDS[kind](token.address, raw(amount, token)))
        return tuple(order)

    def scenario(self, position: Some) -> Scenario:
        """The scenario of this position; an empty one where nothing is about it."""
        tokens, prices = known(position), {}
        for name, change in self.prices:
            token = find(tokens, name)
            if token is not None:
                prices[token.address] = answer(position, token, change)
        now = position.value().at
        blocks = 0 if self.later is None or not self.block_time else int(self.later // self.block_time)
        at = None if self.later is None else Moment(now.number + blocks, now.timestamp + self.later)
        return Scenario({a: c for a, c in prices.items() if c is not None}, self.actions(position), at)

    def unpriced(self, position: Some) -> tuple[str, ...]:
        """The prices asked for that name a token which the position holds or owes and its market has no price of, a line each."""
        held = [leg.token for leg in position.value().legs]
        found = [(name, find(held, name)) for name, _ in self.prices]
        return tuple(
            f"--price {name}: not priced in this market{instead(position)}"
            for name, token in found
            if token is not None and not priced(position, token)
        )


def parse(
    prices: Sequence[str],
    amounts: Mapping[str, Sequence[str]],
    mode: int | None,
    later: str | None,
    target: str | None,
) -> Changes:
    """The options as they were typed. `UsageError` shows how each is written."""
    return Changes(
        tuple(price(text) for text in prices),
        tuple(amount(kind, text) for kind, texts in amounts.items() for text in texts),
        mode,
        None if later is None else seconds(later),
        None if target is None else Wad(int(Fraction(number("--target-health", target)) * WAD)),
    )


def price(text: str) -> tuple[str, Fraction | Decimal]:
    name, _, value = text.partition("=")
    if not name or not value:
        raise UsageError(f"--price {text}: write --price WETH=-20% or --price WETH=2950")
    if value.endswith("%"):
        change = Fraction(number(f"--price {text}", value.removesuffix("%"), signed=True)) / 100
        if change <= -1:
            raise UsageError(f"--price {text}: a price can fall by less than 100 %")
        return name.strip(), change
    return name.strip(), number(f"--price {text}", value)


def amount(kind: str, text: str) -> Amount:
    name, _, value = text.partition("=")
    if not name or not value:
        raise UsageError(f"--{kind} {text}: write --{kind} USDC=5000, in whole tokens")
    return Amount(kind, name.strip(), number(f"--{kind} {text}", value))


def number(option: str, text: str, *, signed: bool = False) -> Decimal:
    """A plain decimal number above zero, or any where `signed`."""
    try:
        value = Decimal(text.strip().replace("_", "").replace(",", ""))
    except InvalidOperation:
        raise UsageError(f"{option}: {text!r} is not a number; write one as 1500 or 0.25") from None
    if not value.is_finite() or not (signed or value > 0) or abs(value.adjusted()) > MAGNITUDE:
        raise UsageError(f"{option}: {text!r} is not a number above zero; write one as 1500 or 0.25")
    return value


def seconds(text: str) -> int:
    """``+7d``: a time ahead of the block that is read."""
    found = re.fullmatch(r"\+?([0-9]{1,7})([smhdw])", text.strip())
    if found is None:
        raise UsageError(f"--at {text}: write how much later than the block, as in --at +7d or --at +12h")
    return int(found[1]) * UNITS[found[2]]


def panels(position: Some) -> tuple[Panel, ...]:
    """The market's panels; none where its interest rate model does not answer, which a position without debt survives."""
    try:
        return position.adapter.panels(position.terms, position.quote)
    except AnswerError:
        return ()


def known(position: Some) -> tuple[Token, ...]:
    """Every token that the position's market knows: those it holds, listed ones, and those that only have a price."""
    held = [leg.token for leg in position.value().legs]
    listed = [panel.token for panel in panels(position)]
    quoted = [price.token for price in prices(position)]
    return tuple({token.address: token for token in (*held, *listed, *quoted)}.values())


def prices(position: Some) -> tuple[Price, ...]:
    return position.adapter.prices(position.terms, position.quote)


def priced(position: Some, token: Token) -> bool:
    """Whether the market has a price of the token, be it none at present."""
    return any(price.token.address == token.address for price in prices(position))


def instead(position: Some) -> str:
    """Where a market has one price only (Morpho: of the collateral, in loan tokens), a change of the other token is one of this."""
    only = prices(position)
    return (
        f"; change the price of {only[0].token.symbol} instead, which is in {only[0].unit.symbol}"
        if len(only) == 1
        else ""
    )


def find(tokens: Sequence[Token], wanted: str) -> Token | None:
    """By address, or by symbol whatever its case; `UsageError` where two tokens bear it."""
    found = [t for t in tokens if wanted.lower() in (t.address.lower(), t.symbol.lower())]
    if len(found) > 1:
        raise UsageError(f"{wanted} is the symbol of {' and '.join(t.address for t in found)}: name the address")
    return found[0] if found else None


def raw(amount: Amount, token: Token) -> Raw:
    """Whole tokens to raw units, exactly."""
    units = Fraction(amount.amount) * 10**token.decimals  # a Decimal would round to its context's digits
    if units.denominator != 1:
        raise UsageError(f"{amount}: {token.symbol} has {token.decimals} decimals; write no more digits than that")
    return Raw(int(units))


def answer(position: Some, token: Token, change: Fraction | Decimal) -> Change | None:
    """A relative change as it is, an absolute price as the oracle's integer; None where the market has no price of the token."""
    found = next((price for price in prices(position) if price.token.address == token.address), None)
    if found is None:
        return None
    return change if isinstance(change, Fraction) else int(Fraction(change) * Fraction(10) ** found.unit.decimals)


def checked(changes: Changes, positions: Sequence[Some], complete: bool = True) -> tuple[str, ...]:
    """Every change must be about something that is shown, and an action about one position only. `UsageError` otherwise.

    Where the reading is not `complete`, what a change is about may be among what was not read: those changes are the answer.
    """
    wanted = [(f"--price {name}", *quoting(positions, name)) for name, _ in changes.prices]
    acted = [(str(one), meant(positions, one.token), TOKEN) for one in changes.amounts]
    if changes.mode is not None:
        acted.append((f"--emode {changes.mode}", [p for p in positions if p.adapter.mode is not None], MODE))
    for what, found, _ in acted:
        if len(found) > 1:
            raise UsageError(
                f"{what}: several positions could be meant; name one market with --market, and one address"
            )
    missing = [(what, lacking) for what, found, lacking in (*wanted, *acted) if not found]
    if missing and complete:
        raise UsageError(f"{missing[0][0]}: no position shown here {missing[0][1]}{alike(positions, missing[0][0])}")
    return tuple(what for what, _ in missing)


def alike(positions: Sequence[Some], what: str) -> str:
    """The token that may have been meant in ``--repay UDSC=5``, by its symbol."""
    wanted = what.split()[1].partition("=")[0].upper()
    symbols = {token.symbol.upper(): token.symbol for position in positions for token in known(position)}
    close = [] if wanted in symbols else get_close_matches(wanted, symbols, n=1, cutoff=0.6)
    return f"; did you mean {symbols[close[0]]}?" if close else ""


def quoting(positions: Sequence[Some], token: str) -> tuple[list[Some], str]:
    """Those whose market has a price of the token; and what is lacking where none has, with the price that can be changed instead."""
    known_to = [(position, found) for position in positions if (found := find(known(position), token)) is not None]
    other = next((text for position, _ in known_to if (text := instead(position))), "")
    return [position for position, found in known_to if priced(position, found)], f"{PRICE}{other}"


def meant(positions: Sequence[Some], token: str) -> list[Some]:
    """Those whose market knows the token."""
    return [position for position in positions if find(known(position), token)]
