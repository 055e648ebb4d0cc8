"""`watcher scan` and `watcher curve` as a test runs them, and what a plain client with the pool's own ABI is told of many accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.onchain.account_scene import Said, asked_web3, configured, plain
from tests.onchain.conftest import Local
from watcher.__main__ import main
from watcher.config import Chain, dump
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import post

Run: TypeAlias = Callable[..., Said]
PLAIN = 100  # calls in one request of the plain client


@pytest.fixture
def watcher(
    local: Local, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """``watcher("scan", market, "--below", "1.2")`` as json, without notes, and with no store unless one is named."""
    yield commands(replace(configured(local), finality=1), tmp_path, capsys, monkeypatch)


def commands(chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands about the markets of that chain, as json unless another format is named."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("WATCHER_DB", raising=False)
    path = tmp_path / "chains.toml"
    path.write_text(dump(chain), encoding="utf-8")

    def go(verb: str, market: str, *arguments: str) -> Said:
        form = () if "--format" in arguments else ("--format", "json")
        capsys.readouterr()
        code = main([verb, market, *arguments, "--chains", str(path), "--quiet", *form])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return go


def accounts(market: AaveMarket, owners: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """`getUserAccountData` of everybody at the newest block."""

    async def read(w3: Any) -> dict[str, tuple[int, ...]]:
        pool = plain(w3, market.pool)
        found: dict[str, tuple[int, ...]] = {}
        for start in range(0, len(owners), PLAIN):
            part = owners[start : start + PLAIN]
            async with w3.batch_requests() as batch:
                for owner in part:
                    batch.add(pool.functions.getUserAccountData(owner))
                found |= dict(zip(part, map(tuple, await batch.async_execute()), strict=True))
        return found

    return asked_web3(market, read)


async def priced(market: AaveMarket, percent: int, symbols: Sequence[str] = ("WETH", "WBTC", "wstETH", "LINK")) -> None:
    """Every one of these feeds at so many per cent of its listed price, all in one block."""
    chain: Anvil = market.chain
    async with chain.one_block():
        for symbol in symbols:
            reserve = market.reserves[symbol]
            await post(chain, reserve.feed.transaction("set", reserve.asset.price * percent // 100))


async def at_once(market: AaveMarket, deed: Sequence[tuple[str, int]]) -> None:
    """These answers of feeds, by symbol, in a block with the time of the block before it: no interest in between."""
    chain: Anvil = market.chain
    await chain.next_timestamp(await chain.timestamp())
    async with chain.one_block():
        for symbol, answer in deed:
            await post(chain, market.reserves[symbol].feed.transaction("set", answer))
