"""Where a market's book comes from and goes to: a store that can be written, one that is only read, or none; and how far that is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from watcher.cli.book import said
from watcher.cli.options import Options
from watcher.cli.progress import progress
from watcher.connection import Connection
from watcher.errors import StoreError
from watcher.model import Market
from watcher.scan.opening import Opening, from_store, from_survey
from watcher.store.open import Store, default, open_store
from watcher.survey.cost import cost
from watcher.survey.open import Step, prepared


@dataclass(frozen=True, slots=True)
class Place:
    """Which store is meant, None for the default one. Only one that was `named` is made, or written."""

    where: str | Path | None
    named: bool


@dataclass(frozen=True, slots=True)
class Shelf:
    """An open store, or none, and whether it can be written."""

    store: Store | None
    writes: bool = False


@contextmanager
def shelf(place: Place, options: Options) -> Iterator[Shelf]:
    """A named store for writing; for reading where another watcher writes it. The default one for reading, if it is there."""
    with ExitStack() as held:
        if not place.named:
            yield Shelf(_default(held, options))
            return
        try:
            found = Shelf(held.enter_context(open_store(place.where, write=True, create=True)), True)
        except StoreError as error:
            found = Shelf(held.enter_context(_read_only(place.where, error)))
            options.note(f"{error}; read only, nothing is kept")
        yield found


def _default(held: ExitStack, options: Options) -> Store | None:
    """Nobody asked for it: where it cannot be read the chain is asked for everything."""
    if not default().exists():
        return None
    try:
        return held.enter_context(open_store())
    except StoreError as error:
        options.note(f"the store is left out: {error}")
        return None


def _read_only(where: str | Path | None, error: StoreError) -> Store:
    """`error` where it cannot be read either."""
    try:
        return open_store(where)
    except StoreError:
        raise error from None


async def opened(line: Connection, market: Market, on: Shelf, options: Options) -> Opening:
    """The market at the head. With a book that is only read nothing is searched; else a survey, gone on from what the store has."""
    if on.store is not None and not on.writes:
        found = await from_store(line, market, on.store)
        if found is not None:
            await found.advance(line)
            return found
        options.note(f"{on.store.name} has no book of {market.name} that stands")
    with progress(market.name, 1, not options.quiet and sys.stderr.isatty()) as bar:

        def tell(step: Step) -> None:
            bar.reached(step.done, step.total, step.of)

        store = on.store if on.writes else None
        survey = await prepared(line, market, store, tell=tell)
        if not options.quiet:
            price = await cost(survey)
            with bar.aside():
                options.note(said(market, price))
        return from_survey(await survey.open(), store)


async def standing(line: Connection, market: Market, place: Place, options: Options) -> Opening | None:
    """The book that a store has, brought to the head and read only; None where there is no store, or it has none that stands."""
    with ExitStack() as held:
        if place.named:
            store: Store | None = held.enter_context(open_store(place.where))
        else:
            store = _default(held, options)
        found = None if store is None else await from_store(line, market, store)
        if found is not None:
            await found.advance(line)
        return found
