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
    counted = {one.token for one in found.debts}  # stable debts have no total
    wanted = {token: 3 * owing for token, owing in owed.items() if token in counted}
    assert {one.token: one.booked for one in found.debts if one.booked} == wanted
    whole = replace(found, debts=tuple(replace(one, total=one.booked) for one in found.debts))
    assert whole.exact and whole.unexplained == ()
    for column in whole.debts[:1]:
        for change in (column.astray + 1, -column.astray - 1):
            wrong = replace(whole, debts=(replace(column, total=column.booked + change), *whole.debts[1:]))
            assert not wrong.exact
            assert [one.unexplained for one in wrong.unexplained] == [change]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), name=st.sampled_from(names()))
def test_what_rounding_may_come_to_is_not_called_missing(data: st.DataObject, name: str) -> None:
    of, position = adapter(name), data.draw(SITUATIONS[name].positions)
    found = coverage(of, position.terms, position.quote, [position.holding])
    for column in found.debts:
        near = replace(column, total=column.booked + column.astray)
        assert (near.unexplained, replace(near, astray=0).unexplained) == (0, column.astray)
