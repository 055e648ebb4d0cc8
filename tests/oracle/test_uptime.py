"""The sequencer of an L2: up, down, just back, and what cannot be told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.build import ETH, NOW, paper
from watcher.model import DoubtKind
from watcher.oracle.uptime import GRACE, Uptime, doubt, uptime


def seen(row: Any) -> Uptime | None:
    chain = paper({ETH: {} if row is None else {"latestRoundData": row}})
    found = chain.run(uptime(ETH))
    assert chain.rounds == 1
    return found


def test_f25_zero_is_up_and_one_is_down() -> None:
    assert seen((1, 0, NOW - 9, NOW, 1)) == Uptime(True, NOW - 9)
    assert seen((1, 1, NOW - 9, NOW, 1)) == Uptime(False, NOW - 9)
    assert seen(None) == Uptime(None, 0)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (None, None),
        (Uptime(True, NOW - GRACE), None),
        (Uptime(True, NOW - GRACE + 1), "has been back for 59 minutes only"),
        (Uptime(False, NOW - 7_200), "is down, for 120 minutes"),
        (Uptime(None, 0), "does not answer"),
        (Uptime(True, 0), "has no round yet"),
    ],
)
def test_f25_down_just_back_and_silent_are_doubts(state: Uptime | None, words: str | None) -> None:
    found = doubt(state, NOW)
    assert (found is None) == (words is None)
    if found is not None and words is not None:
        assert found.kind is DoubtKind.SEQUENCER
        assert words in found.text


def test_a_chain_without_such_a_feed_is_not_asked() -> None:
    chain = paper({})
    assert chain.run(uptime(None)) is None
    assert chain.rounds == 0
