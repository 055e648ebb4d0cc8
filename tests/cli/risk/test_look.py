"""From wallets that were read to an appraisal: what could not be read is named, and prices come out of the store alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.situations import OWNERS
from tests.appraisal.scene import A, B, ground, holds, loan
from tests.appraisal.scene import chain as of_chain
from tests.appraisal.scene import row as of_row
from watcher.appraisal.asset import leads
from watcher.appraisal.pasts import Grid
from watcher.cli.account.sheet import Sheet
from watcher.cli.options import Format, Options
from watcher.cli.risk.look import Wish, appraised, drawable, holdings, named, unseen
from watcher.cli.risk.look import ground as stored
from watcher.cli.risk.record import records
from watcher.cli.risk.wish import Told
from watcher.config import Config
from watcher.config.chain import Group
from watcher.config.risk import Risk
from watcher.cycle import MarketCycle, Row
from watcher.errors import Transient, UsageError
from watcher.model import BlockRef, Status
from watcher.portfolio.beside import Beside
from watcher.risk.scenario import Model
from watcher.wallet import Wallet

SILENT = Transient("node", "no answer")


def sheet(row: Row) -> Sheet:
    return Sheet(OWNERS[0], row, None, None, (), (), None, None)


def unknown(row: Row) -> Row:
    return replace(row, reading=replace(row.reading, status=Status.UNKNOWN, valuation=None, reason="no price of T1"))


def test_what_could_not_be_read_is_in_no_figure_and_is_named() -> None:
    here = of_row(loan())
    block = here.reading.block
    failed = MarketCycle(replace(here.market, name="paper/toy/two"), block, error=SILENT)
    wallet = Wallet(of_chain(), block, (failed,), beside=Beside(lost=("a proxy was not looked at",)))
    told = list(unseen(wallet, [sheet(unknown(here)), sheet(here)]))
    assert told == [
        "a proxy was not looked at; it is in no figure of risk",
        f"paper/toy/two: {SILENT}; it is in no figure of risk",
        "paper/toy/one: no price of T1; it is in no figure of risk",
    ]
    assert [one.name for one in holdings(wallet, [sheet(unknown(here)), sheet(here)])] == ["paper/toy/one"]


def test_a_chain_that_did_not_answer_is_named() -> None:
    wallet = Wallet(of_chain(), None, error=SILENT)
    assert list(unseen(wallet, [])) == [f"{SILENT}; it is in no figure of risk"]


def test_money_that_nobody_told_is_not_taken_for_dollars() -> None:
    here = of_row(loan())
    block: BlockRef = here.reading.block
    (one,) = holdings(Wallet(of_chain(), block), [sheet(here)])
    assert (one.each, one.unpriced) == (None, "what it counts in is not known")


def test_a_market_that_logs_told_is_asked_for_by_its_id() -> None:
    one = holds(loan())
    assert named(one) == "paper/toy/one"
    market = replace(one.row.market, name="paper/morpho-blue/0102", id=b"\x01\x02")
    assert named(replace(one, row=replace(one.row, market=market))) == "paper/morpho-blue/0x0102"


def test_without_a_store_everything_is_missing_and_nothing_is_made(tmp_path: Path) -> None:
    wanted = leads(holds(loan()).assets, (of_chain(),), ())
    found = stored(wanted, (of_chain(),), Grid(0, 3_600), tmp_path / "none.db")
    assert set(found.lost) == set(holds(loan()).assets)
    assert f"watcher prices sync 1:{A.address}/USD" in next(iter(found.lost.values()))
    assert not (tmp_path / "none.db").exists()


def test_a_model_that_needs_a_correlation_refuses_two_pasts_that_move_as_one() -> None:
    one = holds(loan())
    basis = ground([one], {"T1": 0.8, "T2": 0.5})
    assert basis.market is not None
    rows = basis.market.rows.copy()
    rows[:, 1] = rows[:, 0]
    alike = replace(basis, market=replace(basis.market, rows=rows))
    drawable(alike, Model.FHS)
    drawable(basis, Model.GBM)
    with pytest.raises(UsageError, match=r"--model gbm.*--model fhs"):
        drawable(alike, Model.GBM)


def test_whichever_chain_answered_first_the_report_is_the_same() -> None:
    """Two chains on which everything is a stablecoin: no past is needed."""
    group = Group("USD", (A.address, B.address))
    chains = [of_chain(group, id=number, name=f"chain{number}") for number in (1, 2)]
    loans = [of_row(loan(owed=150_000 + 1_000 * one.id), name=f"{one.name}/toy", chain=one.id) for one in chains]
    done = [(Wallet(one, row.reading.block), [sheet(row)]) for one, row in zip(chains, loans, strict=True)]
    told = Told(False, None, None, None, None, None, None, None)
    wish = Wish(told, replace(Risk(), scenarios=200), "nowhere/w.db")
    options = Options(None, None, None, Format.JSON, True, 0)
    one, other = (
        asyncio.run(appraised(order, Config(tuple(chains)), wish, options)) for order in (done, list(reversed(done)))
    )
    assert [position.name for position in one.held] == ["chain1/toy", "chain2/toy"]
    assert list(records(one, ())) == list(records(other, ()))
    assert one.horizons[-1].positions[0].liquidated.value > 0
