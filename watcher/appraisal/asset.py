"""A token whose price moves a position, and what its past may be looked up by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from watcher.config.chain import Chain
from watcher.config.risk import Assumed
from watcher.model import Token
from watcher.prices.pair import token as name_of
from watcher.risk.drive import STABLE, STAKED, Depeg, Feed

DOLLAR: Final = "USD"
PEGS: Final[Mapping[str, Depeg]] = {DOLLAR: STABLE, "ETH": STAKED}
BY_NAME: Final = {"stable": STABLE, "staked": STAKED}

Chained = tuple[str, ...]  # pairs whose log prices add up: a token in ETH, and ETH in dollars


@dataclass(frozen=True, slots=True)
class Asset:
    """`feed` is what the oracle's price of it follows, None where nobody could tell: it is then taken for a market price, which sees a
    lost peg. The same token is two assets where two markets read it by different feeds.
    """

    chain: int
    token: Token
    feed: Feed | None = None

    @property
    def name(self) -> str:
        """By chain and address: symbols are labels that anybody may take."""
        return name_of(self.chain, self.token.address)


@dataclass(frozen=True, slots=True)
class Lead:
    """What an asset is to follow: the first of `pasts` that is long enough, or nothing but a peg where `pasts` is empty.

    `own` says that the past is the asset's own, so that one that is too short may still tell how it moved beside others.
    """

    asset: Asset
    pasts: tuple[Chained, ...]
    beta: float = 1.0
    residual: float = 0.0
    depeg: Depeg | None = None
    own: bool = False


def leads(assets: Sequence[Asset], chains: Sequence[Chain], assumed: Sequence[Assumed]) -> tuple[Lead, ...]:
    """What the configuration says of each asset; else its group's base; else its own past."""
    said = {name_of(one.chain, one.token): one for one in assumed}
    return tuple(_lead(asset, chains, said.get(asset.name)) for asset in assets)


def _lead(asset: Asset, chains: Sequence[Chain], said: Assumed | None) -> Lead:
    if said is not None:
        feed = asset.feed if said.feed is None else Feed(said.feed)
        pasts = () if said.factor is None else ((said.factor,),)
        depeg = None if said.peg is None else BY_NAME[said.peg]
        return Lead(Asset(asset.chain, asset.token, feed), pasts, said.beta, said.residual, depeg)
    group = group_of(asset, chains)
    if group is None:
        return Lead(asset, tuple(_own(asset.name, asset.chain, chains)), own=True)
    if group == DOLLAR:
        return Lead(asset, (), depeg=STABLE)
    base = any(asset.token.address == address for _, address in bases(group, chains))
    return Lead(asset, common(group, chains), depeg=None if base else PEGS.get(group))


def group_of(asset: Asset, chains: Sequence[Chain]) -> str | None:
    """The correlated group that the asset is declared in, on its own chain."""
    found = (group for chain in chains if chain.id == asset.chain for group in chain.groups)
    return next((group.name for group in found if asset.token.address in group.tokens), None)


def common(group: str, chains: Sequence[Chain]) -> tuple[Chained, ...]:
    """The pasts of a group's base: the same for every chain, so that one coin is one factor."""
    return (
        *((f"{name_of(chain, address)}/{DOLLAR}",) for chain, address in bases(group, chains)),
        (f"{group}/{DOLLAR}",),
    )


def bases(group: str, chains: Sequence[Chain]) -> list[tuple[int, ChecksumAddress]]:
    """Its first token on every chain that has it."""
    return [(chain.id, one.tokens[0]) for chain in chains for one in chain.groups if one.name == group and one.tokens]


def _own(name: str, chain: int, chains: Sequence[Chain]) -> Iterator[Chained]:
    """In dollars, in a stablecoin of its chain (what a market of the two quotes), or in ETH."""
    yield (f"{name}/{DOLLAR}",)
    stable = [one for here in chains if here.id == chain for one in here.groups if one.name == DOLLAR]
    yield from ((f"{name}/{name_of(chain, address)}",) for group in stable for address in group.tokens)
    yield from ((f"{name}/ETH", *ether) for ether in common("ETH", chains))
