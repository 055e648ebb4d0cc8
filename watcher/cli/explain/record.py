"""What a stretch came to, as rows: both ends, what moved the margin in the order of the swaps, and the reverse order beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final, TypeAlias

from watcher.causes.stretch import Stretch
from watcher.model import BlockRef, Unit, Valuation
from watcher.risk.explain import Cause, Kind, Piece, summed, unit_of

ORDER: Final = tuple(Kind)
PRINTED: Final = ("time", "price by reserve", "price source", "rates", "terms", "holding")
Record: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Explained:
    """A stretch and its pieces, which are never none; `notes` say what is not known of it."""

    stretch: Stretch
    pieces: tuple[Piece, ...]
    notes: tuple[str, ...]

    @property
    def before(self) -> Valuation:
        return self.pieces[0].before

    @property
    def after(self) -> Valuation:
        return self.pieces[-1].after

    @property
    def unit(self) -> Unit:
        return unit_of(self.pieces)


@dataclass(frozen=True, slots=True)
class Pair:
    """One cause by both orders; None where the other order gives it nothing."""

    cause: Cause | None
    reverse: Cause | None

    @property
    def named(self) -> Cause:
        found = self.cause or self.reverse
        assert found is not None  # `pairs`
        return found


def margin(of: Valuation) -> int:
    """Weighted collateral less debt: what the causes add up to."""
    return of.line.weighted - of.line.owed


def pairs(pieces: Sequence[Piece]) -> tuple[Pair, ...]:
    """The causes of some pieces summed by kind and token, in the order of the swaps; prices as their reserves first come."""
    forward = [cause for piece in pieces for cause in piece.causes]
    back = [cause for piece in pieces for cause in piece.reverse]
    ours, theirs = ({_key(one): one for one in summed(causes)} for causes in (forward, back))
    keys = sorted(dict.fromkeys(map(_key, (*forward, *reversed(back)))), key=lambda key: ORDER.index(key[0]))
    return tuple(Pair(ours.get(key), theirs.get(key)) for key in keys)


def _key(cause: Cause) -> tuple[Kind, str | None]:
    return cause.kind, None if cause.token is None else cause.token.address


def document(of: Explained, each: bool) -> Record:
    """Everything about a stretch, as json has it: integers in the unit's base units, health in wads."""
    found = {
        "kind": "explained",
        "market": of.stretch.market.name,
        "chain": of.stretch.market.chain,
        "account": "0x" + of.stretch.key.key.hex(),
        "source": of.stretch.source,
        "unit": of.unit.symbol,
        "decimals": of.unit.decimals,
        "order": PRINTED,
        "from": _end(of.stretch.first, of.before),
        "to": _end(of.stretch.last, of.after),
        "causes": [_cause(pair, _moved(of.pieces)) for pair in pairs(of.pieces)],
        "notes": of.notes,
        "program": version("lending-watcher"),
    }
    return {**found, "pieces": list(_pieces(of))} if each else found


def flat(of: Explained, each: bool) -> Iterator[Record]:
    """A row for each cause, of the whole stretch or of each piece."""
    market, account = of.stretch.market, "0x" + of.stretch.key.key.hex()
    shared = {"market": market.name, "chain": market.chain, "account": account}
    shared |= {"unit": of.unit.symbol, "decimals": of.unit.decimals}
    for pieces in [(piece,) for piece in of.pieces] if each else [of.pieces]:
        ends = {"first": pieces[0].before.at.number, "last": pieces[-1].after.at.number}
        for pair in pairs(pieces):
            yield {**shared, **ends, **_cause(pair, _moved(pieces))}


def about(found: Sequence[Explained], failures: Sequence[str]) -> dict[str, str]:
    """What the rows of a file are of, and what is not in them."""
    stretches = (
        f"{one.stretch.market.name} on chain {one.stretch.market.chain}, "
        f"blocks {one.stretch.first.number} to {one.stretch.last.number}, by the {one.stretch.source}"
        for one in found
    )
    return {
        "kind": "explained",
        "program": version("lending-watcher"),
        "order": ", ".join(PRINTED),
        "stretches": "; ".join(stretches),
        "notes": "; ".join(note for one in found for note in one.notes),
        "not explained": "; ".join(failures),
    }


def time(block: BlockRef) -> str:
    return f"{datetime.fromtimestamp(block.timestamp, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _pieces(of: Explained) -> Iterator[Record]:
    for piece in of.pieces:
        yield {
            "first": piece.before.at.number,
            "last": piece.after.at.number,
            "margin": {"before": margin(piece.before), "after": margin(piece.after)},
            "health": {"before": piece.before.health, "after": piece.after.health},
            "causes": [_cause(pair, _moved((piece,))) for pair in pairs((piece,))],
        }


def _moved(pieces: Sequence[Piece]) -> int:
    return margin(pieces[-1].after) - margin(pieces[0].before)


def _end(block: BlockRef, worth: Valuation) -> Record:
    return {
        "block": block.number,
        "time": time(block),
        "health": worth.health,
        "margin": margin(worth),
        "collateral": worth.collateral,
        "debt": worth.debt,
    }


def _cause(pair: Pair, moved: int) -> Record:
    """`share` is the part of the whole move in hundredths of a percent, rounded towards zero; None where nothing moved."""
    ours, theirs = (_figures(one, pair.named) for one in (pair.cause, pair.reverse))
    named = pair.named
    size = ours[0]
    share = None if moved == 0 else abs(size) * 10_000 // abs(moved) * (1 if size * moved >= 0 else -1)
    return {
        "cause": named.kind,
        "token": named.token and named.token.symbol,
        "address": named.token and named.token.address,
        "margin": ours[0],
        "health": ours[1],
        "share": share,
        "reverse_margin": theirs[0],
        "reverse_health": theirs[1],
    }


def _figures(cause: Cause | None, other: Cause) -> tuple[int, int | None]:
    """A cause that an order gives nothing moved nothing there; health is absent where the other order has none either."""
    if cause is not None:
        return cause.margin, cause.health
    return 0, None if other.health is None else 0
