"""The [bands] table of watcher.toml: what is an alarm, for all positions, for some, and by other figures than health."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from watcher.config.chain import Config, nearest
from watcher.config.read_risk import PERCENT, one_of
from watcher.config.table import Table
from watcher.config.watch import Limit, Override
from watcher.errors import ConfigError, UsageError
from watcher.health.bands import CORRELATED, VOLATILE, Bands
from watcher.health.limits import STEPS, Limits
from watcher.health.measure import RUNWAYS, Measure


@dataclass(frozen=True, slots=True)
class Alarms:
    """All that the table says; the defaults where there is none."""

    volatile: Bands = VOLATILE
    correlated: Bands = CORRELATED
    overrides: tuple[Override, ...] = ()
    limits: tuple[Limit, ...] = ()


def bands(table: Table | None, config: Config, labels: list[str]) -> Alarms:
    """`labels` are the wallets of the file."""
    if table is None:
        return Alarms()
    volatile, correlated = (_general(table.table(key), usual) for key, usual in _USUAL.items())
    found = Alarms(
        volatile,
        correlated,
        tuple(_overrides(table, config, labels)),
        tuple(_limits(table, config, labels)),
    )
    table.close()
    return found


_USUAL = {"volatile": VOLATILE, "correlated": CORRELATED}


def _general(table: Table | None, usual: Bands) -> Bands:
    if table is None:
        return usual
    found = _bands_of(table)
    table.close()
    return found


def _bands_of(table: Table) -> Bands:
    """The four thresholds of one set, all of them written."""
    steps = [table.wad(step.value) for step in STEPS]
    try:
        return Bands(*steps)
    except ConfigError as error:
        table.fail(None, str(error).removeprefix("bands: "))


def _overrides(table: Table, config: Config, labels: list[str]) -> Iterator[Override]:
    """The [[bands.for]]: each about a wallet, a market or an e-mode of it, and no two about the same."""
    seen = set()
    for row in table.tables("for"):
        one = _override(row, config, labels)
        if (one.wallet, one.market, one.mode) in seen:
            row.fail(None, "another [[bands.for]] is about the same; one of them must go")
        seen.add((one.wallet, one.market, one.mode))
        yield one


def _override(table: Table, config: Config, labels: list[str]) -> Override:
    wallet, market = _whose(table, config, labels)
    mode = table.get("emode")
    if mode is not None and (isinstance(mode, bool) or not isinstance(mode, int) or not 0 <= mode <= 255):
        table.fail("emode", "expected the number of an e-mode, 0 to 255 (0 is none)")
    if mode is not None and market is None:
        table.fail("emode", "an e-mode is a number within one market: name the market too")
    if wallet is None and market is None:
        table.fail(None, "name a wallet or a market, or write [bands.volatile] for all")
    found = Override(_bands_of(table), wallet, market, mode)
    table.close()
    return found


def _whose(table: Table, config: Config, labels: list[str]) -> tuple[str | None, str | None]:
    """A wallet of this file and a market of a watched chain, as far as they are named."""
    wallet, market = table.text("wallet", "") or None, table.text("market", "") or None
    if wallet is not None and wallet not in labels:
        table.fail("wallet", f"no wallet has the label {wallet!r}; {nearest(wallet, labels)}")
    if market is not None:
        try:
            market = config.market(market).name
        except UsageError as error:
            table.fail("market", str(error))
    return wallet, market


def _limits(table: Table, config: Config, labels: list[str]) -> Iterator[Limit]:
    """The [[bands.measures]]: each sets a figure some of the four steps, and no two the same figure of the same."""
    seen = set()
    for row in table.tables("measures"):
        row.need("measure", f"one of {', '.join(Measure)}")
        measure = Measure(one_of(row, "measure", tuple(Measure)) or "")
        wallet, market = _whose(row, config, labels)
        numbers = [(step, _number(row, step.value, measure)) for step in STEPS]
        steps = tuple((step, number) for step, number in numbers if number is not None)
        try:
            one = Limit(Limits(measure, steps), wallet, market)
        except ConfigError as error:
            row.fail(None, str(error))
        if (measure, wallet, market) in seen:
            row.fail(None, f"another [[bands.measures]] is about {measure} of the same; one of them must go")
        seen.add((measure, wallet, market))
        row.close()
        yield one


def _number(table: Table, key: str, measure: Measure) -> Fraction | None:
    """A time for what lasts, else a number, in percent as a text; never through binary floating point."""
    if measure in RUNWAYS:
        seconds = table.duration(key)
        return None if seconds is None else Fraction(seconds)
    value = table.get(key)
    if value is None:
        return None
    percent = PERCENT.fullmatch(value) if isinstance(value, str) else None
    if percent is not None:
        return Fraction(percent[1]) / 100
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        table.fail(key, 'expected a number, or percent as a text, as in "70%" for 0.7')
    return Fraction(value)
