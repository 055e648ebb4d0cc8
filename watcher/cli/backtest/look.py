"""What is judged: the past of each pair out of the store or a file, cut into steps, and every rule on it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from watcher.cli.backtest.record import Backtest, Refused
from watcher.cli.progress import Steps, progress
from watcher.prices.files import load
from watcher.prices.pair import Pair
from watcher.prices.past import CANDLE, LONGEST, past
from watcher.risk.backtest import FEWEST
from watcher.risk.forecast import Judgement, Rule, forecasts, judge
from watcher.risk.power import yardstick
from watcher.risk.sample import sample, typical
from watcher.risk.series import Series, Tick, clean
from watcher.risk.volatility import DAILY, decay_of
from watcher.store.open import Store
from watcher.store.prices import extents

HOUR: Final = 3_600
DAY: Final = 86_400
HALF: Final = 48  # hours after which an hourly return has half of its weight
USUAL: Final = 250  # forecasts that a year has days of trade: what is asked for where there are too few
SPARSE: Final = 1.5  # steps between two prices in the middle: beyond, most returns would be of no price
PARTS: Final = len(Rule) + 1  # steps of the progress line for each pair


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. Times are Unix seconds, `step` and `offset` seconds, `window` returns; no pairs: all that are stored."""

    pairs: tuple[Pair, ...]
    step: int
    window: int
    offset: int
    since: int
    until: int | None
    seed: int
    file: Path | None

    @property
    def decay(self) -> float:
        return decay_of(HALF) if self.step == HOUR else DAILY


@dataclass(frozen=True, slots=True)
class Known:
    """What there is of a pair. `sources` are the most trusted first, whose ticks count for `longest` seconds."""

    pair: str
    sources: tuple[str, ...]
    series: Series
    longest: int


def backtests(order: Order, store: Store | None, visible: bool) -> tuple[list[Backtest], list[Refused]]:
    """Each pair that has the history for it, and why each other one has not."""
    found: list[Backtest] = []
    refused: list[Refused] = []
    names = wanted(order, store)
    with progress("backtest", PARTS * len(names), visible) as done:
        for one in names:
            known = of_file(order, one) if store is None else of_store(store, order, one)
            told = backtest(known, order, done)
            if isinstance(told, Refused):
                refused.append(told)
            else:
                found.append(told)
    if not names:
        refused.append(Refused("prices", "nothing is stored of any pair", "watcher prices sync"))
    return found, refused


def wanted(order: Order, store: Store | None) -> tuple[str, ...]:
    if order.pairs or store is None:
        return tuple(dict.fromkeys(map(str, order.pairs)))
    return tuple(dict.fromkeys(one.source.pair for one in extents(store)))


def of_store(store: Store, order: Order, pair: str) -> Known:
    found = past(store, pair, order.since, order.until)
    first = next(iter(found.sources), "")
    return Known(pair, tuple(found.sources), found.series, LONGEST.get(first.partition(" ")[0], CANDLE))


def of_file(order: Order, pair: str) -> Known:
    assert order.file is not None  # `command`
    table = load(order.file, order.pairs[0])
    unit: int = 10**table.source.decimals
    end = order.until if order.until is not None else 2**63
    ticks = [Tick(time, answer / unit) for time, answer in table.marks if order.since <= time <= end]
    return Known(pair, (table.source.name,), clean(ticks, LONGEST["file"]), LONGEST["file"])


def backtest(known: Known, order: Order, done: Steps) -> Backtest | Refused:
    """Every rule on one pair; refused where there are not at least `FEWEST` forecasts, or where nothing can be held against them."""
    if not known.series.ticks:
        return Refused(known.pair, "there are no prices of it", bring(order, known.pair, None))
    between = typical(known.series)
    if between > SPARSE * order.step:
        finer = again(order, known.pair) + " --step 1d" if order.step == HOUR and between <= SPARSE * DAY else None
        text = (
            f"a price comes every {between / HOUR:.1f} h, which is too seldom to judge forecasts of {_long(order.step)}"
        )
        return Refused(known.pair, text, finer or bring(order, known.pair, None))
    cut = sample(known.series, order.step, order.offset, known.longest)
    count = cut.returns.size - order.window
    if count < FEWEST:
        text = (
            f"{cut.returns.size} returns of {_long(order.step)}, from {day(cut.start)} to {day(cut.end)}: a window of "
            f"{order.window} and {FEWEST} forecasts after it need {order.window + FEWEST}"
        )
        return Refused(known.pair, text, bring(order, known.pair, cut.end))
    against = yardstick(count, order.seed)
    done(known.pair)
    judged: dict[Rule, Judgement] = {}
    for rule in Rule:
        try:
            judged[rule] = judge(forecasts(cut, order.window, rule, order.decay), against)
        except ValueError as error:
            return Refused(known.pair, f"{rule}: {error}", bring(order, known.pair, None))
        done(f"{known.pair} {rule}")
    return Backtest(
        known.pair,
        listing(order, known.pair),
        known.sources,
        known.series,
        cut,
        order.window,
        order.decay,
        order.seed,
        against,
        judged,
    )


def bring(order: Order, pair: str, end: int | None) -> str:
    """The command that would bring what is missing; from so far back that `USUAL` forecasts could be made up to `end`."""
    if order.file is not None:
        return f"a longer {order.file.name}, or a smaller --window"
    command = f"watcher prices sync {shlex.quote(pair)}"
    if end is not None:
        command += f" --since {day(end - (order.window + USUAL) * order.step)}"
    return f"{command}   # where no feed says it: --by binance, --by coinbase or --from FILE"


def listing(order: Order, pair: str) -> str:
    """The command that lists what was left out; prices of a file are to be stored for it."""
    command = f"watcher prices show {shlex.quote(pair)}"
    if order.file is None:
        return command
    return f"watcher prices sync {shlex.quote(pair)} --from {shlex.quote(str(order.file))} && {command}"


def again(order: Order, pair: str) -> str:
    file = "" if order.file is None else f" --file {shlex.quote(str(order.file))}"
    return f"watcher backtest {shlex.quote(pair)}{file}"


def day(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}"


def _long(step: int) -> str:
    return "an hour" if step == HOUR else "a day"
