"""The demo's own check, without a chain: what counts as a difference, what counts as kept, and how it ends."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Mapping
from dataclasses import replace

import pytest
from eth_typing import HexStr
from eth_utils.address import to_checksum_address

from watcher.__main__ import main
from watcher.cli.demo import ending_cleanly
from watcher.cli.demo.difference import Difference
from watcher.cli.demo.report import record, verdict
from watcher.cli.demo.scene import Line
from watcher.cli.demo.show import cells, console, table
from watcher.cli.demo.tally import ENOUGH, Account, Outcome, Tally, compared
from watcher.cli.demo.whole import FOLLOWED, Whole
from watcher.cycle import MarketCycle, Row
from watcher.errors import ConfigError
from watcher.health.fall import Fall
from watcher.health.status import status
from watcher.localchain.stage.truth import Told
from watcher.model import BlockRef, Market, PositionKey, Reading, Status, Unit, Valuation
from watcher.model import Line as Boundary
from watcher.units import WAD, Wad

USD = Unit("USD", 8)
MARKET = Market(1, "aave_v3", "local/aave-v3/v30", to_checksum_address("0x" + "aa" * 20))
ANN, BEN = (PositionKey(MARKET.name, bytes([number]) * 20) for number in (1, 2))
TOLD = Account(transitions=79, expected=79, crowd=(188, 188), retractions=12, gaps=2, unwatched=3)
WHOLE = Whole(FOLLOWED, 144, 2_736, 640, 640, (41, 41), 0, 188, 188, sound=True)
GOOD = Outcome(20, 28, 25, ENOUGH, 3_725, (), {"aave_v3": 1, "morpho_blue": 1}, 1, 1, 2, 1, 1, TOLD, WHOLE, 30.0)
OFF = Difference(7, MARKET.name, ANN, "debt", 11, 10)


def block(number: int, fork: str = "0") -> BlockRef:
    return BlockRef(number, 1_000 + number, 1, HexStr(f"0x{fork}{number:063x}"))


def valued(key: PositionKey, at: BlockRef, health: int | None) -> Valuation:
    """A position worth 100 that owes so much that its health is `health`."""
    wad = None if health is None else Wad(health)
    below = health is not None and health < WAD
    return Valuation(key, at, USD, 10_000, (), 100, 80, 5, 8_000, 7_500, Boundary(80, 80, USD), wad, below, None)


def row(key: PositionKey, at: BlockRef, health: int | None) -> Row:
    seen = valued(key, at, health)
    reading = Reading(key, at, status(seen), seen)
    return Row(MARKET, None, reading, True, ())  # type: ignore[arg-type]  # the check looks at the reading alone


def unread(key: PositionKey, at: BlockRef) -> Row:
    reading = Reading(key, at, Status.UNKNOWN, None, "no usable price")
    return Row(MARKET, None, reading, False, ())  # type: ignore[arg-type]


def cycles(at: BlockRef, *rows: Row) -> tuple[MarketCycle, ...]:
    return (MarketCycle(MARKET, at, rows=rows),)


def told(healths: Mapping[PositionKey, int | None]) -> Told:
    """What the contract says of positions like those of `valued`."""
    figures = {
        key: {"collateral": 100, "debt": 80, "health": health, "liquidatable": health is not None and health < WAD}
        for key, health in healths.items()
    }
    return Told(figures, {})


def test_equal_figures_are_no_difference() -> None:
    at = block(7)
    one = compared(at, cycles(at, row(ANN, at, 2 * WAD), row(BEN, at, None)), told({ANN: 2 * WAD, BEN: None}))
    assert (one.differences, one.figures) == ((), 8)


def test_one_unit_is_a_difference_and_is_named() -> None:
    at = block(7)
    one = compared(at, cycles(at, row(ANN, at, 2 * WAD)), told({ANN: 2 * WAD + 1}))
    assert [(d.block, d.key, d.field, d.ours, d.theirs) for d in one.differences] == [
        (7, ANN, "health", 2 * WAD, 2 * WAD + 1)
    ]


def test_a_position_that_we_could_not_read_is_a_difference() -> None:
    at = block(7)
    one = compared(at, cycles(at, unread(ANN, at)), told({ANN: 2 * WAD}))
    assert [(d.field, d.ours) for d in one.differences] == [("position", "no usable price")]


def test_a_position_that_only_one_side_knows_is_a_difference() -> None:
    at = block(7)
    missed = compared(at, cycles(at), told({ANN: 2 * WAD}))
    invented = compared(at, cycles(at, row(ANN, at, 2 * WAD)), told({}))
    assert [d.key for d in missed.differences] == [d.key for d in invented.differences] == [ANN]


def tallied(*blocks: tuple[BlockRef, Mapping[PositionKey, int | None]]) -> Tally:
    tally = Tally()
    for at, healths in blocks:
        rows = (row(key, at, health) for key, health in healths.items())
        tally.add(compared(at, cycles(at, *rows), told(healths)))
    return tally


def test_a_position_crosses_where_the_contract_gives_up_what_it_protected() -> None:
    tally = tallied((block(1), {ANN: 2 * WAD, BEN: WAD - 1}), (block(2), {ANN: WAD - 1, BEN: WAD - 2}))
    assert tally.crossed() == {ANN}  # Ben was over it from the beginning


def test_a_position_that_only_recovers_has_not_crossed() -> None:
    assert tallied((block(1), {ANN: WAD - 1}), (block(2), {ANN: 2 * WAD})).crossed() == set()


def test_what_a_reorg_replaced_counts_no_more() -> None:
    old, new = block(2), block(2, fork="f")
    tally = tallied((block(1), {ANN: 2 * WAD}), (old, {ANN: WAD - 1}), (new, {ANN: 2 * WAD}))
    tally.drop([old])
    assert (tally.comparisons, len(tally.crossed())) == (2, 0)
    assert tally.refs == (block(1), new)


def test_a_difference_outlives_the_block_it_was_found_at() -> None:
    tally, at = Tally(), block(1)
    tally.add(compared(at, cycles(at, row(ANN, at, WAD)), told({ANN: WAD + 1})))
    tally.drop([at])
    assert len(tally.differences) == 1


def test_a_run_that_keeps_every_promise_is_not_broken() -> None:
    assert GOOD.broken == ()
    assert [str(line) for line in verdict(GOOD)][-1].startswith("EXACT")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"differences": (OFF,)}, "1 mismatches"),
        ({"comparisons": ENOUGH - 1}, "only 499 comparisons"),
        ({"crossed": {"aave_v3": 1, "morpho_blue": 0}}, "no position crossed its line on Morpho Blue"),
        ({"crossed": {"morpho_blue": 1}}, "no position crossed its line on Aave V3"),
        ({"liquidations": 0}, "0 liquidations"),
        ({"reorgs": 0, "replaced": 0}, "0 reorgs of 0 blocks"),
        ({"replaced": 1}, "1 reorgs of 1 blocks"),
        ({"faults": 0}, "0 poisoned replies"),
        ({"kills": 0}, "0 kills"),
        ({"account": replace(TOLD, retractions=0)}, "the reorg took no change back"),
        ({"account": replace(TOLD, gaps=0, unwatched=0)}, "no gap is stored"),
        ({"whole": replace(WHOLE, markets=5)}, "5 markets are followed at the last block, not 6"),
        ({"whole": replace(WHOLE, found=639)}, "639 accounts at risk were found, 640 are"),
        ({"whole": replace(WHOLE, found=0, expected=0)}, "0 accounts at risk were found, 0 are"),
        ({"whole": replace(WHOLE, unexplained=1)}, "1 shares of debt belong to nobody"),
        ({"whole": replace(WHOLE, transitions=187)}, "187 changes in followed markets, 188 were expected"),
        ({"whole": replace(WHOLE, transitions=0, expected_transitions=0)}, "0 changes in followed markets"),
        ({"whole": replace(WHOLE, sound=False)}, "the scan at the end is not sound"),
    ],
)
def test_each_promise_that_is_not_kept_is_said(changed: dict[str, object], said: str) -> None:
    outcome = replace(GOOD, **changed)  # type: ignore[arg-type]
    assert [text[: len(said)] for text in outcome.broken] == [said]
    assert outcome.document()["ok"] is False
    assert [str(line) for line in verdict(outcome)][-1].startswith(f"FAILED: {said}")


def test_a_mismatch_is_told_with_both_figures() -> None:
    assert str(OFF) in [str(line) for line in verdict(replace(GOOD, differences=(OFF,)))]
    assert "is 10, and we say 11" in str(OFF)


def lines() -> tuple[Line, ...]:
    at = block(2)
    fine = Line(
        "ann", "Aave V3.0", row(ANN, at, 2 * WAD), valued(ANN, at, 2 * WAD + WAD // 10), lambda: Fall((), 125_000)
    )
    over = Line("ben", "Aave V3.0", row(BEN, at, WAD - 1), valued(BEN, at, WAD), lambda: Fall((), 0))
    return fine, over, Line("cyd", "Aave V3.0", unread(ANN, at), None, lambda: None)


def test_a_row_says_health_change_and_distance() -> None:
    assert cells(lines()[0])[2:] == ("Aave V3.0", "2.0000", "−0.1000", "−12.50 %", "")


def test_a_row_within_a_hair_of_the_line_shows_on_which_side_it_is() -> None:
    assert cells(lines()[1])[3:] == ("0.999999999999999999", "", "", "LIQUIDATABLE")


def test_what_is_unknown_is_called_so_and_has_no_figures() -> None:
    assert cells(lines()[2])[3:] == ("–", "", "", "UNKNOWN")
    assert record(lines()[2])["health"] is None


def test_the_table_begins_with_the_worst() -> None:
    out = io.StringIO()
    console(out).print(table(lines(), width=100))
    assert [text.split()[0] for text in out.getvalue().splitlines()[2:]] == ["ben", "cyd", "ann"]


def test_crossing_is_said_once_and_in_both_directions() -> None:
    fine, over, unknown = lines()
    assert fine.crossing() is None
    assert unknown.crossing() is None
    assert over.crossing() == "ben on Aave V3.0 CROSSES ITS LINE: health 1.000000000000000000 → 0.999999999999999999"
    back = replace(fine, before=valued(ANN, block(1), WAD - WAD // 2))
    assert back.crossing() == "ann on Aave V3.0 is back: health 0.5000 → 2.0000"


def test_without_npm_it_ends_with_3_and_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(_: object) -> None:
        raise ConfigError("the local chain needs npm, which is not on PATH: install Node.js")

    monkeypatch.setattr("watcher.cli.demo.prepare", missing)
    assert main(["demo", "--quiet"]) == 3
    assert capsys.readouterr().err == "watcher: the local chain needs npm, which is not on PATH: install Node.js\n"


@pytest.mark.parametrize("words", [["--chain", "ethereum"], ["--block", "2h"], ["--chains", "mine.toml"]])
def test_options_about_other_chains_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", *words]) == 2
    assert "demo makes its own chain" in capsys.readouterr().err


def test_sigterm_is_a_keyboard_interrupt_and_only_inside() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), ending_cleanly():
        os.kill(os.getpid(), signal.SIGTERM)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
