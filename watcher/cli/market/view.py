"""One market at one block as it is shown: its rules, and asset by asset what everyone sees. Everything comes from one state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from eth_typing import ChecksumAddress

from watcher.adapter import Makeup, Panel, Price, Rulebook, Weight
from watcher.adapters import adapter
from watcher.chronicle.past import State
from watcher.config import Chain
from watcher.errors import UsageError, WatcherError
from watcher.model import BlockRef, Market, Token
from watcher.oracle.sight import Sight
from watcher.scan.distribution import Distribution


@dataclass(frozen=True, slots=True)
class Asset:
    """One token of a market: what is supplied and borrowed, how far it counts as collateral, its price; None where it has none."""

    token: Token
    panel: Panel | None
    weight: Weight | None  # outside e-modes
    price: Price | None


@dataclass(frozen=True, slots=True)
class View:
    """`modes` are the weights inside e-modes, `stops` what holds the whole market up; `unknown` says what could not be told."""

    chain: Chain
    market: Market
    block: BlockRef
    makeup: Makeup
    rulebook: Rulebook
    assets: tuple[Asset, ...]
    modes: tuple[Weight, ...]
    stops: tuple[str, ...]
    unknown: tuple[str, ...]
    spread: Distribution | None = None
    sight: Sight | None = None

    @property
    def prices(self) -> tuple[Price, ...]:
        return tuple(asset.price for asset in self.assets if asset.price is not None)

    def behind(self, sight: Sight) -> View:
        """The same with what stands behind its prices, and what that speaks against them."""
        assets = (
            asset
            if asset.price is None
            else replace(asset, price=replace(asset.price, doubts=sight.doubts(asset.price)))
            for asset in self.assets
        )
        stops = (*self.stops, *([] if sight.sequencer is None else [sight.sequencer.text]))
        return replace(self, assets=tuple(assets), stops=stops, sight=sight)


def view(chain: Chain, market: Market, state: State) -> View:
    """What the terms and the quote of `state` say. `UsageError` for a protocol whose rules are not written down."""
    of = adapter(market.protocol)
    if of.governance is None or of.makeup is None:
        raise UsageError(f"the rules of {market.protocol} are not written down")
    book = of.governance.rulebook(state.terms)
    panels, failure = _panels(of.panels, state)
    unknown = [] if failure is None else [f"liquidity and rates: {failure}"]
    unknown += [f"{price.token.symbol} has no usable price" for price in state.prices if price.answer is None]
    return View(
        chain=chain,
        market=market,
        block=state.block,
        makeup=of.makeup(state.terms),
        rulebook=book,
        assets=_assets(panels, book, state.prices),
        modes=tuple(weight for weight in book.weights if weight.mode),
        stops=of.governance.stops(state.terms, state.quote),
        unknown=tuple(unknown),
    )


def _panels(panels: Any, state: State) -> tuple[tuple[Panel, ...], str | None]:
    """A rate model that does not answer keeps the rest from nobody."""
    try:
        return panels(state.terms, state.quote), None
    except WatcherError as error:
        return (), str(error)


def _assets(panels: tuple[Panel, ...], book: Rulebook, prices: tuple[Price, ...]) -> tuple[Asset, ...]:
    by_panel: dict[ChecksumAddress, Panel] = {panel.token.address: panel for panel in panels}
    by_weight = {weight.token.address: weight for weight in book.weights if weight.mode == 0}
    by_price = {price.token.address: price for price in prices}
    named = (*(p.token for p in panels), *(w.token for w in book.weights), *(p.token for p in prices))
    tokens = {token.address: token for token in named}
    return tuple(
        Asset(token, by_panel.get(address), by_weight.get(address), by_price.get(address))
        for address, token in tokens.items()
    )
