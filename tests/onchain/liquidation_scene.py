"""`watcher liquidations` as a test runs it, liquidations that share a block, and the chain taken back to the block before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.onchain.account_scene import Said, configured
from tests.onchain.conftest import Local
from watcher.__main__ import main
from watcher.config import Endpoint, dump
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER, Contract, Receipt, post, receipt
from watcher.localchain.scenario import account

ADA, BOB, CYD = account("ada"), account("bob"), account("cyd")
LIQUIDATOR = account("payer")
Record: TypeAlias = dict[str, Any]
Deed: TypeAlias = tuple[Contract, tuple[Any, ...], str]  # a call and who makes it
Liquidations: TypeAlias = Callable[..., Said]


@pytest.fixture
def liquidations(local: Local, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Liquidations:
    """``liquidations(market, "--since", "120")`` as json, without notes."""

    def go(market: str, *arguments: str, url: str = "") -> Said:
        chain = configured(local, [Endpoint("node", url)] if url else ())
        path = tmp_path / "chains.toml"
        path.write_text(dump(replace(chain, finality=1)), encoding="utf-8")
        form = () if "--format" in arguments else ("--format", "json")
        capsys.readouterr()
        code = main(["liquidations", market, *arguments, "--chains", str(path), "--quiet", *form])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return go


@dataclass
class Story:
    """What happened: its first block, a snapshot of the block before each block with liquidations, and their receipts, oldest first."""

    first: int = 0
    snapshots: list[str] = field(default_factory=list)
    receipts: list[list[Receipt]] = field(default_factory=list)
    fall: int = 0  # the block in which the price fell below Ada's line

    @property
    def blocks(self) -> list[int]:
        return [some[0].block for some in self.receipts]

    async def liquidated(self, chain: Anvil, deeds: Sequence[Deed], before: Sequence[Deed] = ()) -> None:
        """Liquidations in one block, twelve seconds after the last one, with what comes before them in it."""
        self.snapshots.append(await chain.snapshot())
        self.receipts.append((await done(chain, [*before, *deeds], 12))[len(before) :])


async def done(chain: Anvil, deeds: Sequence[Deed], seconds: int) -> list[Receipt]:
    """All in one block, so many seconds after the newest one."""
    await chain.next_timestamp(await chain.timestamp() + seconds)
    async with chain.one_block():
        sent = [await post(chain, of.transaction(*args, sender=by)) for of, args, by in deeds]
    return [await receipt(chain, hash) for hash in sent]


async def back(chain: Anvil, snapshot: str) -> str:
    """The state of a snapshot, and another one of it."""
    await chain.revert(snapshot)
    return await chain.snapshot()


def priced(feed: Contract, answer: int) -> Deed:
    return feed, ("set", answer), DEPLOYER
