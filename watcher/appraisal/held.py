"""A position as risk sees it: what it holds and owes by asset, in which money, and at which thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Price
from watcher.appraisal.asset import DOLLAR, Asset, bases
from watcher.config.chain import Chain
from watcher.cycle import Row
from watcher.model import Leg, Side, Token, Valuation
from watcher.oracle.dollar import Rate
from watcher.oracle.path import Product, Quotient, RatioCap, Step
from watcher.oracle.sight import Sight
from watcher.risk.drive import Feed
from watcher.risk.exposure import Exposure, Floats
from watcher.risk.owner import Pool
from watcher.units import RAY

FAR: Final = 0.01  # between the line's own health and that of its parts: beyond it, the line is not a sum of them


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """`legs` are collateral and debt with their assets; deposits that protect nothing are in no margin.

    `each` is what one integer of a value is worth in US dollars, None for the reason `unpriced`: money is then in the position's own
    unit and in no sum. `unit` is the asset that the market counts in, None for dollars; `lost` is why the position cannot be appraised.
    """

    row: Row
    valuation: Valuation
    legs: tuple[tuple[Asset, Leg], ...]
    each: float | None
    unit: Asset | None
    unpriced: str | None = None
    lost: str | None = None

    @property
    def name(self) -> str:
        return self.row.market.name

    @property
    def account(self) -> ChecksumAddress:
        return to_checksum_address(self.row.reading.key.key[:20])

    @property
    def owes(self) -> bool:
        return self.valuation.health is not None

    @property
    def money(self) -> str:
        """What its figures are in."""
        return DOLLAR if self.each is not None else self.valuation.unit.symbol

    @property
    def scale(self) -> float:
        """Money per integer of a value."""
        return float(10**-self.valuation.unit.decimals) if self.each is None else self.each

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Every asset whose price decides over it."""
        held = dict.fromkeys(asset for asset, _ in self.legs)
        return tuple(held if self.unit is None else held | {self.unit: None})

    def exposure(self, assets: Sequence[Asset] | None = None) -> Exposure:
        """Over its own assets, or over `assets`. Thresholds are scaled so that health is the contract's own at the present prices."""
        over = tuple(dict.fromkeys(asset for asset, _ in self.legs)) if assets is None else tuple(assets)
        held, owed = self._values(over, Side.COLLATERAL), self._values(over, Side.DEBT)
        fit, scale = self._fit(), self.valuation.scale
        weighted = self._values(over, Side.COLLATERAL, lambda leg: leg.threshold / scale)
        limit = self._values(over, Side.COLLATERAL, lambda leg: leg.ltv / scale)
        return Exposure(
            tuple(one.token.symbol for one in over), held, owed, fit * _over(weighted, held), _over(limit, held)
        )

    def pool(self, assets: Sequence[Asset], lag: float) -> Pool:
        seen = self.exposure(assets)
        earned = self._values(assets, Side.COLLATERAL, lambda leg: leg.rate / RAY)
        paid = self._values(assets, Side.DEBT, lambda leg: leg.rate / RAY)
        return Pool(
            self.name,
            seen.collateral,
            seen.debt,
            seen.threshold,
            _over(earned, seen.collateral),
            _over(paid, seen.debt),
            lag,
            None if self.unit is None or self.each is not None else list(assets).index(self.unit),
        )

    def _values(self, assets: Sequence[Asset], side: Side, part: Callable[[Leg], float] = lambda leg: 1.0) -> Floats:
        found = np.zeros(len(assets))
        place = {asset: number for number, asset in enumerate(assets)}
        for asset, leg in self.legs:
            if leg.side is side:
                found[place[asset]] += leg.value * self.scale * part(leg)
        return found

    def _fit(self) -> float:
        """The contract's own health over that of its parts: truncated averages and roundings, a matter of 1e-4 at most."""
        line, parts = self.valuation.line, fit(self.valuation)
        return 1.0 if parts is None or not line.owed else line.weighted / line.owed / parts


def fit(valuation: Valuation) -> float | None:
    """Σ threshold · collateral over Σ debt; None where either is nothing."""
    weighted = sum(leg.value * leg.threshold for leg in valuation.legs if leg.side is Side.COLLATERAL)
    owed = sum(leg.value for leg in valuation.legs if leg.side is Side.DEBT) * valuation.scale
    return weighted / owed if weighted and owed else None


def _over(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def held(row: Row, chain: Chain, rate: Rate, prices: Iterable[Price], sight: Sight | None) -> Held | None:
    """None for a position that is unknown, or that holds and owes nothing."""
    seen = row.reading.valuation
    if seen is None:
        return None
    legs = [leg for leg in seen.legs if leg.side is not Side.DEPOSIT and leg.amount]
    if not legs:
        return None
    feeds = _feeds(legs, prices, sight)
    found = tuple((Asset(chain.id, leg.token, feeds.get(leg.token.address)), leg) for leg in legs)
    unit = _unit(row, chain, seen, found)
    each = None if rate.each is None else float(rate.each)
    made = Held(row, seen, found, each, unit if isinstance(unit, Asset) else None, rate.reason)
    return replace(made, lost=unit if isinstance(unit, str) else _apart(seen))


def _apart(seen: Valuation) -> str | None:
    parts = fit(seen)
    if parts is None or not seen.line.owed or abs(seen.line.weighted / seen.line.owed / parts - 1) < FAR:
        return None
    return "its line is not the sum of what it holds and owes: prices alone do not tell where it is"


def _unit(row: Row, chain: Chain, seen: Valuation, legs: Sequence[tuple[Asset, Leg]]) -> Asset | str | None:
    """The asset that the market's prices are in, None for dollars, or why it is not known."""
    of = row.position.adapter
    money = None if of.money is None else of.money(row.position.terms)
    if money is not None:
        own = next((asset for asset, _ in legs if asset.token.address == money), None)
        return own or Asset(chain.id, Token(money, seen.unit.symbol, seen.unit.decimals))
    if seen.unit.symbol == DOLLAR:
        return None
    base = next((address for number, address in bases(seen.unit.symbol, (chain,)) if number == chain.id), None)
    if base is None:
        return f"its prices are in {seen.unit.symbol}, and no group of that name says what that is"
    return Asset(chain.id, Token(base, seen.unit.symbol, seen.unit.decimals), Feed.MARKET)


def _feeds(legs: Sequence[Leg], prices: Iterable[Price], sight: Sight | None) -> dict[ChecksumAddress, Feed]:
    """What the oracle's price of each token follows, as far as what stands behind it was read."""
    found: dict[ChecksumAddress, Feed] = {}
    for price in prices:
        path = None if sight is None else sight.paths.get(price.source)
        if path is None:
            continue
        found[price.token.address] = feed_of(path)
        if isinstance(path.rule, Quotient):  # one price of collateral in debt: it tells of both
            quoted = len(path.below) > path.rule.bases
            others = (leg.token.address for leg in legs if leg.side is Side.DEBT)
            found |= {address: Feed.MARKET if quoted else Feed.RATE for address in others if address not in found}
    return found


def feed_of(path: Step) -> Feed:
    """RATE where a redemption rate or a vault stands in for what the token trades at."""
    for step in path.walk():
        match step.rule:
            case RatioCap():
                return Feed.RATE
            case Product(provider) if provider is not None:
                return Feed.RATE
            case Quotient() as rule if rule.base_vault is not None or (step is path and not rule.bases):
                return Feed.RATE
    return Feed.MARKET
