"""The filter of a header against go-ethereum's published vector and against the bits of the Yellow Paper, one by one."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chain.server import bloom_of
from watcher.chain.bloom import ALL, bits, bloom, filled, may_hold
from watcher.chain.log import Log

WORDS = st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex())
EMITTERS = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())


def log(emitter: str, *topics: str) -> Log:
    return Log(emitter, topics, "0x", "0x1", "0x" + "ab" * 32, "0x0")


LOGS = st.lists(st.builds(lambda emitter, topics: log(emitter, *topics), EMITTERS, st.lists(WORDS, max_size=4)))


def test_a_hundred_items_make_the_filter_that_go_ethereum_publishes() -> None:
    """core/types/bloom9_test.go, TestBloomExtensively."""
    made = 0
    for number in range(100):
        made |= bits("0x" + f"xxxxxxxxxx data {number} yyyyyyyyyyyyyy".encode().hex())
    assert keccak(made.to_bytes(256)).hex() == "c8d3ca65cdb4874300a9e39475508f23ed6da09fdbc487f89a2dcf50b09eb263"


@settings(max_examples=50, deadline=None)
@given(LOGS)
def test_logs_make_the_filter_of_the_yellow_paper(logs: list[Log]) -> None:
    written = bloom_of([{"address": one.address, "topics": one.topics} for one in logs])
    assert f"0x{filled(logs):0512x}" == written
    assert bloom({"logsBloom": written}) == filled(logs)


@settings(max_examples=50, deadline=None)
@given(LOGS.filter(bool), st.data())
def test_what_is_in_a_block_may_always_be_there(logs: list[Log], data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(logs))
    asked = [data.draw(st.sampled_from([None, [topic], [topic.upper().replace("X", "x")]])) for topic in one.topics]
    assert may_hold(filled(logs), {"address": [one.address], "topics": asked})


def test_an_emitter_or_a_topic_that_is_not_there_is_proved_absent() -> None:
    here, other, first, second = "0x" + "5e" * 20, "0x" + "5f" * 20, "0x" + "11" * 32, "0x" + "22" * 32
    marks = filled([log(here, first)])
    asked = [
        {"address": [here], "topics": [[first]]},
        {"address": [here, other], "topics": [[first, second], None]},
        {"address": [other], "topics": [[first]]},
        {"address": [here], "topics": [[second]]},
        {"address": [here], "topics": [[first], [second]]},
    ]
    assert [may_hold(marks, one) for one in asked] == [True, True, False, False, False]


@pytest.mark.parametrize("header", [{}, {"logsBloom": None}, {"logsBloom": "0x00"}, {"logsBloom": f"0x{ALL:x}"}])
def test_a_header_without_a_filter_or_with_every_bit_says_nothing(header: dict[str, Any]) -> None:
    assert bloom(header) is None
