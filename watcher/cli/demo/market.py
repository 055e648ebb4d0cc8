"""A followed market out of the store beside the contracts' own word about all its accounts: who is at risk, and is anybody missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watcher.cli.account.bands import usual
from watcher.cli.demo.difference import Difference
from watcher.cli.scan import chooser
from watcher.config import Chain
from watcher.errors import WatcherError
from watcher.following.followed import Followed
from watcher.following.proof import covered
from watcher.model import BlockRef, Market, PositionKey
from watcher.scan.risk import Risk, risk
from watcher.units import WAD, Wad

if TYPE_CHECKING:
    from watcher.localchain.stage.margin import Margin
    from watcher.localchain.stage.truth import Told

AT_RISK: Final = Wad(WAD * 11 // 10)  # as `watcher scan` asks where nothing else is said
SHOWN: Final = 3  # of the lines that a scan counts at: 1, 1.05, 1.1

Healths = Mapping[PositionKey, int]


@dataclass(frozen=True, slots=True)
class Looked:
    """One market at one block. `below` counts accounts under 1, 1.05 and 1.1; `found` are at risk by the book, `expected` by the contracts.

    `unexplained` are shares of debt that nobody in the book owes, or that it owes too much.
    """

    market: str
    label: str
    block: BlockRef
    accounts: int  # that owe, by the contracts
    below: tuple[int, ...]
    found: int
    expected: int
    unexplained: int
    differences: tuple[Difference, ...] = ()


def looked(one: Followed, chain: Chain, told: Told) -> Looked:
    """The book as it stands, by what `watcher scan` is made of, and every difference by name."""
    quote = one.accrued()
    policy = usual(chain)
    seen = risk(one.book, quote, AT_RISK, policy.groups, chooser(policy, one.market))
    truth = {
        key: margin
        for key, margin in {**told.margins, **told.crowd}.items()
        if key.market == one.market.name and margin.health is not None
    }
    healths = {key: int(margin.health * WAD) for key, margin in truth.items() if margin.health is not None}
    risky = {key: wad for key, wad in healths.items() if wad < AT_RISK}
    listed = {each.key: int(each.valuation.health or 0) for each in seen.accounts}
    proof = covered(one)
    return Looked(
        market=one.market.name,
        label=label(chain, one.market),
        block=one.block,
        accounts=len(truth),
        below=tuple(tier.all[0] for tier in seen.tiers[:SHOWN]),
        found=len(listed),
        expected=len(risky),
        unexplained=sum(abs(column.unexplained) for column in proof.debts),
        differences=(
            *_apart(one.block, "health in the book", valued(one), healths),
            *_apart(one.block, "health in the list of those at risk", listed, risky),
            *_lines(one, seen, truth, healths),
        ),
    )


def label(chain: Chain, market: Market) -> str:
    """What a market is called in the tables."""
    name = chain.note(market.name).label
    return name if market.protocol == "aave_v3" else f"Morpho {name}"


def valued(one: Followed) -> dict[PositionKey, int | str]:
    """The health of everybody who owes, in exact integers; why, where it cannot be told."""
    quote, found = one.accrued(), dict[PositionKey, int | str]()
    for key, held in one.book.holdings():
        try:
            health = one.of.value(one.terms, quote, held).health
        except WatcherError as error:  # around one position
            found[key] = str(error)
            continue
        if health is not None:
            found[key] = int(health)
    return found


def _apart(block: BlockRef, what: str, ours: Mapping[PositionKey, int | str], theirs: Healths) -> Iterator[Difference]:
    for key in ours.keys() | theirs.keys():
        if ours.get(key) != theirs.get(key):
            yield Difference(block.number, key.market, key, what, ours.get(key, "not there"), theirs.get(key, "none"))


def _lines(one: Followed, seen: Risk, truth: Mapping[PositionKey, Margin], healths: Healths) -> Iterator[Difference]:
    """How many are below each line, and the contracts' own verdict about those at risk."""
    number, name = one.block.number, one.market.name
    for tier in seen.tiers:
        below = sum(wad < tier.line for wad in healths.values())
        if tier.all[0] != below:
            yield Difference(number, name, None, f"accounts below {tier.line}", tier.all[0], below)
    for each in seen.accounts:
        margin = truth.get(each.key)
        ours = each.valuation.liquidatable
        if margin is not None and ours != margin.liquidatable:
            yield Difference(number, name, each.key, "liquidatable in the list", ours, margin.liquidatable)
