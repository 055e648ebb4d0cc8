from __future__ import annotations

import pytest

from tests.health.heads import wad
from tests.health.toy import A, B
from watcher.errors import ConfigError
from watcher.health.bands import CORRELATED, VOLATILE, Bands
from watcher.health.rules import Rule, bands_for

ME, OTHER = A.address, B.address
CORE, PRIME = "ethereum/aave-v3/core", "ethereum/aave-v3/prime"


def bands(watch: str) -> Bands:
    return Bands(wad(watch), wad("1.25"), wad("1.1"), wad("1.03"))


MARKET, MODE, WALLET = (bands(watch) for watch in ("1.6", "1.7", "1.8"))
RULES = (Rule(MARKET, market=CORE), Rule(MODE, market=CORE, mode=1), Rule(WALLET, wallet=ME))


def test_without_a_rule_about_it_the_general_bands_apply() -> None:
    assert bands_for((), ME, CORE, 0, VOLATILE) is VOLATILE
    assert bands_for((), ME, CORE, 0, CORRELATED) is CORRELATED


def test_a_wallets_word_counts_before_an_e_modes_and_that_before_its_markets() -> None:
    assert bands_for(RULES, OTHER, CORE, 0, CORRELATED) is MARKET
    assert bands_for(RULES, OTHER, CORE, 1, CORRELATED) is MODE
    assert bands_for(RULES, ME, CORE, 1, CORRELATED) is WALLET
    assert bands_for(RULES, ME, PRIME, 0, CORRELATED) is WALLET
    assert bands_for(RULES, OTHER, PRIME, 1, CORRELATED) is CORRELATED


def test_a_rule_that_names_more_is_heard_before_one_of_the_same_wallet() -> None:
    both = Rule(MARKET, wallet=ME, market=CORE)
    assert bands_for((*RULES, both), ME, CORE, 1, VOLATILE) is MARKET
    assert bands_for((*RULES, both), ME, PRIME, 1, VOLATILE) is WALLET


def test_an_e_mode_without_its_market_and_a_rule_about_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="name the market too"):
        Rule(MODE, mode=1)
    with pytest.raises(ConfigError, match="name a wallet or a market"):
        Rule(MODE)
