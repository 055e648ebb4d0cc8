"""`watcher account` among strangers: tokens with names that attack a terminal, a page or a spreadsheet, and oracles that fail."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.onchain.account_scene import OWNER, Ask, ask, borrowed, figures, indebted, user_data
from tests.onchain.conftest import Local
from watcher.exit import Exit
from watcher.localchain import aave_actions, morpho_actions
from watcher.localchain.aave_assets import OTHER, Asset
from watcher.localchain.aave_listing import list_asset
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.hostile import REVERTS, hostile_tokens

__all__ = ["ask"]  # a fixture

SHOWN = {  # the token's own symbol, cleaned
    "escape": "USDC",
    "bidi": "CDSU",
    "script": "<script>alert(1)</script>",
    "formula": "=HYPERLINK(0)",
    "newline": "USDC WETH",
    "bytes32": "MKR",
}
ODD = Asset("", 18, 5 * 10**8, 5_000, 6_000, 10_500, OTHER)


async def holding_all(market: AaveMarket) -> dict[str, str]:
    """The owner supplies ten of each hostile token; their addresses by kind."""
    tokens = await hostile_tokens(market.chain)
    for kind in (*SHOWN, "long", "empty"):
        market = await list_asset(market, replace(ODD, symbol=kind), tokens[kind])
        await aave_actions.supply(market, OWNER, kind, 10 * 10**18)
    return {kind: token.address for kind, token in tokens.items()}


def test_f35_to_f38_hostile_symbols_are_cleaned_and_bounded_in_every_format(v36: AaveMarket, ask: Ask) -> None:
    asyncio.run(indebted(v36))
    tokens = asyncio.run(holding_all(v36))
    record = ask(OWNER).of(v36.name)
    assert figures(record) == user_data(v36)
    symbols = {leg["token"]: leg["symbol"] for leg in record["legs"]}
    assert {kind: symbols[tokens[kind]] for kind in SHOWN} == SHOWN
    assert all(0 < len(symbol) <= 32 for symbol in symbols.values())
    for kind in ("long", "empty"):  # no name that could be shown: the ends of the address
        address, shown = tokens[kind], symbols[tokens[kind]]
        assert (shown[:6], shown[-4:]) == (address[:6], address[-4:])
    table = ask(OWNER, "--format", "table").out
    assert all(symbol in table for symbol in SHOWN.values())
    assert not {"\x1b", "\u202e", "\x07"} & {*table}
    assert max(map(len, table.splitlines())) <= 100
    rows = ask(OWNER, "--format", "csv", "--quiet").rows
    written = {row["leg_token"]: row["leg_symbol"] for row in rows}
    assert written[tokens["formula"]] == "'=HYPERLINK(0)"
    assert written[tokens["script"]] == SHOWN["script"]
    assert len(rows) == len(record["legs"])


def test_f41_a_failing_oracle_makes_one_position_unknown_and_the_others_stay(
    local: Local, v36: AaveMarket, ask: Ask
) -> None:
    hostile = local.morpho.markets["hostile"]
    assert hostile.oracle is not None

    async def play() -> None:
        await indebted(v36)
        await borrowed(local)
        await morpho_actions.supply_collateral(local.morpho, hostile, OWNER, 3 * 10**18)
        await morpho_actions.borrow(local.morpho, hostile, OWNER, 1_000 * 10**6)
        assert hostile.oracle is not None
        await hostile.oracle.send("setMode", REVERTS)

    asyncio.run(play())
    said = ask(OWNER)
    (broken,) = [record for record in said.records if record["status"] == "unknown"]
    assert said.code == Exit.SOURCE
    assert broken["market"].endswith(hostile.id.hex()[:10])
    assert "no usable price" in broken["reason"]
    assert "health" not in broken
    assert figures(said.of(v36.name)) == user_data(v36)
    assert sorted(record["status"] for record in said.records) == ["safe", "unknown", "watch"]
    table = ask(OWNER, "--format", "table", "--quiet").out
    assert table.count("UNKNOWN") == 1
    assert not any("safe" in line for line in table.splitlines() if "UNKNOWN" in line)
    assert ask(OWNER, "--fail-below", "100").code == Exit.AT_RISK


@pytest.mark.parametrize("answer", [0, 2**256 - 1])
def test_f41_an_absurd_oracle_answer_is_no_health(answer: int, local: Local, chain: object, ask: Ask) -> None:
    """At zero nothing protects the debt, which Morpho says itself; beyond 2**256 it would revert, so nothing is known."""
    hostile = local.morpho.markets["hostile"]
    assert hostile.oracle is not None

    async def play() -> None:
        await morpho_actions.supply_collateral(local.morpho, hostile, OWNER, 3 * 10**18)
        await morpho_actions.borrow(local.morpho, hostile, OWNER, 1_000 * 10**6)
        assert hostile.oracle is not None
        await hostile.oracle.send("set", answer)

    asyncio.run(play())
    said = ask(OWNER)
    (record,) = said.records
    assert (said.code, record["status"]) == (Exit.SOURCE, "unknown")
    assert record["reason"]


def test_nothing_held_is_said_and_is_no_failure(v36: AaveMarket, ask: Ask) -> None:
    said = ask("0x" + "11" * 20, "--format", "table")
    assert (said.code, said.out) == (Exit.OK, "")
    assert "nothing held" in said.err
