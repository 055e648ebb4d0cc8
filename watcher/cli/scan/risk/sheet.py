"""A market's prospect as people read it: what may come, who it may come to, and what is not in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from eth_utils.address import to_checksum_address

from watcher.appraisal.basis import Basis
from watcher.appraisal.estimate import Estimate
from watcher.cli.liquidations.sheet import price, worth
from watcher.cli.options import Format
from watcher.cli.output import Column, show
from watcher.cli.provenance import instant, versions
from watcher.cli.risk.ground import RARE
from watcher.cli.risk.judged import line
from watcher.cli.risk.words import chance, estimate, money, share
from watcher.cli.scan.risk.look import Shown, View
from watcher.cli.scan.sheet import NAMED, NOT_KNOWN, amounts, audit, coverage, said, unknown
from watcher.figures import age, health
from watcher.model import Side
from watcher.scan.foresight import Draw
from watcher.scan.given import Told
from watcher.scan.prospect import Account, Figures, Prospect

MARKS: Final = {Told.OWN: "", Told.ALIKE: "~", Told.BOUND: "≤ "}
FIGURES: Final = (
    Column("what", "figure"),
    *(Column(key, key, right=True) for key in ("mean", "95 %", "99 %", "ES 97.5 %")),
)
SHARES: Final = (Column("of", "of"), Column("hhi", "HHI", right=True), Column("ten", "ten largest", right=True))
LINES: Final = (
    Column("account", "account"),
    Column("health", "health", right=True),
    Column("chance", "chance", right=True),
    Column("cost", "cost if so", right=True),
    Column("expected", "expected loss", right=True),
    Column("collateral", "collateral", right=True),
    Column("debt", "debt", right=True),
    Column("held", "holds", wide=True),
    Column("owed", "owes", wide=True),
)


def show_prospect(seen: View) -> None:
    """Print it. Foreign text is text: nothing in it is markup."""
    found = seen.prospect
    old = age(int(datetime.now(UTC).timestamp()) - seen.block.timestamp)
    said(f"{seen.market.name}  block {seen.block.number} ({seen.block.hash}), {old} old; within {span(found.draw)}")
    for one in seen.prices:
        places, unit = one.price.unit.decimals, one.price.unit.symbol
        now = NOT_KNOWN if one.price.answer is None else price(one.price.answer, places, up=False)
        said(
            f"UNDER ANOTHER PRICE: {one.price.token.symbol} at {price(one.answer, places, up=False)} {unit}, not {now}"
        )
    said(f"{counted(found)}\n")
    if found.figures is not None:
        show_figures(found.figures, found)
        show([of_shown(one, found) for one in seen.shown], LINES, Format.TABLE)
        said(f"{len(seen.shown)} of {len(found.accounts)} accounts are shown; --parquet FILE has all, --top N more\n")
    for text in lines(seen):
        said(text)


def counted(found: Prospect) -> str:
    told = f"{len(found.accounts)} accounts in debt, {found.liquidatable} of them liquidatable now; {found.free} owe nothing"
    if not found.unknown:
        return told
    owed = figure(found.owed_unknown, found)
    return f"{told}; {len(found.unknown)} UNKNOWN and in no figure, who owe {owed} as far as that can be valued"


def show_figures(of: Figures, found: Prospect) -> None:
    unit = NOT_KNOWN if found.unit is None else found.unit.symbol
    far, bad = [], of.bad_debt
    for one in of.spreads:
        values = [between(each.value, each.low, each.high) for each in one.far]
        far.append(
            {"what": one.of, "mean": counted_up(one.mean), "95 %": values[0], "99 %": values[1], "ES 97.5 %": "–"}
        )
    far.append(
        {
            "what": "bad debt, before liquidators act",
            "mean": counted_up(bad.mean),
            "95 %": "–",
            "99 %": between(bad.var, bad.var_low, bad.var_high),
            "ES 97.5 %": counted_up(bad.es),
        }
    )
    show(far, FIGURES, Format.TABLE)
    said(f"in {unit} (accounts: how many); bad debt at present {money(of.present)}\n")
    show(
        [{"of": one.of, "hhi": share(one.index), "ten": share(one.ten)} for one in of.concentration],
        SHARES,
        Format.TABLE,
    )
    for side, words in ((Side.DEBT, "owed in"), (Side.COLLATERAL, "against")):
        parts = [one for one in of.parts if one.side is side]
        if parts:
            told = ", ".join(
                f"{'nothing' if one.token is None else one.token.symbol} {money(one.shortfall)}" for one in parts
            )
            said(f"ES of bad debt, {words}: {told}")
    if found.drowning:
        told = ", ".join(
            f"{to_checksum_address(one.key.key[:20])} {money(one.shortfall)}" for one in found.drowning[:NAMED]
        )
        said(f"ES of bad debt, of whom most: {told}")
    said("")


def of_shown(one: Shown, found: Prospect) -> dict[str, Any]:
    of, seen = one.account, one.valuation
    mark = MARKS[of.taken.told]
    return {
        "account": to_checksum_address(of.key.key[:20]),
        "health": health(seen.health),
        "chance": "now" if of.now else chance(of.chance, found.draw.scenarios),
        "cost": f"{mark}{money(of.taken.cost)}",
        "expected": mark + expected(of, found),
        "collateral": worth(seen.collateral, seen.unit),
        "debt": worth(seen.debt, seen.unit, up=True),
        "held": amounts(seen, Side.COLLATERAL),
        "owed": amounts(seen, Side.DEBT),
    }


def lines(seen: View) -> Iterator[str]:
    """What is missing first, then what the figures stand on, then the proofs."""
    found, basis = seen.prospect, seen.basis
    yield from unknown(found.unknown)
    if found.figures is None:
        yield "NOT SHOWN: chances, bad debt, concentration: there is nobody in debt whose assets all have a past"
    if found.bounded:
        yield f"{found.bounded} accounts hold what they owe, and no common fall liquidates them: their cost is a bound (≤)"
    yield from (f"doubt: {note}" for note in seen.notes)
    yield from (f"not included: {one}" for one in found.not_included)
    draw = found.draw
    yield (
        f"model {draw.model}, {draw.scenarios:,} scenarios of hourly steps, seed {draw.seed}; {basis.rows:,} hours of prices"
        f" from {instant(basis.grid.start)} to {instant(basis.grid.end)}"
    )
    for place, one in enumerate(basis.factors):
        used = f"{', '.join(one.sources)}; {one.rejected} ticks not used; last {instant(one.last)}"
        yield f"factor {one.name} ({', '.join(followers(basis, place))}): volatility {one.volatility:.1%} a year ({used})"
        yield f"backtest: {line(seen.judged[one.name])}"
    yield ", ".join(f"{name} {number}" for name, number in versions().items())
    yield coverage(seen.coverage, seen.unread)
    yield audit(seen.audit)


def followers(basis: Basis, factor: int) -> list[str]:
    """The symbols of what follows a factor."""
    found = (asset.token.symbol for asset, one in basis.driven.items() if factor in dict(one.loadings))
    return list(dict.fromkeys(found))


def span(draw: Draw) -> str:
    return f"{draw.hours // 24} d" if draw.hours % 24 == 0 else f"{draw.hours} h"


def counted_up(one: Estimate) -> str:
    """None seen is not never."""
    return estimate(one) if one.value else "none seen"


def expected(one: Account, found: Prospect) -> str:
    if one.chance.value == 0 and one.taken.cost:
        return f"< {money(one.taken.cost * RARE / found.draw.scenarios)}"
    return estimate(one.expected)


def between(value: float, low: float, high: float) -> str:
    return f"{money(value)} ({money(low)} to {money(high)})"


def figure(value: float, found: Prospect) -> str:
    return f"{money(value)} {'' if found.unit is None else found.unit.symbol}".strip()
