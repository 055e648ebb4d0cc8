"""US dollars by Chainlink's feeds: what a unit is worth, and what is not taken for a price."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from tests.adapters.paper import Paper
from watcher.model import Unit
from watcher.oracle.dollar import Rates, dollars

WETH, USDC, PEPE, ETHER, COIN = (to_checksum_address(n.to_bytes(20, "big")) for n in range(1, 6))
NOW = 1_800_000_000


def rates(**ether: Any) -> Rates:
    """ETH / USD and USDC / USD, of which the first may answer something else."""
    said: dict[str, Any] = {"name": "ETH / USD", "answer": 199_950_000_000, "updated": NOW - 60} | ether
    rows = {ETHER: (said["name"], said["answer"], said["updated"]), COIN: ("USDC / USD", 99_970_000, NOW - 60)}
    paper = Paper(
        {
            "chainlink/feed.description": lambda feed, _: None if rows[feed][0] is None else (rows[feed][0],),
            "chainlink/feed.decimals": (8,),
            "chainlink/feed.latestRoundData": lambda feed, _: (
                None if rows[feed][1] is None else (1, rows[feed][1], 0, rows[feed][2], 1)
            ),
        }
    )
    found = paper.run(dollars([(WETH, ETHER), (USDC, COIN)]))
    assert paper.rounds == 1
    return found


def test_a_value_in_dollars_needs_no_feed() -> None:
    assert Rates().of(Unit("USD", 8), None).each == Fraction(1, 10**8)


@pytest.mark.parametrize(
    ("unit", "token"),
    [(Unit("ETH", 18), None), (Unit("anything", 18), WETH), (Unit(WETH, 18), None)],
    ids=["a currency by what its feed says of itself", "a token by its address", "a unit named by an address"],
)
def test_another_unit_has_the_rate_of_its_feed(unit: Unit, token: Any) -> None:
    assert rates().of(unit, token).each == Fraction(199_950_000_000, 10**26)


def test_a_token_that_calls_itself_usd_or_eth_is_neither() -> None:
    for symbol in ("USD", "ETH"):
        found = rates().of(Unit(symbol, 18), PEPE)
        assert found.each is None
        assert found.reason == f"no US dollar feed of {symbol} is known here"


@pytest.mark.parametrize(
    ("ether", "reason"),
    [
        ({"answer": 0}, "it answers 0"),
        ({"answer": -1}, "it answers -1"),
        ({"updated": 0}, "its round is not complete"),
        ({"answer": None}, "it does not answer"),
        ({"name": "ETH / BTC"}, "it is ETH / BTC"),
    ],
)
def test_what_is_no_price_makes_the_sum_unknown_and_never_zero(ether: dict[str, Any], reason: str) -> None:
    found = rates(**ether).of(Unit("WETH", 18), WETH)
    assert (found.each, found.reason) == (None, f"the US dollar feed of WETH is of no use: {reason}")
    assert rates(**ether).of(Unit("USDC", 6), USDC).each == Fraction(99_970_000, 10**14)


def test_a_feed_without_a_description_serves_its_token_and_no_currency() -> None:
    assert rates(name=None).of(Unit("WETH", 18), WETH).each == Fraction(199_950_000_000, 10**26)
    assert rates(name=None).of(Unit("ETH", 18), None).each is None


def test_feeds_that_could_not_be_read_are_said() -> None:
    found = Rates(reason="two answer differently").of(Unit("ETH", 18), None)
    assert found.reason == "the US dollar feeds could not be read: two answer differently"
