"""A fact's trail: what changed a little takes little room, and every state of it comes back."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, select, update

from tests.store.scene import Scene
from watcher.errors import StoreError
from watcher.store import trail
from watcher.store.history import market_id
from watcher.store.open import Store
from watcher.store.tables import QUOTE


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with store.write() as connection:
        yield connection


def states(count: int, size: int) -> list[bytes]:
    """Each differs from the one before in a run of eight bytes somewhere."""
    dice = random.Random(7)
    found = [dice.randbytes(size)]
    for _ in range(count - 1):
        place = dice.randrange(size - 8)
        found.append(found[-1][:place] + dice.randbytes(8) + found[-1][place + 8 :])
    return found


@pytest.mark.parametrize("size", [100, 6_000, 30_000])
def test_every_state_comes_back_and_small_changes_of_large_facts_take_little_room(
    connection: Connection, size: int
) -> None:
    key = market_id(connection, Scene.of("aave_v3").market)
    bodies = states(200, size)
    for number, body in enumerate(bodies, start=1):
        assert trail.put(connection, QUOTE, key, number, body)
        assert not trail.put(connection, QUOTE, key, number, body)
    marks = list(trail.walk(connection, QUOTE, key, 1))
    assert [mark.body for mark in marks] == bodies
    for number in (1, 2, 57, 200):
        held = trail.last(connection, QUOTE, key, number)
        assert held is not None and held.body == bodies[number - 1]
    stored = connection.scalars(select(QUOTE.c.body).where(QUOTE.c.market_id == key)).all()
    if size > trail.SMALL:
        assert 5 * sum(map(len, stored)) < sum(map(len, bodies))


def test_f46_a_difference_whose_base_is_gone_or_changed_is_refused(connection: Connection) -> None:
    key = market_id(connection, Scene.of("aave_v3").market)
    for number, body in enumerate(states(2, 6_000), start=1):
        trail.put(connection, QUOTE, key, number, body)
    connection.execute(update(QUOTE).where(QUOTE.c.market_id == key, QUOTE.c.number == 1).values(body=b"other"))
    with pytest.raises(StoreError, match=r"block 2 is damaged.*restore a backup"):
        trail.last(connection, QUOTE, key, 2)
    connection.execute(update(QUOTE).where(QUOTE.c.market_id == key, QUOTE.c.number == 1).values(number=0))
    with pytest.raises(StoreError, match="needs block 1, which is gone"):
        trail.last(connection, QUOTE, key, 2)


def test_f67_a_difference_that_would_grow_without_end_is_refused(connection: Connection) -> None:
    key = market_id(connection, Scene.of("aave_v3").market)
    for number, body in enumerate(states(2, 6_000), start=1):
        trail.put(connection, QUOTE, key, number, body)
    packer = zlib.compressobj(zdict=states(1, 6_000)[0])
    bomb = packer.compress(b"\0" * (trail.MOST + 1)) + packer.flush()
    connection.execute(update(QUOTE).where(QUOTE.c.market_id == key, QUOTE.c.number == 2).values(body=bomb))
    with pytest.raises(StoreError, match="does not end where it should"):
        trail.last(connection, QUOTE, key, 2)


def test_differences_lie_on_one_another_up_to_a_depth_and_a_row_between_two_disturbs_neither(
    connection: Connection,
) -> None:
    key = market_id(connection, Scene.of("aave_v3").market)
    bodies = states(100, 6_000)
    for number, body in enumerate(bodies):
        trail.put(connection, QUOTE, key, 10 * number, body)
    late = states(101, 6_000)[-1]
    trail.put(connection, QUOTE, key, 555, late, follower=558)  # read later, from an archive
    found = {mark.number: mark for mark in trail.walk(connection, QUOTE, key, 0)}
    assert [found[10 * number].body for number in range(100)] == bodies
    assert (found[555].body, found[558].body) == (late, bodies[55])
    for number, mark in found.items():
        assert trail.last(connection, QUOTE, key, number) == mark
    assert max(mark.depth for mark in found.values()) == trail.DEPTH
    whole = select(QUOTE.c.number).where(QUOTE.c.market_id == key, QUOTE.c.base.is_(None))
    assert len(connection.scalars(whole).all()) == 4
