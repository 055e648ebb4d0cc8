"""A run that ends anywhere, on purpose or not, costs the next one only what was not done; and a list of addresses is enough to begin."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.store.children import fork, tell
from tests.survey.test_open import asked, opened, spans, whole
from tests.survey.town import HEAD, START, STRANGER, Desk, Town, deeds, line
from watcher.adapters import adapter
from watcher.store import survey
from watcher.store.open import Store, open_store
from watcher.survey.open import Step, open_market

pytestmark = pytest.mark.slow


class Ended(Exception):
    """The run is over, in the middle."""


@pytest.fixture
def here() -> Town:
    return Town(deeds(500, 3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "watcher.db"
    open_store(path, write=True, create=True).close()
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(path, write=True) as made:
        yield made


def cut(town: Town, store: Store, where: Any) -> Desk:
    """A run that ends at the first step of which `where` is true; and what its endpoint was asked."""

    def end(step: Step) -> None:
        if where(step):
            raise Ended

    desk = Desk(town)
    with pytest.raises(Ended):
        opened(town, desk, store=store, tell=end)
    return desk


def entered(town: Town, store: Store) -> survey.Book[Any, Any, Any] | None:
    return survey.standing(store, adapter("morpho_blue"), town.market)


def test_a_book_that_was_opened_stands_in_the_store(here: Town, store: Store) -> None:
    found = opened(here, Desk(here), store=store)
    book = entered(here, store)
    assert whole(here, found) and book is not None
    assert (book.block, book.holdings, book.quote, book.terms) == (
        found.block,
        found.holdings,
        found.quote,
        found.terms,
    )
    assert survey.members(store, here.market) == {
        here.key(who): rows[1][0] for who, rows in here.held.items() if rows[1][0] <= found.block.number
    }
    ((first, last),) = survey.searched(store, here.market)
    assert (first, found.block.number - last) == (START, 64)
    assert all(one.booked == one.total for one in survey.proofs(store, here.market))


def test_a_run_that_ends_while_logs_are_read_goes_on_after_them(here: Town, store: Store) -> None:
    first = cut(here, store, lambda step: step.of == "blocks" and step.done > 30_000)
    assert entered(here, store) is None
    done = survey.searched(store, here.market)
    again = Desk(here)
    assert whole(here, opened(here, again, store=store))
    assert done and len(asked(first, "Borrow")) > 5
    wide = [(low, high) for low, high in spans(again) if high > low + 500]
    assert wide and not [
        one
        for one in wide
        for low, high in done
        if one[0] <= high - 8_000 and one[1] >= low + 8_000 and one[1] - one[0] > 8_000
    ]


def test_a_run_that_ends_between_the_logs_and_the_accounts_reads_no_old_log_again(here: Town, store: Store) -> None:
    cut(here, store, lambda step: step.of == "blocks" and step.done == step.total)
    again = Desk(here)
    found = opened(here, again, store=store)
    assert whole(here, found)
    assert not asked(again, "Borrow")


def test_a_run_that_ends_between_two_waves_leaves_no_book_and_the_next_one_makes_it(store: Store) -> None:
    here = Town(deeds(2_200, 1))
    cut(here, store, lambda step: step.of == "accounts")
    assert entered(here, store) is None and len(survey.members(store, here.market)) >= 2_100
    assert whole(here, opened(here, Desk(here), store=store))


def test_an_opened_book_is_opened_again_by_reading_who_moved(here: Town, store: Store) -> None:
    known = len(opened(here, Desk(here), store=store).holdings)
    here.clock.pass_(200)
    again = Desk(here)
    steps: list[Step] = []
    found = opened(here, again, store=store, tell=steps.append)
    assert whole(here, found) and found.block.number > HEAD + 2_000
    assert not asked(again, "Borrow")
    strangers = len(found.holdings) - known
    assert sum(step.done for step in steps if step.of == "accounts") <= strangers < 600


def test_a_book_on_blocks_that_a_reorg_replaced_is_read_again(here: Town, store: Store) -> None:
    before = opened(here, Desk(here), store=store)
    fork = before.block.number - 20
    others = [deed for deed in deeds(500, 3, seed=2) if deed.block > fork]
    other = Town([*(deed for deed in here.deeds if deed.block <= fork), *others], here.clock, branch=1, fork=fork)
    other.clock.pass_(1)
    found = opened(other, Desk(other), store=store)
    truth = other.truth(found.block.number)
    assert {key: found.holdings[key] for key in truth} == truth and found.coverage.exact
    orphans = found.holdings.keys() - truth.keys()
    assert orphans and all(found.holdings[key].borrow_shares == 0 for key in orphans)


def test_a_list_of_addresses_is_enough_where_nobody_is_missing(here: Town, store: Store) -> None:
    members = dict.fromkeys((here.key(who) for who, rows in here.held.items() if rows[1][0] <= HEAD), None)
    survey.add(store, here.market, {**members, here.key(STRANGER): None})
    desk = Desk(here, pruned=HEAD - 100)
    found = opened(here, desk, store=store)
    assert found.coverage.exact
    assert {key: held for key, held in found.holdings.items() if key.key != STRANGER} == here.truth(found.block.number)
    assert not asked(desk, "Borrow")
    here.clock.pass_(30)
    later = opened(here, desk, store=store)
    assert later.coverage.exact and later.block.number > found.block.number
    assert not asked(desk, "Borrow")


def test_a_list_in_which_somebody_is_missing_is_completed_by_logs(here: Town, store: Store) -> None:
    names = [here.key(who) for who, rows in here.held.items() if rows[1][0] <= HEAD]
    survey.add(store, here.market, dict.fromkeys(names[:-3]))
    desk = Desk(here)
    assert whole(here, opened(here, desk, store=store))
    assert asked(desk, "Borrow")


def test_a_list_in_which_somebody_is_missing_stands_with_what_is_unexplained_where_nobody_gives_logs(
    here: Town, store: Store
) -> None:
    names = [here.key(who) for who, rows in here.held.items() if rows[1][0] <= HEAD]
    survey.add(store, here.market, dict.fromkeys(names[:-3]))
    found = opened(here, Desk(here, pruned=HEAD - 100), store=store)
    missing = {key: held for key, held in here.truth(found.block.number).items() if key not in found.holdings}
    assert set(missing) <= set(names[-3:])
    assert sum(one.unexplained for one in found.coverage.debts) == sum(held.borrow_shares for held in missing.values())
    assert found.again and not found.coverage.exact
    assert whole(here, opened(here, Desk(here), store=store))


def test_blocks_in_doubt_are_asked_for_again_by_the_next_run(here: Town, store: Store) -> None:
    who = here.deeds[40].who
    bad = Desk(here, keeps=None, drops=lambda log: who.hex() in log["topics"][-1])
    found = opened(here, bad, store=store)
    assert found.again and survey.searched(store, here.market) != ((START, found.block.number - 64),)
    assert whole(here, opened(here, Desk(here), store=store))


@pytest.mark.parametrize("done", [1, 12, 29, 31])
def test_a_killed_process_harms_nothing(here: Town, path: Path, done: int) -> None:
    def deed() -> object:
        with open_store(path, write=True) as store:
            asyncio.run(open_market(line(here, Desk(here)), here.market, store, tell=lambda _: tell()))
        return "done"

    ended = fork(deed, done=done)
    here.clock.pass_(60)  # the child had a clock of its own
    with open_store(path, write=True) as store:
        assert whole(here, opened(here, Desk(here), store=store))
    assert ended.signal == 9 or ended.said == "done"
