"""On the line, a unit above and below: `liquidateBorrow` of every pair, simulated by a rich liquidator, succeeds exactly when we say so."""

from __future__ import annotations

from collections.abc import Sequence

from tests.onchain.compound_v2.scene import ADA, BOB, CYD, Scene, View, each_pair, play
from tests.onchain.compound_v2.truth import ALLOWED, REJECTED
from watcher.adapter import Liquidation, Refusal
from watcher.adapters.compound_v2 import ADAPTER
from watcher.localchain import compound_v2_actions as do
from watcher.localchain.compound_v2 import CompoundV2
from watcher.model import Moment, Side

DEBTS, HELD = ("USDC", "ETH", "DAI"), ("WBTC", "DUST", "DAI")
MOVED = "USDC"  # its price is moved: it is owed
START = 500_123_456_789_012 * 10**12


def open_to(view: View, who: str, pair: tuple[str, str], at: Moment, answer: int | None = None) -> bool:
    """Whether we would let this pair be liquidated then, under that price."""
    quote = view.accrued(at=at)
    if answer is not None:
        quote = ADAPTER.reprice(view.terms, quote, {view.token(MOVED): answer})
    found = ADAPTER.liquidation(view.terms, quote, view.holdings[who], *(view.token(symbol) for symbol in pair))
    assert isinstance(found, Liquidation) or found.reason in (
        "INSUFFICIENT_SHORTFALL",
        "INVALID_CLOSE_AMOUNT_REQUESTED",
    )
    return found != Refusal("INSUFFICIENT_SHORTFALL")


def line_of(view: View, who: str, pair: tuple[str, str], at: Moment) -> int:
    """The lowest price of what is owed at which the pair is open."""
    low, high = 1, 4 * START
    assert open_to(view, who, pair, at, high) and not open_to(view, who, pair, at, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if open_to(view, who, pair, at, middle) else (middle, high)
    return high


async def held_to(scene: Scene, view: View, who: str, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bool]:
    """Our word on each pair at the view's block, after Compound has said the same."""
    ours = {pair: open_to(view, who, pair, view.block) for pair in pairs}
    verdicts = await scene.truth.liquidations(who, pairs, 1, view.block.number)
    assert verdicts == [ALLOWED if ours[pair] else REJECTED for pair in pairs]
    return ours


async def owing(scene: Scene, who: str, extra: int = 0) -> None:
    """Three collaterals against three debts, the markets touched at different times."""
    await scene.open_position(
        who,
        {"WBTC": 3 * 10**8 + 1, "DUST": 10**27 + 7, "DAI": 10_000 * 10**18},
        {"USDC": 60_000 * 10**6 + extra, "ETH": 10**19, "DAI": 9_000 * 10**18},
    )


def test_one_unit_of_the_oracle_decides_for_us_and_for_compound_on_every_pair(world: CompoundV2) -> None:
    async def story(scene: Scene) -> None:
        await owing(scene, ADA)
        await world.chain.mine(30)
        pairs = each_pair(DEBTS, HELD)
        divided = 0
        for number, pair in enumerate(pairs):
            if number % 3 == 1:  # others see this one up to date now
                await do.touch(world, pair[0])
            for offset in (-1, 0, 1):
                at = await scene.next_moment()
                line = line_of(await scene.view(ADA), ADA, pair, at)
                await do.set_price(world, MOVED, line + offset)
                view = await scene.view(ADA)
                assert view.block.number == at.number
                ours = await held_to(scene, view, ADA, pairs)
                assert ours[pair] is (offset >= 0)
                divided += len(set(ours.values())) > 1
        assert divided  # one pair may be open while another is not

    play(world, story)


def test_one_raw_unit_of_debt_decides_too(world: CompoundV2) -> None:
    """Ada owes what her collateral just carries, Bob a unit more and Cyd a unit less."""

    async def story(scene: Scene) -> None:
        for who, extra in ((ADA, 0), (BOB, 1), (CYD, -1)):
            await owing(scene, who, extra)
        for pair in each_pair(DEBTS, HELD):
            at = await scene.next_moment()
            line = line_of(await scene.view(ADA), ADA, pair, at)
            await do.set_price(world, MOVED, line - 1)
            view = await scene.view(ADA, BOB, CYD)
            found = [(await held_to(scene, view, who, [pair]))[pair] for who in (CYD, ADA, BOB)]
            assert found[0] is found[1] is False
            assert found == sorted(found)

    play(world, story)


def test_equality_is_healthy(newest: CompoundV2) -> None:
    """Both sums can be made the very same integer, and one unit of the oracle more is a shortfall."""

    async def story(scene: Scene) -> None:
        await scene.open_position(ADA, {"ETH": 10**18}, {"USDC": 10**9})
        pair = ("USDC", "ETH")
        view = await scene.view(ADA)
        found: list[tuple[int, bool]] = []
        for _ in range(2):
            at = await scene.next_moment()
            quote = view.accrued(view.tokens(*pair), at)
            weighted = ADAPTER.value(view.terms, quote, view.holdings[ADA]).line.weighted
            (owed,) = (
                leg.amount for leg in ADAPTER.value(view.terms, quote, view.holdings[ADA]).legs if leg.side is Side.DEBT
            )
            answer = -(-weighted * 10**18 // owed)  # the lowest whose debt is worth as much
            answer += len(found) * (10**18 // owed + 1)
            await do.set_price(newest, "USDC", answer)
            view = await scene.view(ADA)
            opened = (await held_to(scene, view, ADA, [pair]))[pair]
            line = view.value(ADA, view.tokens(*pair)).line
            found.append((line.owed - line.weighted, opened))
        assert found[0] == (0, False)
        assert found[1][0] > 0 and found[1][1]

    play(newest, story)
