"""Coverage is exact in shares: one share too few or too many is seen, and deposits are only a share."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.situations import SITUATIONS
from watcher.adapters import adapter, names
from watcher.survey.coverage import coverage


@settings(max_examples=25, deadline=None)
@given(data=st.data(), name=st.sampled_from(names()))
def test_one_share_that_nobody_owes_is_seen(data: st.DataObject, name: str) -> None:
    of, position = adapter(name), data.draw(SITUATIONS[name].positions)
    assert of.shares is not None
    owed = of.shares(position.terms, position.holding).debts
    found = coverage(of, position.terms, position.quote, [position.holding] * 3)
    assert {one.token: one.booked for one in found.debts if one.booked} == {t: 3 * n for t, n in owed.items()}
    whole = replace(found, debts=tuple(replace(one, total=one.booked) for one in found.debts))
    assert whole.exact and whole.unexplained == ()
    for change in (1, -1):
        first, *rest = whole.debts
        wrong = replace(whole, debts=(replace(first, total=first.booked + change), *rest))
        assert not wrong.exact
        assert [one.unexplained for one in wrong.unexplained] == [change]
