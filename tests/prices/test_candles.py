"""Two exchanges as they behave and as they misbehave, on a loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from tests.prices.exchange import HOUR, Told, exchange
from watcher.errors import EndpointError, Lying, RateLimited, Refused, Transient, UsageError
from watcher.prices.candles import BINANCE, COINBASE, EXCHANGES, Closes, Exchange
from watcher.prices.fetch import Web, web
from watcher.prices.origin import Cost
from watcher.prices.pair import parsed

START = 1_700_006_400  # an hour's beginning
ETH = parsed("ETH/USD")
CLOSES = {START + hour * HOUR: f"{2000 + hour}.{hour % 100:02d}000000" for hour in range(1500)}
BOTH = pytest.mark.parametrize("one", EXCHANGES.values(), ids=lambda one: one.name)


@dataclass
class Run:
    """One source against the loopback server; the waits that were asked for are kept and not waited."""

    told: Told
    waits: list[float] = field(default_factory=list)
    steps: list[tuple[int, int]] = field(default_factory=list)

    def marks(
        self, one: Exchange, first: int, end: int, pair: str = "ETH/USD", patience: float = 20
    ) -> list[tuple[int, int]]:
        async def asked() -> list[tuple[int, int]]:
            async with web(allow_private=True) as client:
                patient: Web = replace(client, sleep=self._sleep, patience=patience)
                closes = Closes(patient, one, parsed(pair), self.told.url)
                return list(await closes.marks(first, end, lambda done, of: self.steps.append((done, of))))

        return asyncio.run(asked())

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def run() -> Iterator[Run]:
    with exchange(dict(CLOSES)) as told:
        yield Run(told)


def expected(first: int, end: int) -> list[tuple[int, int]]:
    """A close is known when its hour is over."""
    return [
        (opened + HOUR, int(text.replace(".", "")) * 10**10)
        for opened, text in CLOSES.items()
        if first <= opened + HOUR < end
    ]


@BOTH
def test_closes_of_a_span_are_exact_and_stand_at_the_end_of_their_hour(run: Run, one: Exchange) -> None:
    first, end = START + HOUR, START + 1400 * HOUR + 5
    assert run.marks(one, first, end) == expected(first, end)
    requests = -(-1400 // one.most)
    assert len(run.told.asked) == requests
    assert run.steps[-1] == (requests, requests)


@BOTH
def test_what_a_sync_costs_is_known_without_asking(run: Run, one: Exchange) -> None:
    async def cost() -> Cost:
        async with web() as client:
            return await Closes(client, one, ETH).cost(START, START + 1400 * HOUR)

    assert asyncio.run(cost()) == Cost(-(-1400 // one.most), 1400)
    assert run.told.asked == []


@BOTH
def test_hours_without_a_candle_stay_empty(run: Run, one: Exchange) -> None:
    for hour in (3, 4, 5):
        del run.told.closes[START + hour * HOUR]
    times = [time for time, _ in run.marks(one, START, START + 10 * HOUR)]
    assert times == [START + hour * HOUR for hour in (1, 2, 3, 7, 8, 9)]


@BOTH
def test_an_hour_that_is_not_over_has_no_close(run: Run, one: Exchange) -> None:
    assert [time for time, _ in run.marks(one, START, START + 2 * HOUR)] == [START + HOUR]
    assert run.marks(one, START + HOUR + 1, START + 2 * HOUR) == []


@BOTH
def test_too_many_requests_are_waited_out_as_long_as_the_server_says(run: Run, one: Exchange) -> None:
    run.told.answers = [(429, {"Retry-After": "7"}, ""), (429, {"Retry-After": "soon"}, "")]
    assert len(run.marks(one, START, START + 10 * HOUR)) == 9
    assert run.waits == [7, 2]


@BOTH
def test_too_many_requests_for_good_are_an_error(run: Run, one: Exchange) -> None:
    run.told.answers = [(429, {"Retry-After": "1"}, "")] * 3
    with pytest.raises(RateLimited, match=f"{one.name}: too many requests"):
        run.marks(one, START, START + 10 * HOUR)
    run.told.answers = [(418, {"Retry-After": "86400"}, "")]
    with pytest.raises(RateLimited):
        run.marks(one, START, START + 10 * HOUR)
    assert run.waits == [1, 1]  # a day is not waited for


@BOTH
def test_a_pair_that_the_exchange_does_not_have_is_refused_with_its_own_word(run: Run, one: Exchange) -> None:
    with pytest.raises(Refused, match="Invalid symbol" if one is BINANCE else "NotFound"):
        run.marks(one, START, START + HOUR + 1, "NOSUCH/USD")
    assert len(run.told.asked) == 1


def test_a_token_has_no_name_on_an_exchange() -> None:
    async def made() -> None:
        async with web() as client:
            Closes(client, COINBASE, parsed(f"1:0x{'a1' * 20}/USD"))

    with pytest.raises(UsageError, match="name a pair as ETH/USD"):
        asyncio.run(made())


LATE = f'[[{START * 1000 + 1},"1","1","1","1"]]'
GARBAGE = {
    "<html>": Transient,
    '{"a":1}': Lying,
    "[1,2]": Lying,
    "[[]]": Lying,
    f'[[{START * 1000},"1","2"]]': Lying,
    f'[[{START * 1000},"1","9","1","NaN"]]': Lying,
    f'[[{START * 1000},"1","9","1","-1"]]': Lying,
    f'[[{START * 1000},"1","9","1","10"]]': Lying,
    f'[[{START * 1000},"1","9","1",true]]': Lying,
    f'[[{START * 1000},"1","1","1","{"9" * 60}"]]': Lying,
    f'[[{START * 1000},"1","1","1","1"],[{START * 1000},"1","1","1","2"]]': Lying,
    f'[[{(START + 5) * 1000},"1","1","1","1"]]': Lying,
    LATE: Lying,
}


@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_is_never_a_price(run: Run, body: str) -> None:
    run.told.answers = [(200, {}, body)] * 3
    with pytest.raises(GARBAGE[body]):
        run.marks(BINANCE, START + HOUR, START + 2 * HOUR)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((500, {}, "oops"), Transient),
        ((302, {"Location": "http://169.254.169.254/"}, ""), Refused),
        ((403, {}, "no"), Refused),
        ((200, {}, " " * 2_000_001), Refused),
    ],
    ids=["server error", "redirect", "forbidden", "too long"],
)
def test_other_answers_are_errors_and_show_no_url(
    run: Run, answer: tuple[int, dict[str, str], str], error: type[EndpointError]
) -> None:
    run.told.answers = [answer] * 3
    with pytest.raises(error) as raised:
        run.marks(COINBASE, START + HOUR, START + 2 * HOUR)
    assert "http" not in str(raised.value)


def test_names_that_lead_to_this_machine_are_not_followed(run: Run) -> None:
    async def asked() -> None:
        async with web() as client:
            await replace(client, sleep=run._sleep).get("inner", f"http://localhost:{run.told.port}/", {})

    with pytest.raises(Transient):
        asyncio.run(asked())
    assert run.told.asked == []
