"""`watcher account` as a test runs it: in this process, against the session's node, with a chains file of its own; and plain contract
answers by AsyncWeb3 to hold it against.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.contract import AsyncContract

from tests.onchain.conftest import Local
from watcher.__main__ import main
from watcher.config import Chain, Endpoint, dump
from watcher.localchain import aave_actions, morpho_actions
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.anvil import free_port
from watcher.localchain.contract import Contract
from watcher.localchain.scenario import account, fund
from watcher.localchain.stage.world import World
from watcher.units import MAX

T = TypeVar("T")
OWNER = account("wallet")
LENDER = account("lender")
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What one command line came to."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> list[Record]:
        found: list[Record] = json.loads(self.out)
        return found

    @property
    def records(self) -> list[Record]:
        """Positions, and what could not be read; not how far the entered markets are known, nor what all of it comes to."""
        return [record for record in self.all if record["kind"] in ("position", "market", "chain")]

    @property
    def entered(self) -> list[Record]:
        """Up to which block the markets of each singleton are known."""
        return [record for record in self.all if record["kind"] == "entered"]

    @property
    def rows(self) -> list[Record]:
        """Of a csv, those about positions."""
        return [row for row in csv.DictReader(io.StringIO(self.out)) if row["kind"] == "position"]

    def of(self, market: str) -> Record:
        """The only record of a market."""
        (found,) = [record for record in self.records if record["market"] == market]
        return found


Ask = Callable[..., Said]


def configured(local: Local, endpoints: Sequence[Endpoint] = ()) -> Chain:
    """Aave by name, Morpho by the account's logs alone."""
    world = World(local.chain, local.v30, local.v36, local.morpho)
    chain = world.configured(endpoints or [Endpoint("node", local.chain.url)])
    return replace(chain, markets=tuple(market for market in chain.markets if market.protocol == "aave_v3"))


def dead(local: Local) -> Chain:
    """A chain whose only endpoint is a port where nobody listens."""
    chain = configured(local, [Endpoint("nobody", f"http://127.0.0.1:{free_port()}")])
    return replace(chain, name="dead", id=7_777_777, markets=(), singletons=chain.singletons, notes=())


@pytest.fixture
def ask(local: Local, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """``ask(owner, "--price", "WETH=-20%")``: json without notes unless another format is named."""

    def run(*arguments: str, more: Sequence[Chain] = ()) -> Said:
        path = tmp_path / "chains.toml"
        path.write_text("\n".join(dump(chain) for chain in (configured(local), *more)), encoding="utf-8")
        form = () if "--format" in arguments else ("--format", "json", "--quiet")
        capsys.readouterr()
        code = main(["account", *arguments, "--chains", str(path), *form])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return run


def asked_web3(market: AaveMarket | Local, ask: Callable[[AsyncWeb3[AsyncHTTPProvider]], Coroutine[Any, Any, T]]) -> T:
    """Plain web3, opened and closed around one question."""

    async def run() -> T:
        w3 = AsyncWeb3(AsyncHTTPProvider(market.chain.url))
        try:
            return await ask(w3)
        finally:
            await w3.provider.disconnect()

    return asyncio.run(run())


def plain(w3: AsyncWeb3[AsyncHTTPProvider], contract: Contract) -> AsyncContract:
    return w3.eth.contract(contract.address, abi=contract.abi)


def user_data(market: AaveMarket, who: str = OWNER, block: int | None = None) -> tuple[int, ...]:
    """`getUserAccountData` at a block, the newest one by default."""

    async def read(w3: AsyncWeb3[AsyncHTTPProvider]) -> tuple[int, ...]:
        at = await w3.eth.block_number if block is None else block
        pool = plain(w3, market.pool)
        return tuple(await pool.functions.getUserAccountData(who).call(block_identifier=at))

    return asked_web3(market, read)


def units(text: str, decimals: int) -> int:
    """A decimal of the output as the integer it stands for."""
    found = Fraction(text) * 10**decimals
    assert found.denominator == 1, text
    return int(found)


def figures(record: Record, decimals: int = 8) -> tuple[int, ...]:
    """A record's totals as `getUserAccountData` answers them."""
    health = record["health_wad"]
    return (
        units(record["collateral"], decimals),
        units(record["debt"], decimals),
        units(record["available_borrow"], decimals),
        units(record["threshold"], 4),
        units(record["ltv"], 4),
        MAX if health is None else int(health),
    )


async def liquid(market: AaveMarket) -> None:
    """Somebody lends what others borrow."""
    for symbol, amount in (("USDC", 2_000_000), ("DAI", 2_000_000), ("WETH", 2_000)):
        await aave_actions.supply(market, LENDER, symbol, amount * 10 ** market.reserves[symbol].decimals)


async def indebted(market: AaveMarket, who: str = OWNER) -> None:
    """10 WETH and half a WBTC against 12,000 USDC and 3,000 DAI, a day ago; and money to act with in one transaction."""
    await liquid(market)
    await aave_actions.supply(market, who, "WETH", 10 * 10**18)
    await aave_actions.supply(market, who, "WBTC", 10**8 // 2)
    await aave_actions.borrow(market, who, "USDC", 12_000 * 10**6)
    await aave_actions.borrow(market, who, "DAI", 3_000 * 10**18)
    for symbol in ("USDC", "DAI", "WETH", "WBTC"):
        reserve = market.reserves[symbol]
        await fund(reserve.token, who, 10**6 * 10**reserve.decimals, market.pool.address)
    await market.chain.advance(86_400)


async def borrowed(local: Local, name: str = "WETH/USDC", who: str = OWNER) -> None:
    """5 WETH against 6,000 USDC on Morpho, a day ago."""
    market = local.morpho.markets[name]
    await morpho_actions.supply_collateral(local.morpho, market, who, 5 * 10**18)
    await morpho_actions.borrow(local.morpho, market, who, 6_000 * 10**6)
    await fund(local.morpho.tokens["USDC"], who, 10**6 * 10**6, local.morpho.morpho.address)
    await fund(local.morpho.tokens["WETH"], who, 10**3 * 10**18, local.morpho.morpho.address)
    await local.chain.advance(86_400)


async def at_once(
    market: AaveMarket | Local, contract: Contract, function: str, *args: Any, sender: str = OWNER
) -> None:
    """One transaction in a block with the time of the block before it: no interest in between."""
    chain = market.chain
    time = await chain.timestamp()
    await chain.next_timestamp(time)
    await contract.send(function, *args, sender=sender)
    assert await chain.timestamp() == time


async def morpho_totals(w3: AsyncWeb3[AsyncHTTPProvider], local: Local, name: str) -> tuple[int, ...]:
    """`market(id)` as it is stored."""
    found = await plain(w3, local.morpho.morpho).functions.market(local.morpho.markets[name].id).call()
    return tuple(found)
