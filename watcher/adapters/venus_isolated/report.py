"""The comptroller's own answers for the audit: its views see the stored books of every vToken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from watcher.adapter import Reported, Which
from watcher.adapters.venus_isolated.facts import Terms
from watcher.adapters.venus_isolated.reads import owner
from watcher.adapters.venus_isolated.terms import COMPTROLLER
from watcher.model import PositionKey
from watcher.query import Call, Outcome, Query, Script, ask

PER_SCRIPT: Final = 10  # positions in one simulated transaction: each costs up to a million gas or two
ASKED: Final = ("updatePrices", "getAccountLiquidity", "getBorrowingPower")


def reported(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Reported]]:
    """`getAccountLiquidity` and `getBorrowingPower` after `updatePrices`, on stored books; no figure where it reverts.

    Liquidatable is whoever has a shortfall; the views do not tell it where liquidations are forced.
    """
    if not keys:
        return {}
    parts = [keys[start : start + PER_SCRIPT] for start in range(0, len(keys), PER_SCRIPT)]
    answers = yield from ask(*(_script(terms, part) for part in parts))
    found: dict[PositionKey, Reported] = {}
    for part, outcomes in zip(parts, answers, strict=True):
        for place, key in enumerate(part):
            _, line, power = outcomes[len(ASKED) * place : len(ASKED) * (place + 1)]
            found[key] = Reported(key, Which.NONE, _figures(terms, line, power))
    return found


def _script(terms: Terms, keys: Sequence[PositionKey]) -> Script:
    pool = terms.market.address
    return Script(tuple(Call(f"{COMPTROLLER}.{name}", pool, (owner(key),)) for key in keys for name in ASKED))


def _figures(terms: Terms, line: Outcome, power: Outcome) -> dict[str, int | bool | None]:
    figures: dict[str, int | bool | None] = {}
    if line.row is not None and not any(vtoken.forced for vtoken in terms.vtokens):
        figures["liquidatable"] = line.row[2] > 0
    if line.row is not None:
        figures |= {"liquidity": line.row[1], "shortfall": line.row[2]}
    if power.row is not None:
        figures["available"] = power.row[1]
    return figures
