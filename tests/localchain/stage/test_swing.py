"""The prices of a held node after the play."""

from __future__ import annotations

from itertools import islice, pairwise

from watcher.localchain.stage.play import STEPS
from watcher.localchain.stage.swing import HIGHEST, LOWEST, swings


def test_prices_go_on_from_the_end_of_the_play_in_small_steps_down_first_and_come_back() -> None:
    eth = [STEPS[-1].prices.eth, *(prices.eth for prices in islice(swings(), 100))]
    assert eth[1] < eth[0]
    assert {abs(after - before) for before, after in pairwise(eth)} == {20}
    assert (min(eth), max(eth)) == (LOWEST, HIGHEST)
    assert eth.count(eth[0]) > 4


def test_bitcoin_falls_as_much_as_eth_and_the_staked_tokens_ratio_stands() -> None:
    last = STEPS[-1].prices
    for prices in islice(swings(), 40):
        assert prices.btc == last.btc * prices.eth // last.eth
        assert prices.ratio == last.ratio
