"""No position of a random comptroller is judged otherwise than by its exact value; and away from a line no integers are needed."""

from __future__ import annotations

from random import Random

from hypothesis import given

from tests.adapters import compound_paper as paper
from tests.adapters.situations import NOW
from tests.book.compound_market import compound_world
from tests.book.markets import LINES, owner
from tests.book.test_verdict import OFTEN, SEEDS, assert_judged
from watcher.adapter import Which
from watcher.adapters.compound_v2 import ADAPTER
from watcher.book.book import Book
from watcher.book.verdict import Lines, verdict
from watcher.model import PositionKey
from watcher.units import WAD


@OFTEN
@given(seed=SEEDS)
def test_a_position_at_a_comptroller_is_judged_as_by_its_exact_value(seed: int) -> None:
    random = Random(seed)
    assert_judged(compound_world(random, 10), random)


def test_accounts_of_ordinary_size_are_judged_by_the_screen_alone() -> None:
    """The bounds are narrow: of three hundred accounts, drawn without regard to any line, integers are asked of none."""
    random, held = Random(7), {}
    quote = ADAPTER.accrue(paper.TERMS, paper.quoted(NOW), NOW, Which.ALL)
    for number in range(300):
        account = paper.at(number)
        tokens = {place: random.randrange(10**9, 10**13) for place in random.sample(range(4), 2)}
        debts = {place: random.randrange(1, 10**4) * 10 ** paper.LISTED[place][0].decimals for place in (0, 2)}
        key = PositionKey(paper.MARKET.name, owner(number))
        held[key] = paper.holding(account, tokens, debts, WAD)
    judged = verdict(Book(paper.MARKET, ADAPTER, paper.TERMS, held), quote, Lines((LINES,)))
    assert judged.owes.all() and not judged.unknown.any()
    assert len(judged.exact) == 0
    assert 0 < judged.liquidatable.sum() < 300
