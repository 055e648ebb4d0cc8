"""Facts as bytes: every adapter's facts come back equal, and equal facts have equal bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, make_dataclass, replace
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.situations import SITUATIONS
from watcher.adapters import names
from watcher.errors import StoreError
from watcher.model import Moment
from watcher.store.facts import MARK, decode, encode
from watcher.units import MAX, Wad


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    amounts: tuple[int, ...]
    pair: tuple[str, bytes] | None


@dataclass(frozen=True, slots=True)
class Outer:
    wad: Wad
    on: bool
    colour: Colour
    inner: tuple[Inner, ...]
    at: Moment | None


EDGES = (
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
    -(2**63),
    -(2**63) - 1,
    -(2**64),
    -(2**103),
)  # a Comet's principal is an int104
INTEGERS = st.integers(-(2**255), MAX) | st.sampled_from(EDGES)
INNER = st.builds(Inner, st.lists(INTEGERS).map(tuple), st.none() | st.tuples(st.text(), st.binary()))
OUTER = st.builds(
    Outer,
    st.integers(0, MAX).map(Wad),
    st.booleans(),
    st.sampled_from(Colour),
    st.lists(INNER).map(tuple),
    st.none() | st.builds(Moment, INTEGERS, INTEGERS),
)


@given(OUTER, OUTER)
def test_any_frozen_data_comes_back_equal_and_only_equal_data_has_equal_bytes(one: Outer, other: Outer) -> None:
    assert decode(Outer, encode(one)) == one
    assert (encode(one) == encode(other)) == (one == other)


@pytest.mark.parametrize("protocol", names())
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_facts_of_every_adapter_come_back_equal(protocol: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[protocol].positions)
    of = position.adapter
    for kind, fact in ((of.terms_type, position.terms), (of.holding_type, position.holding)):
        assert decode(kind, encode(fact)) == fact
    quote = replace(position.quote, at=None)
    again = decode(of.quote_type, encode(quote))
    assert again == quote
    assert of.value(position.terms, replace(again, at=position.quote.at), position.holding) == position.value()


def test_facts_of_another_shape_are_refused_by_name() -> None:
    newer = make_dataclass("Inner", [("amounts", tuple[int, ...]), ("pair", tuple[str, bytes] | None), ("more", int)])
    swapped = make_dataclass("Pair", [("b", int), ("a", int)])
    pair = make_dataclass("Pair", [("a", int), ("b", int)])
    for kind, fact in ((Inner, newer((), None, 1)), (pair, swapped(1, 2))):
        with pytest.raises(StoreError, match=rf"stored {kind.__name__} .* written by another version"):
            decode(kind, encode(fact))


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: body[:-1],
        lambda body: body + b"\0",
        lambda body: body[:MARK] + b"\x93" + body[MARK + 1 :],
        lambda body: body.replace(b"red", b"ret"),
    ],
)
def test_f46_damaged_facts_are_refused(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(StoreError, match="damaged"):
        decode(Outer, damage(encode(Outer(Wad(1), True, Colour.RED, (), None))))


@pytest.mark.parametrize("hint", [int | str, float, list[int], dict[str, int], type("Metres", (int,), {})])
def test_a_type_that_could_come_back_as_another_cannot_be_written(hint: Any) -> None:
    with pytest.raises(TypeError):
        encode(make_dataclass("Fact", [("value", hint)])(1))


def test_a_value_of_a_subclass_cannot_be_written_in_place_of_its_base() -> None:
    finer = make_dataclass("Finer", [("name", str)], bases=(Moment,), frozen=True)
    with pytest.raises(TypeError, match="come back"):
        encode(Outer(Wad(1), True, Colour.RED, (), finer(1, 2, "x")))
