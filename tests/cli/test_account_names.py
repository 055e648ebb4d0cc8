"""`watcher account NAME.eth`: the address is shown, and where the name means none nothing is read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.chain.evm import Evm
from tests.chain.naming import Name, contracts
from tests.chain.server import serve
from tests.cli.test_wallets import chains_file
from tests.lending import OWNER, Lending
from watcher.__main__ import main
from watcher.exit import Exit

LENDING = Lending()
LENDING.pool("eth")


@pytest.fixture(autouse=True)
def no_endpoints_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ETH_RPC_URL", raising=False)


def account(tmp_path: Path, names: dict[str, Name], *texts: str, chain: int = 1) -> int:
    """The exit code of `watcher account` over one node with a Morpho Blue and these names."""

    async def run() -> int:
        node = LENDING.node(chain_id=chain)
        assert isinstance(node.call, Evm)
        node.call.contracts.update(contracts(names))
        async with serve(node) as server:
            file = chains_file(tmp_path, ("mine", chain, [server.url]))
            return await asyncio.to_thread(main, ["account", *texts, "--chains", str(file), "--format", "json"])

    return asyncio.run(run())


def test_a_name_is_read_by_its_address_which_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert account(tmp_path, {"loop.eth": Name(OWNER)}, "Loop.eth", OWNER) == Exit.OK
    said = capsys.readouterr()
    assert f"Loop.eth is {OWNER}" in said.err
    held = [record for record in json.loads(said.out) if record["kind"] == "position"]
    assert [record["account"] for record in held] == [OWNER]


def test_f59_a_name_that_means_nothing_ends_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert account(tmp_path, {"loop.eth": Name()}, "loop.eth", OWNER) == Exit.USAGE
    said = capsys.readouterr()
    assert said.err == "watcher: loop.eth has no address: none is set; give the address itself\n"
    assert said.out == ""


def test_a_name_needs_ethereum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert account(tmp_path, {}, "loop.eth", chain=7) == Exit.USAGE
    assert "ENS names are resolved on Ethereum, and there is no chain 1 here" in capsys.readouterr().err
