"""Members of a followed market: what each held at any followed block, after reorgs and pruning too, or why that is not known."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.store.scene import Scene, block
from watcher.errors import Transient
from watcher.model import PositionKey
from watcher.store import roll, survey, trail
from watcher.store.entry import Entry
from watcher.store.history import orphan, record
from watcher.store.members import Stood, last_step, stood, stood_course
from watcher.store.open import Store, open_store
from watcher.store.survey import Book
from watcher.store.tables import CYCLE
from watcher.store.upkeep import MONTH, growth, problems, prune

FIRST, COUNT = 100, 3


@pytest.fixture(params=["aave_v3", "morpho_blue"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene.of(request.param)


def who(scene: Scene, number: int) -> PositionKey:
    return PositionKey(scene.market.name, number.to_bytes(20, "big"))


def enter(store: Store, scene: Scene, number: int = FIRST) -> None:
    """A book of three."""
    holdings = {who(scene, n): scene.holding(0, who(scene, n)) for n in range(1, COUNT + 1)}
    made: Book[Any, Any, Any] = Book(scene.position.terms, scene.quote(0), holdings, block(scene.chain, number))
    survey.enter(store, scene.market, made, dict.fromkeys(holdings, number - 50), [])


def step(
    store: Store, scene: Scene, number: int, quote: int = 0, holding: int = 0, moved: tuple[int, ...] = (), **more: Any
) -> None:
    """One block of the follower: its quote, and these members with what they hold."""
    at, keys = block(scene.chain, number), [who(scene, one) for one in moved]
    entry = scene.entry(at, quote, holding, keys) if keys else scene.entry(at, quote, holding)
    seen = entry.seen if keys else ()
    told = Entry(scene.market, entry.terms, entry.quote, seen, followed=more.pop("followed", True), **more)
    record(store, at, [told], read_at=at.timestamp)


def found(store: Store, scene: Scene, member: int, number: int | None = None) -> Stood[Any, Any, Any] | str | None:
    return stood(store, scene.adapter, scene.market, who(scene, member), number)


def form(scene: Scene, one: object, quote: int, holding: int, member: int) -> bool:
    """Whether these are the words of that form."""
    return isinstance(one, Stood) and (one.quote, one.holding) == (
        scene.quote(quote),
        scene.holding(holding, who(scene, member)),
    )


def test_a_member_of_whom_nothing_was_read_is_known_at_every_followed_block(store: Store, scene: Scene) -> None:
    enter(store, scene)
    step(store, scene, 101, quote=1, holding=1, moved=(2,))
    step(store, scene, 103, quote=2)
    assert form(scene, found(store, scene, 1, 100), 0, 0, 1)
    assert form(scene, found(store, scene, 1, 102), 1, 0, 1)
    assert form(scene, found(store, scene, 2, 103), 2, 1, 2)
    last = found(store, scene, 1)
    assert isinstance(last, Stood)
    assert (last.block, last.quote_since, last.holding_since) == (block(scene.chain, 103), 103, 100)
    course = list(stood_course(store, scene.adapter, scene.market, who(scene, 2)))
    assert [one.block.number for one in course] == [100, 101, 103]
    coarse = stood_course(store, scene.adapter, scene.market, who(scene, 2), every=86_400)
    assert [one.block.number for one in coarse] == [100, 103]  # the newest is always among them
    assert found(store, scene, 1, 99) is None
    assert found(store, scene, 9, 103) is None


def test_a_block_at_which_only_wallets_were_read_says_nothing_of_the_others(store: Store, scene: Scene) -> None:
    enter(store, scene)
    step(store, scene, 101, quote=1, followed=False)
    record(store, block(scene.chain, 102), [Entry(scene.market, error=Transient("node", "reset"))], read_at=1)
    one = found(store, scene, 1, 102)
    assert isinstance(one, Stood) and one.block.number == FIRST
    step(store, scene, 103, quote=2, holding=1, moved=(1,))
    orphan(store, scene.chain, 102)  # 101 is there, but the book never stood at it
    book = survey.standing(store, scene.adapter, scene.market)
    assert book is not None and book.block == block(scene.chain, FIRST)
    assert form(scene, found(store, scene, 1), 0, 0, 1)


def test_who_came_later_had_not_owed_before(store: Store, scene: Scene) -> None:
    enter(store, scene)
    step(store, scene, 101)
    step(store, scene, 105, moved=(7,), joined=(who(scene, 7),))
    assert form(scene, found(store, scene, 7, 105), 0, 0, 7)
    assert found(store, scene, 7, 104) == "it had not owed by block 101: block 105 is the first known to name it"
    survey.add(store, scene.market, {who(scene, 8): 60})
    assert "found later" in str(found(store, scene, 8, 105))


def test_a_reorg_below_the_book_takes_all_knowledge_with_it(store: Store, scene: Scene) -> None:
    enter(store, scene)
    step(store, scene, 101)
    orphan(store, scene.chain, FIRST - 1)
    assert found(store, scene, 1) is None
    assert survey.standing(store, scene.adapter, scene.market) is None


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 8))])
def test_pruning_makes_nothing_wrong_and_keeps_the_book(
    store: Store, scene: Scene, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "SMALL", 0)  # quotes are differences, and some old ones must stay for them
    chance, numbers = random.Random(seed), range(FIRST + 1, FIRST + 40)
    enter(store, scene)
    for number in numbers:
        moved = tuple(one for one in range(1, COUNT + 1) if chance.random() < 0.2)
        step(store, scene, number, chance.randrange(4), chance.randrange(3), moved)
    before = {(m, n): found(store, scene, m, n) for m in range(1, COUNT + 1) for n in (FIRST, *numbers)}
    book = survey.standing(store, scene.adapter, scene.market)
    oldest = chance.choice(numbers)
    names = chance.sample(["quotes", "holdings", "terms", "readings", "cycles", "transitions"], chance.randint(1, 6))
    end = block(scene.chain, numbers[-1]).timestamp
    prune(store, dict.fromkeys(names, end - block(scene.chain, oldest).timestamp), end)
    assert survey.standing(store, scene.adapter, scene.market) == book
    for (member, number), one in before.items():
        after = found(store, scene, member, number)
        if number >= oldest:
            assert after == one
        elif isinstance(after, Stood) and isinstance(one, Stood) and after.block == one.block:
            assert (after.terms, after.quote, after.holding) == (one.terms, one.quote, one.holding)
    assert [text for text in problems(store) if "book" in text or "followed" in text] == []


def test_a_market_that_is_not_followed_any_more_keeps_its_last_book_whatever_is_pruned(
    store: Store, scene: Scene
) -> None:
    enter(store, scene)
    step(store, scene, 101, quote=1, holding=1, moved=(1,))
    book = survey.standing(store, scene.adapter, scene.market)
    for number in range(200, 210):  # the wallet goes on moving, and nobody follows
        step(store, scene, number, number % 3, number % 2, (1,), followed=False)
    end = block(scene.chain, 209).timestamp
    prune(store, {"holdings": 0, "quotes": 0, "terms": 0}, end)
    assert survey.standing(store, scene.adapter, scene.market) == book


def test_a_reorg_that_reaches_below_what_was_pruned_leaves_no_book_rather_than_half_of_one(
    store: Store, scene: Scene
) -> None:
    enter(store, scene)
    for number in range(101, 120):
        step(store, scene, number, number % 3, number % 2, (1,))
    prune(store, {"holdings": 0}, block(scene.chain, 119).timestamp + 1)
    orphan(store, scene.chain, 110)
    assert survey.standing(store, scene.adapter, scene.market) is None


def test_a_time_of_the_grid_stands_for_the_block_before_it_unless_something_failed_since(
    store: Store, scene: Scene
) -> None:
    enter(store, scene)
    step(store, scene, 110)
    record(store, block(scene.chain, 120), [Entry(scene.market, error=Transient("node", "reset"))], read_at=1)
    with store.read() as connection:
        (place,) = (one for one in roll.followed(connection) if one.market.chain == scene.chain)
        assert last_step(connection, place.row, 119) == block(scene.chain, 110)

        def at(number: int) -> roll.Tick:
            return roll.tick(connection, place, block(scene.chain, number).timestamp + 5)

        assert (at(99).block, at(99).reason) == (None, "the market was not followed by then")
        assert (at(112).block, at(112).reason) == (block(scene.chain, 110), None)
        assert at(120).reason == "it could not be read at block 120: node: reset"


def test_what_a_book_began_with_is_not_counted_again_for_every_month(tmp_path: Path, scene: Scene) -> None:
    with open_store(tmp_path / "watcher.db", write=True, create=True) as store:
        empty = growth(store).size
        keys = [who(scene, n) for n in range(1, 2_001)]
        holdings = {key: scene.holding(0, key) for key in keys}
        made: Book[Any, Any, Any] = Book(scene.position.terms, scene.quote(0), holdings, block(scene.chain, FIRST))
        survey.enter(store, scene.market, made, dict.fromkeys(keys, 50), [])
        began = growth(store).size - empty
        with store.write() as connection:
            connection.execute(update(CYCLE).values(time=block(scene.chain, FIRST).timestamp))
        step(store, scene, FIRST + 1_000)  # 12,000 seconds later
        grows = growth(store)
    assert grows.month is not None
    assert began > 300_000
    assert grows.month * 12_000 // MONTH < grows.size - began * 3 // 4
