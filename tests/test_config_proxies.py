"""The registries of proxies in a chains file."""

from __future__ import annotations

import pytest

from watcher.config import Origin, Proxies, dump
from watcher.config.read import parse
from watcher.errors import ConfigError

DS, INSTA = "0x4678f0a6958e4D2Bc4F1BAF7Bc52E8F3564f3fE4", "0x4c8a1BEb8a87765788946D6B19C6C6355194AbEb"
CHAIN = "[chains.testnet]\nid = 1\nblock_time = 12\nfinality = 64\nstale_head = 300\n"


@pytest.mark.parametrize(
    ("line", "proxies"),
    [
        ("", Proxies()),
        (f'proxies = {{ ds = "{DS}" }}', Proxies(ds=DS)),  # type: ignore[arg-type]
        (f'proxies = {{ ds = "{DS}", insta = "{INSTA}" }}', Proxies(DS, INSTA)),  # type: ignore[arg-type]
    ],
)
def test_a_chain_names_the_registries_that_know_proxies_and_is_written_the_same(line: str, proxies: Proxies) -> None:
    (chain,) = parse(CHAIN + line, "chains.toml", Origin.FILE).chains
    assert chain.proxies == proxies
    assert parse(dump(chain), "chains.toml", Origin.FILE).chains == (chain,)


def test_an_unknown_registry_of_proxies_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"chains.testnet.proxies.safe: unknown key"):
        parse(CHAIN + f'proxies = {{ safe = "{DS}" }}', "chains.toml", Origin.FILE)
