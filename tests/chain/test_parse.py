"""How deep a body may be, decided before any parser that recurses sees it, against a plain count character by character."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.chain.parse import DEEPEST, NotJson, decode, too_deep

OPENERS = [b"[", b"{", b'{"a":', b'[{"a":"]}",', b'["\\"]",']


def depth(body: bytes) -> int:
    """The deepest nesting outside strings."""
    now = deepest = 0
    quoted = escaped = False
    for byte in body.decode():
        if escaped:
            escaped = False
        elif quoted and byte == "\\":
            escaped = True
        elif byte == '"':
            quoted = not quoted
        elif not quoted:
            now += (byte in "[{") - (byte in "]}")
            deepest = max(deepest, now)
    return deepest


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("count", [DEEPEST + 1, DEEPEST + 2, 1_000, 100_000])
def test_one_level_too_many_is_refused_and_never_parsed(opener: bytes, count: int) -> None:
    assert too_deep(opener * count)
    with pytest.raises(NotJson):
        decode(opener * count)


@pytest.mark.parametrize(("left", "right"), [(b"[", b"]"), (b'{"a":', b"}"), (b'["[[[\\"[[",', b"]")])
def test_the_deepest_that_is_allowed_is_parsed(left: bytes, right: bytes) -> None:
    inside = left * (DEEPEST - 1) + b"[]" + right * (DEEPEST - 1)
    assert not too_deep(inside)
    assert too_deep(left + inside + right)
    assert decode(inside)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert len(decode(b"[" + b'{"a":["]"]},' * 5_000 + b"{}]")) == 5_001


JSON = st.recursive(
    st.text('[]{}"\\a', max_size=8) | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[]{}"\\a', max_size=4), inner, max_size=3),
    max_leaves=40,
)


@settings(deadline=None)
@given(JSON, st.integers(1, 8))
def test_the_limit_is_where_a_count_by_hand_finds_it(value: object, deepest: int) -> None:
    body = json.dumps(value).encode()
    assert too_deep(body, deepest) == (depth(body) > deepest)
