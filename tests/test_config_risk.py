"""[risk] of watcher.toml: what paths are told, and what tokens are said to follow. Strict, and what says nothing is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from watcher.config.read_watch import parse_watch
from watcher.config.risk import DAY, HOUR, Assumed, Risk
from watcher.errors import ConfigError

WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
WALLET = '[[wallets]]\naddress = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"\n'
FULL = f"""\
[risk]
reaction = "2h"
scenarios = 20000
seed = 7
window = "60d"
deviation = "0.5%"
model = "gbm"
every = "30m"

[[risk.tokens]]
chain = "ethereum"
token = "{WETH.lower()}"
factor = "eth/usd"
beta = 1.2
residual = "35 %"

[[risk.tokens]]
chain = 1
token = "{USDC}"
peg = "stable"
feed = "fixed"
"""


def read(text: str) -> Risk:
    return parse_watch(WALLET + text, Path("watcher.toml"), {}).risk


def test_without_the_table_every_default_holds_and_nobodys_reaction_is_invented() -> None:
    assert read("") == read("[risk]\n") == Risk()
    assert (Risk().reaction, Risk().scenarios, Risk().window, Risk().every) == (None, 10_000, 90 * DAY, HOUR)


def test_a_full_table_is_what_it_says() -> None:
    risk = read(FULL)
    assert (risk.reaction, risk.scenarios, risk.seed, risk.window) == (2 * HOUR, 20_000, 7, 60 * DAY)
    assert (risk.deviation, risk.model, risk.every) == (0.005, "gbm", 1800)
    assert risk.tokens == (
        Assumed(1, WETH, "ETH/USD", 1.2, 0.35),  # type: ignore[arg-type]
        Assumed(1, USDC, None, peg="stable", feed="fixed"),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("written", ['"0.5%"', '"0.5 %"', '"0.50%"', "0.005"])
def test_a_share_is_written_as_a_fraction_or_in_percent(written: str) -> None:
    assert read(f"[risk]\ndeviation = {written}\n").deviation == 0.005


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reaction", "reation", "risk.reation: unknown key; did you mean 'reaction'?"),
        ('"2h"', "7200", "risk.reaction: expected a time above 0"),
        ('"2h"', '"2y"', "risk.reaction: expected a time of 365d at most"),
        ('"60d"', '"7d"', "risk.window: expected a time from 21d to 3650d"),
        ("20000", "10", "risk.scenarios: expected a whole number from 100 to 1,000,000"),
        ("20000", "true", "risk.scenarios: expected a whole number"),
        ("seed = 7", "seed = -1", "risk.seed: expected a whole number from 0"),
        ('"0.5%"', "0.5", "risk.deviation: expected a number from 0 to 0.1; percent as a text"),  # meant as a percent
        ('"0.5%"', '"half"', "risk.deviation: expected a number"),
        ('"0.5%"', "nan", "risk.deviation: expected a number"),
        ('"gbm"', '"garch"', "risk.model: expected fhs, t, gbm; "),
        ('"ethereum"', '"etherum"', "risk.tokens[0].chain: no chain 'etherum' is configured; did you mean"),
        (WETH.lower(), WETH[:-1] + "3", "risk.tokens[0].token: "),
        ("eth/usd", "eth", "risk.tokens[0].factor: expected a pair of names, as in ETH/USD"),
        ('factor = "eth/usd"\n', "", "risk.tokens[0].beta: says how much of a factor's return the token takes"),
        ("1.2", "11", "risk.tokens[0].beta: expected a number from -10 to 10"),
        ('"35 %"', "-0.1", "risk.tokens[0].residual: expected a number from 0 to 10"),
        ('"stable"', '"pegged"', "risk.tokens[1].peg: expected stable, staked; "),
        ('"fixed"', '"oracle"', "risk.tokens[1].feed: expected market, rate, fixed; "),
        ('peg = "stable"\nfeed = "fixed"\n', "", "risk.tokens[1]: says nothing of "),
        (USDC, WETH, f"risk.tokens[1].token: {WETH} of ethereum is listed twice"),
    ],
)
def test_what_cannot_be_used_is_named_with_line_and_what_to_write(old: str, new: str, said: str) -> None:
    assert old in FULL
    with pytest.raises(ConfigError) as caught:
        read(FULL.replace(old, new, 1))
    place, _, rest = str(caught.value).removeprefix("watcher.toml:").partition(": ")
    assert rest.startswith(said)
    assert place.isdecimal()
