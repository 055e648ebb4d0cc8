"""Names below `abis/` are found, and a name that is not there is loud. Selectors and topics are the published ones."""

from __future__ import annotations

import pytest

from watcher.chain.abi import event, function


def test_a_function_has_the_selector_that_every_block_explorer_shows() -> None:
    assert function("erc20/token.balanceOf").selector.hex() == "70a08231"
    assert function("erc20/token.symbol").selector.hex() == "95d89b41"
    assert function("multicall3/multicall3.aggregate3").selector.hex() == "82ad56cb"


def test_structs_are_written_as_tuples() -> None:
    shape = function("multicall3/multicall3.aggregate3")
    assert (shape.inputs, shape.outputs) == (("(address,bool,bytes)[]",), ("(bool,bytes)[]",))


def test_an_event_knows_which_of_its_values_are_topics() -> None:
    liquidation = event("aave_v3/pool.LiquidationCall")
    assert liquidation.topic.hex() == "e413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"
    assert liquidation.indexed == (True, True, True, False, False, False, False)


@pytest.mark.parametrize(
    "name",
    [
        "erc20/token.balanceof",
        "erc20/nothing.balanceOf",
        "nowhere/token.balanceOf",
        "token.balanceOf",
        "../abis/erc20/token.symbol",
    ],
)
def test_a_missing_name_is_a_bug_and_stays_loud(name: str) -> None:
    with pytest.raises(KeyError):
        function(name)
    with pytest.raises(KeyError):
        event(name)
