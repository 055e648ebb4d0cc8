"""A whole market through endpoints that forget, cap, limit or keep silent: everybody is found, or it is said where somebody may not be."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.survey.town import HEAD, START, Deed, Desk, Town, deeds, line
from watcher.adapters import adapter
from watcher.chain.abi import event
from watcher.chain.logs import START as WINDOW
from watcher.errors import ChainError
from watcher.survey.fill import WAVE, Standing
from watcher.survey.open import Opened, Step, open_market


def opened(town: Town, *desks: Desk, **options: Any) -> Opened[Any, Any, Any]:
    return asyncio.run(open_market(line(town, *desks), town.market, **options))


def whole(town: Town, found: Opened[Any, Any, Any]) -> bool:
    """Whether the book is everybody who had borrowed by its block, with what they held there."""
    return dict(found.holdings) == town.truth(found.block.number) and found.coverage.exact and not found.again


def asked(desk: Desk, name: str) -> list[dict[str, Any]]:
    """The log filters that name this event, but for the last blocks."""
    topic, near = f"0x{event(f'morpho_blue/morpho.{name}').topic.hex()}", HEAD - 100
    filters = [params[0] for method, params in desk.asked if method == "eth_getLogs"]
    filters = [one for one in filters if "fromBlock" in one and topic in one["topics"][0]]
    return [one for one in filters if int(one["fromBlock"], 16) < near]


def spans(desk: Desk) -> list[tuple[int, int]]:
    """The blocks of these filters for debts."""
    return [(int(one["fromBlock"], 16), int(one["toBlock"], 16)) for one in asked(desk, "Borrow")]


def pinned(desk: Desk) -> set[int]:
    """The blocks whose state was asked for."""
    return {int(p[1]["blockHash"][-32:], 16) for m, p in desk.asked if m == "eth_call"}


def town(count: int = 400, each: int = 3, pace: float = 0.1) -> Town:
    return Town(deeds(count, each), pace=pace)


def of(who: bytes, after: int = 0) -> Any:
    """Drops the logs of one account after a block."""
    return lambda log: who.hex() in log["topics"][-1] and int(log["blockNumber"], 16) > after


@pytest.mark.slow
class TestLimits:
    @pytest.mark.parametrize("span", [None, 1_500])
    def test_state_of_128_blocks_ten_thousand_results_and_ten_requests_a_second(self, span: int | None) -> None:
        here = Town(deeds(2_500, 6), pace=0.04)
        desk = Desk(here, rate=10, span=span)
        steps: list[Step] = []
        found = opened(here, desk, tell=steps.append)
        assert whole(here, found)
        assert desk.refused > 0
        assert max(pinned(desk)) - min(pinned(desk)) > 128
        assert {step.of for step in steps} == {"blocks", "accounts"} and steps[-1].done == steps[-1].total

    def test_a_wave_that_lasts_longer_than_state_is_kept_is_made_smaller(self) -> None:
        here = Town(deeds(2_500, 2), pace=0.01)
        desk = Desk(here, keeps=48, delay=0.1)
        standing = Standing(adapter("morpho_blue"), here.market, here.terms)
        asyncio.run(standing.fill(line(here, desk), [here.key(who) for who in here.held]))
        assert standing.held.keys() == {here.key(who) for who in here.held}
        assert all(held.borrow_shares == here.owed(key.key, at.number) for key, (held, at) in standing.held.items())
        assert standing.wave < WAVE

    def test_more_than_ten_thousand_logs_in_few_blocks(self) -> None:
        few = deeds(200, 3)
        crowd = [deed.who for deed in few[:200]]
        burst = [Deed(30_000 + n % 20, crowd[n % 200], 1 + n) for n in range(12_000)]
        busy = Town(sorted([*few, *burst], key=lambda deed: deed.block))
        desk = Desk(busy)
        assert whole(busy, opened(busy, desk))
        assert any(last - first < WINDOW // 4 for first, last in spans(desk) if first <= 30_010 <= last)


class TestFaults:
    def test_logs_that_come_twice_and_in_disorder_count_once(self) -> None:
        here = town()
        assert whole(here, opened(here, Desk(here, twice=True)))

    def test_a_pruned_endpoint_is_not_asked_and_another_is(self) -> None:
        here = town()
        pruned, good = Desk(here, pruned=HEAD - 20_000), Desk(here)
        assert whole(here, opened(here, pruned, good))
        assert not [params for params in asked(pruned, "Borrow") if params["fromBlock"] != params["toBlock"]]

    @pytest.mark.parametrize("pruned", [START + 100, HEAD - 20_000, HEAD])
    def test_where_all_are_pruned_nothing_is_opened(self, pruned: int) -> None:
        here = town()
        with pytest.raises(ChainError, match=r"desk 1.*desk 2.*--rpc URL"):
            opened(here, Desk(here, pruned=pruned), Desk(here, pruned=pruned + 1))

    def test_one_that_forgets_while_it_is_asked_is_left_and_its_piece_read_elsewhere(self) -> None:
        here = town(2_000, 3)
        tired, good = Desk(here), Desk(here, rate=10)

        def tell(step: Step) -> None:
            if step.of == "blocks" and step.done > 20_000:
                tired.pruned = HEAD

        assert whole(here, opened(here, tired, good, tell=tell))

    def test_one_that_is_behind_is_waited_for_or_passed_over(self) -> None:
        here = town()
        assert whole(here, opened(here, Desk(here, lag=30), Desk(here)))

    def test_an_account_that_one_endpoint_keeps_back_is_found_through_another(self) -> None:
        here = town()
        liar, good = Desk(here), Desk(here, rate=10)
        silent = {deed.who.hex() for deed in here.deeds[5:900:7]}
        liar.drops = lambda log: any(who in log["topics"][-1] for who in silent)
        found = opened(here, liar, good)
        assert whole(here, found)

    def test_where_nobody_gives_a_log_the_blocks_are_named_in_which_debt_is_unexplained(self) -> None:
        here = town()
        deed = next(deed for deed in here.deeds if deed.block > 30_000 and here.held[deed.who][1][0] == deed.block)
        found = opened(here, Desk(here, drops=of(deed.who), keeps=None))
        assert not found.coverage.exact
        assert sum(one.unexplained for one in found.coverage.debts) == here.owed(deed.who, found.block.number)
        ((first, last),) = found.again
        assert first <= deed.block <= last < first + WINDOW
        assert found.holdings.keys() == here.truth(found.block.number).keys() - {here.key(deed.who)}

    def test_without_an_archive_all_searched_blocks_are_named(self) -> None:
        here = town()
        found = opened(here, Desk(here, drops=of(here.deeds[40].who)))
        ((first, last),) = found.again
        assert (first, last - first > 50_000) == (START, True)
