"""A market's book in the store: it stands as a whole at one block, or the next run knows exactly what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.store.children import dying, fork
from tests.store.scene import Scene, block
from watcher.errors import StoreError
from watcher.model import BlockRef, PositionKey
from watcher.store import survey
from watcher.store.history import orphan
from watcher.store.open import Store, open_store
from watcher.store.survey import DEBT, DEPOSIT, Audit, Book, Proof, Span
from watcher.units import MAX

EVERY = pytest.mark.parametrize("protocol", ["aave_v3", "morpho_blue"])
AT = 100


@pytest.fixture
def scene() -> Scene:
    return Scene.of("aave_v3")


def who(scene: Scene, number: int) -> PositionKey:
    return PositionKey(scene.market.name, number.to_bytes(20, "big"))


def book(scene: Scene, at: BlockRef, form: int = 0, count: int = 3) -> Book[Any, Any, Any]:
    holdings = {who(scene, n): scene.holding(form, who(scene, n)) for n in range(1, count + 1)}
    return Book(scene.position.terms, scene.quote(form), holdings, at)


def proof(scene: Scene, number: int, booked: int = MAX) -> Proof:
    return Proof(number, scene.market.address, booked, MAX)


def enter(store: Store, scene: Scene, number: int, form: int = 0, upto: Span | None = None) -> Book[Any, Any, Any]:
    made = book(scene, block(scene.chain, number), form)
    survey.enter(store, scene.market, made, dict.fromkeys(made.holdings), [proof(scene, number)], upto)
    return made


def test_blocks_that_were_searched_grow_together_and_can_be_doubted_again(store: Store, scene: Scene) -> None:
    for span in ((10, 19), (40, 49), (20, 29), (5, 12)):
        survey.note(store, scene.market, DEBT, span, {})
    assert survey.searched(store, scene.market) == ((5, 29), (40, 49))
    survey.unread(store, scene.market, DEBT, [(8, 9), (29, 44)])
    assert survey.searched(store, scene.market) == ((5, 7), (10, 28), (45, 49))
    assert survey.searched(store, scene.market, DEPOSIT) == ()


def test_a_member_is_since_the_first_block_that_named_it(store: Store, scene: Scene) -> None:
    one, other = who(scene, 1), who(scene, 2)
    survey.add(store, scene.market, {one: None, other: None})
    survey.note(store, scene.market, DEBT, (20, 29), {one: 25})
    survey.note(store, scene.market, DEBT, (10, 19), {one: 12})
    survey.note(store, scene.market, DEBT, (30, 39), {one: 31})
    assert survey.members(store, scene.market) == {one: 12, other: None}


@EVERY
def test_a_book_comes_back_as_it_was_entered(store: Store, protocol: str) -> None:
    scene = Scene.of(protocol)
    assert survey.standing(store, scene.adapter, scene.market) is None
    made = enter(store, scene, AT, upto=(0, AT))
    assert survey.standing(store, scene.adapter, scene.market) == made
    assert survey.proofs(store, scene.market) == (proof(scene, AT),)
    assert survey.searched(store, scene.market) == ((0, AT),)
    later = replace(book(scene, block(scene.chain, AT + 5), 1, 1), terms=made.terms)
    survey.enter(store, scene.market, later, {}, [proof(scene, AT + 5, 1)])
    found = survey.standing(store, scene.adapter, scene.market)
    assert found is not None and found.block == later.block
    assert found.holdings == {**made.holdings, **later.holdings}
    assert found.quote == later.quote != made.quote
    assert survey.proofs(store, scene.market) == (proof(scene, AT + 5, 1),)


def test_a_holding_that_did_not_change_costs_no_row(store: Store, scene: Scene) -> None:
    enter(store, scene, AT)
    enter(store, scene, AT + 1)
    with store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT count(*) FROM holding JOIN position ON position.id = position_id JOIN market ON market.id = market_id "
            f"WHERE chain = {scene.chain}"
        ).scalar()
    assert rows == 3


def test_a_reorg_takes_the_book_down_and_keeps_who_is_in_it(store: Store, scene: Scene) -> None:
    enter(store, scene, AT, upto=(0, AT))
    survey.audited(store, scene.market, Audit(AT, 50, 0))
    orphan(store, scene.chain, AT - 10)
    assert survey.standing(store, scene.adapter, scene.market) is None
    assert survey.searched(store, scene.market) == ((0, AT - 10),)
    assert len(survey.members(store, scene.market)) == 3
    assert survey.proofs(store, scene.market) == () == survey.audits(store, scene.market)


def test_another_block_of_the_same_number_is_refused_and_nothing_is_written(store: Store, scene: Scene) -> None:
    made = enter(store, scene, AT)
    with pytest.raises(StoreError, match="undo that one first"):
        survey.enter(store, scene.market, book(scene, block(scene.chain, AT, fork=1), 1), {}, [])
    assert survey.standing(store, scene.adapter, scene.market) == made


def test_the_last_audit_of_a_block_counts(store: Store, scene: Scene) -> None:
    for audit in (Audit(AT, 50, 3), Audit(AT + 1, 60, 0), Audit(AT, 50, 0)):
        survey.audited(store, scene.market, audit)
    assert survey.audits(store, scene.market) == (Audit(AT + 1, 60, 0), Audit(AT, 50, 0))


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_the_old_book_or_the_new_one(tmp_path: Any, scene: Scene) -> None:
    path = tmp_path / "watcher.db"
    with open_store(path, write=True, create=True) as store:
        old = enter(store, scene, AT)

    def deed() -> object:
        with open_store(path, write=True) as store:
            enter(store, scene, AT + 1, 1)
        return "done"

    seen, at, said = set(), 0, ""
    while said != "done":
        at += 2
        said = fork(dying(at, deed)).said
        with open_store(path) as store:
            found = survey.standing(store, scene.adapter, scene.market)
        assert found in (old, book(scene, block(scene.chain, AT + 1), 1))
        assert found is not None
        seen.add(found.block.number)
    assert seen == {AT, AT + 1}
