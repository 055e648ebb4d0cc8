"""Contracts beside a market, found in logs: what is known of them, and up to where."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.config import Origin, dump
from watcher.config.read import parse
from watcher.errors import ConfigError, Transient
from watcher.model import Annex, Market
from watcher.search import AnnexSearch, annex_searches


def address(number: int) -> ChecksumAddress:
    return to_checksum_address(f"0x{number:040x}")


MORPHO, FACTORY, FIRST, SECOND = (address(number) for number in (0xB1, 0xFA, 1, 2))
MARKET = Market(1, "morpho_blue", "local/morpho-blue/aa", MORPHO, b"\xaa" * 32, 7, Annex(FACTORY, 9))
FILE = f"""
[chains.local]
id = 1
block_time = 12
finality = 64
stale_head = 300
[chains.local.morpho_blue]
address = "{MORPHO}"
start = 7
pre_liquidation_factory = "{FACTORY}"
pre_liquidation_start = 9
markets = [{{ id = "0x{"aa" * 32}" }}]
"""


def test_a_search_begins_at_the_factorys_first_block_and_serves_every_market_of_the_factory() -> None:
    other = replace(MARKET, name="local/morpho-blue/bb", id=b"\xbb" * 32)
    (search,) = annex_searches([MARKET, other, replace(MARKET, annex=None)])
    assert search.known == 8
    search.made = {MARKET.id: {SECOND: None, FIRST: None}}
    assert search.annexed(MARKET) == replace(MARKET, annex=Annex(FACTORY, 9, (SECOND, FIRST)))
    assert search.annexed(other) == other


def test_another_factorys_market_gets_nothing_of_this_one() -> None:
    search = AnnexSearch(MARKET, 8, {MARKET.id: {FIRST: None}})
    other = replace(MARKET, annex=Annex(SECOND))
    assert search.annexed(other) == other
    assert search.annexed(replace(MARKET, annex=None)) == replace(MARKET, annex=None)


def test_what_was_not_read_to_the_head_may_be_missing_and_says_why() -> None:
    late = AnnexSearch(MARKET, 50).entered(100)
    failed = AnnexSearch(MARKET, 100, error=Transient("node", "gone")).entered(100)
    whole = AnnexSearch(MARKET, 100).entered(100)
    assert [(one.complete, one.what) for one in (late, failed, whole)] == [
        (False, "pre-liquidation contracts"),
        (False, "pre-liquidation contracts"),
        (True, "pre-liquidation contracts"),
    ]
    assert "the time was up" in (late.reason or "") and "gone" in (failed.reason or "")


def test_a_chains_file_names_the_factory_and_is_written_back_alike() -> None:
    (chain,) = parse(FILE, "file", Origin.FILE).chains
    assert chain.singletons[0].annex == Annex(FACTORY, 9)
    assert [market.annex for market in chain.markets] == [Annex(FACTORY, 9)]
    (again,) = parse(dump(chain), "again", Origin.FILE).chains
    assert (again.singletons, again.markets) == (chain.singletons, chain.markets)


def test_a_first_block_without_a_factory_is_an_error() -> None:
    with pytest.raises(ConfigError, match="of which factory"):
        parse(FILE.replace(f'pre_liquidation_factory = "{FACTORY}"\n', ""), "file", Origin.FILE)
