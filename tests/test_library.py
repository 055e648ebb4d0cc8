"""`import watcher` in a notebook: nothing happens at import, and one question answers as the command does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import watcher
from tests.chain.server import serve
from tests.cli.test_wallets import LENDING, POOL, chains_file
from tests.lending import MORPHO, OWNER
from watcher.errors import EndpointError, UsageError
from watcher.library import Watcher
from watcher.units import WAD
from watcher.wallet import Wallet

IMPORT = """
import logging, os, sys
before = set(sys.modules)
os.environ["WATCHER_RPC_nonsense"] = "not a URL"  # reading it would raise
import watcher
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
heavy = loaded & {"web3", "aiohttp", "eth_abi", "typer", "rich", "numpy", "msgspec", "asyncio", "tomllib"}
handlers = [*logging.getLogger().handlers, *logging.getLogger("watcher").handlers]
ours = [name for name in sys.modules if name.startswith("watcher.")]
print(heavy, handlers, logging.getLogger("watcher").level, ours)
"""


def test_import_reads_no_configuration_and_sets_up_no_logging() -> None:
    said = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["set()", "[]", "0", "[]"]
    assert said.stderr == ""


def test_using_it_sets_up_no_logging_either() -> None:
    text = (
        "import logging, watcher; watcher.open, watcher.Wallet; print(logging.getLogger().handlers, "
        "[name for name in logging.root.manager.loggerDict if logging.getLogger(name).handlers and name.startswith('watcher')])"
    )
    said = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["[]", "[]"]


def test_every_public_name_is_there_and_no_other() -> None:
    assert [getattr(watcher, name) is not None for name in watcher.__all__] == [True] * len(watcher.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        watcher.nothing  # noqa: B018


def asked(tmp_path: Path, *addresses: str, **options: int | bool) -> tuple[Watcher, tuple[Wallet, ...]]:
    async def run() -> tuple[Watcher, tuple[Wallet, ...]]:
        async with serve(LENDING.node(chain_id=7)) as near:
            file = chains_file(tmp_path, ("near", 7, []), ("far", 8, []))
            async with watcher.open(rpc=near.url, chains=file) as w:
                return w, await w.account(*addresses, **options)  # type: ignore[arg-type]

    return asyncio.run(run())


def test_an_account_is_read_on_the_chain_of_the_endpoint(tmp_path: Path) -> None:
    _, (wallet,) = asked(tmp_path, OWNER)
    (market,) = wallet.markets
    (row,) = market.rows
    assert (wallet.chain.name, wallet.confirmed_by, wallet.complete) == ("near", 1, True)
    assert row.reading.valuation is not None
    assert row.reading.valuation.health == WAD * 8 // 5
    assert row.position.holding.collateral == POOL.collateral


def test_several_accounts_are_one_wallet(tmp_path: Path) -> None:
    _, (wallet,) = asked(tmp_path, OWNER.lower(), MORPHO)
    assert [row.reading.key.key.hex() for market in wallet.markets for row in market.rows] == [OWNER[2:].lower()]


def test_an_earlier_block_can_be_asked_for_by_number_and_by_time(tmp_path: Path) -> None:
    for question in ({"block": 100}, {"before": 1_700_001_205}):
        _, (wallet,) = asked(tmp_path, OWNER, **question)
        assert wallet.block is not None
        assert wallet.block.number == 100


def test_what_was_learned_about_log_ranges_stays_with_the_watcher(tmp_path: Path) -> None:
    found, _ = asked(tmp_path, OWNER)
    assert set(found.windows) == {7}
    assert [window.size for window in found.windows[7].values()] != []


@pytest.mark.parametrize("text", ["0x12", "vitalik.eth", OWNER.swapcase().replace("0X", "0x")])
def test_an_address_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        asked(tmp_path, text)


def test_an_endpoint_that_is_dead_is_an_error_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        file = chains_file(tmp_path, ("near", 7, []), ("far", 8, []))
        async with watcher.open(rpc="http://127.0.0.1:9", chains=file):
            pass

    with pytest.raises(EndpointError, match="it was named by --rpc"):
        asyncio.run(run())
