"""An appraisal as a picture: what was computed, put into the terms of drawings, and what is missing from it named beneath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from watcher.appraisal.appraise import Appraisal
from watcher.appraisal.margins import Standing
from watcher.appraisal.prospect import Horizon, Together
from watcher.cli.provenance import versions
from watcher.cli.risk.drawing import NONE_PRICED, bars, course, percent, span, titles
from watcher.cli.risk.sheet import grounds
from watcher.config.risk import DAY, HOUR
from watcher.plots import page
from watcher.plots.fan import Fan
from watcher.plots.loss import Losses, Mark, figure, scale
from watcher.plots.page import Page
from watcher.plots.style import save
from watcher.plots.surface import Surface
from watcher.risk.outcome import Chance
from watcher.risk.surface import Surface as Found
from watcher.risk.surface import surface

SHOWN: Final = (DAY, 7 * DAY)  # the horizons whose losses are drawn
FINE: Final = 50  # bars of a distribution
MOST: Final = 6  # positions of one page

Named = tuple[str, Standing]


def draw(appraisal: Appraisal, note: str, path: Path) -> None:
    """One page in the format of the path's name. `note` says of which blocks it is; what else it stands on is in the appraisal.

    `ConfigError` without matplotlib, `UsageError` for a path that names no format or cannot be written.
    """
    save(page.draw(drawn(appraisal, note)), path)


def drawn(found: Appraisal, note: str) -> Page:
    """Of the positions that owe something the six that are nearest to their line, the nearest first."""
    names = titles([one.held for one in found.standings])
    owing = [(name, one) for name, one in zip(names, found.standings, strict=True) if one.margin.health is not None]
    chosen = sorted(owing, key=lambda named: named[1].margin.health or 0.0)[:MOST]
    surfaces = {name: seen for name, one in chosen if (seen := surface(one.exposure)) is not None}
    return Page(
        "One wallet's risk",
        [*grounds(found, (note,)), _versions(), *_beneath(found, owing, chosen, surfaces)],
        [_losses(found, one, one.together) for one in found.horizons if one.seconds in SHOWN and one.together],
        [made for name, one in chosen if (made := _fan(found, name, one)) is not None],
        [_surface(name, one, surfaces[name]) for name, one in chosen if name in surfaces],
    )


def _beneath(
    found: Appraisal, owing: Sequence[Named], chosen: Sequence[Named], surfaces: dict[str, Found]
) -> Iterator[str]:
    """What is not in the picture, and why."""
    if found.excluded:
        yield f"not included: {'; '.join(found.excluded)}"
    if not any(one.together for one in found.horizons):
        yield NONE_PRICED
    yield from (f"not shown: {line}" for line in found.lost)
    yield from (f"doubt: {line}" for line in found.notes)
    if len(owing) > len(chosen):
        left = [name for name, one in owing if all(one is not other for _, other in chosen)]
        yield f"not drawn, for {MOST} positions are nearer to their line: {', '.join(left)}"
    alone = [name for name, _ in chosen if name not in surfaces]
    if alone:
        yield f"no surface of two prices, because only one moves the margin: {', '.join(alone)}"


def _versions() -> str:
    return ", ".join(f"{name} {number}" for name, number in versions().items())


def _losses(found: Appraisal, one: Horizon, whole: Together) -> Losses:
    losses, of = found.losses[one.seconds], whole.loss
    cut = bars(losses, FINE, of.var, of.es.value)
    size, _ = scale([*cut.edges, of.var, of.es.value])
    ends = [(cut.below, "gain more", -losses.min()), (cut.above, "lose more", losses.max())]
    beyond = [f"{count:,} {what}, up to {figure(end / size)}" for count, what, end in ends if count]
    return Losses(
        f"Loss of equity within {span(one.seconds)}",
        (_struck(one.joint.any, cut.scenarios), f"not drawn: {'; '.join(beyond)}" if beyond else ""),
        "US dollars",
        cut.edges.tolist(),
        (cut.counts / cut.scenarios).tolist(),
        (
            Mark("VaR 99 %", of.var, f"({figure(of.var_low / size)} to {figure(of.var_high / size)})"),
            Mark("ES 97.5 %", of.es.value, f"± {figure(of.es.error / size)}"),
        ),
    )


def _fan(found: Appraisal, name: str, one: Standing) -> Fan | None:
    place = next((place for place, held in enumerate(found.held) if held is one.held), None)
    seen = None if place is None else course(found, place)
    if seen is None:
        return None
    low, _, middle, *_ = seen.health[-1]
    ahead = f"in {span(seen.hours[-1] * HOUR)} 5 % of scenarios below {low:,.4g}, half below {middle:,.4g}"
    return Fan(
        name,
        (f"now {seen.health[0, 0]:,.4g}; {ahead}",),
        seen.hours,
        seen.health.T.tolist(),
    )


def _surface(name: str, one: Standing, seen: Found) -> Surface:
    assets = one.exposure.assets
    across, up = assets[seen.across], assets[seen.up]
    still = [asset for place, asset in enumerate(assets) if place not in (seen.across, seen.up)]
    line = None if seen.line is None else (_moves(seen.line[0]), _moves(seen.line[1]))
    return Surface(
        name,
        (
            f"health {one.margin.health:,.4g} today" + ("" if line else "; no such moves reach the line"),
            f"prices of {', '.join(still)} as they are" if still else "",
        ),
        across,
        up,
        [_move(factor) for factor in seen.factors],
        seen.health.tolist(),
        line,
    )


def _moves(factors: tuple[float, float]) -> tuple[float, float]:
    return _move(factors[0]), _move(factors[1])


def _move(factor: float) -> float:
    """Of a price, in per cent."""
    return (factor - 1) * 100


def _struck(any_of_them: Chance, scenarios: int) -> str:
    if not any_of_them.value:
        return f"no position is liquidated in any of {scenarios:,} scenarios"
    return f"some position is liquidated in {percent(any_of_them.value)} ± {percent(any_of_them.error)} of scenarios"
