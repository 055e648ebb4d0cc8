"""What kind of price source a contract is, told by the getters that it answers, and the rule it computes its answer by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from eth_typing import ChecksumAddress

from watcher.oracle.feed import NOBODY
from watcher.oracle.path import (
    SCALING,
    Average,
    Discount,
    PeggedCap,
    Product,
    Quotient,
    RatioCap,
    Rule,
    Scaled,
    StableCap,
    Step,
)

GETTERS: Final = (
    *(
        f"chainlink/feed.{name}"
        for name in ("description", "decimals", "latestAnswer", "latestRoundData", "aggregator")
    ),
    *(
        f"chainlink/cap.{name}"
        for name in (
            "BASE_TO_USD_AGGREGATOR",
            "ASSET_TO_USD_AGGREGATOR",
            "RATIO_PROVIDER",
            "getRatio",
            "RATIO_DECIMALS",
            "getSnapshotRatio",
            "getSnapshotTimestamp",
            "getMaxRatioGrowthPerSecondScaled",
            "getMaxRatioGrowthPerSecond",
            "getPriceCap",
            "getPriceCapRatio",
        )
    ),
    *(
        f"morpho_blue/oracle.{name}"
        for name in (
            "price",
            "SCALE_FACTOR",
            "VAULT",
            "VAULT_CONVERSION_SAMPLE",
            "BASE_VAULT",
            "BASE_VAULT_CONVERSION_SAMPLE",
            "BASE_FEED_1",
            "BASE_FEED_2",
            "QUOTE_VAULT",
            "QUOTE_VAULT_CONVERSION_SAMPLE",
            "QUOTE_FEED_1",
            "QUOTE_FEED_2",
        )
    ),
    *(
        f"chainlink/compound_cap.{name}"
        for name in (
            "assetToBaseAggregator",
            "ratioProvider",
            "ratioDecimals",
            "snapshotRatio",
            "snapshotTimestamp",
            "maxRatioGrowthPerSecond",
            "GROWTH_RATIO_SCALE",
        )
    ),
    *(f"chainlink/discount.{name}" for name in ("PENDLE_PRINCIPAL_TOKEN", "MATURITY", "discountRatePerYear")),
    *(
        f"chainlink/made.{name}"
        for name in (
            "ASSET_TO_PEG",
            "PEG_TO_BASE",
            "priceFeedA",
            "priceFeedB",
            "underlyingPriceFeed",
            "rateProvider",
            "price_oracle",
            "ma_exp_time",
            "combinedScale",
            "priceFeedScale",
            "priceFeedAScale",
            "priceFeedBScale",
            "WBTCToBTCPriceFeed",
            "BTCToUSDPriceFeed",
            "stETHtoETHPriceFeed",
        )
    ),
)


BASES: Final = ("BASE_FEED_1", "BASE_FEED_2")
QUOTES: Final = ("QUOTE_FEED_1", "QUOTE_FEED_2")
AAVE: Final = ("RATIO_PROVIDER", "getRatio", "getSnapshotRatio", "getSnapshotTimestamp", "RATIO_DECIMALS")
COMPOUND: Final = (
    "ratioProvider",
    "getRatio",
    "snapshotRatio",
    "snapshotTimestamp",
    "ratioDecimals",
    "maxRatioGrowthPerSecond",
    "GROWTH_RATIO_SCALE",
)
Rates: TypeAlias = Mapping[tuple[ChecksumAddress, int], int]  # assets, by vault and shares


@dataclass(frozen=True, slots=True)
class Found:
    """What one source answered to `GETTERS`, by the name of the function; what it did not answer is not there."""

    source: ChecksumAddress
    said: Mapping[str, Any]

    def has(self, *names: str) -> bool:
        return all(name in self.said for name in names)

    def feeds(self, *names: str) -> tuple[ChecksumAddress, ...]:
        """The addresses that some of its getters name, without those that name nobody."""
        return tuple(self.said[name] for name in names if self.said.get(name, NOBODY) != NOBODY)


def found(source: ChecksumAddress, rows: Sequence[tuple[Any, ...] | None]) -> Found:
    """A source by the rows that it answered, in the order of `GETTERS`."""
    said: dict[str, Any] = {}
    for name, row in zip(GETTERS, rows, strict=True):
        if row is not None:
            said[name.rpartition(".")[2]] = row if name.endswith("latestRoundData") else row[0]
    return Found(source, said)


def plain(found: Found) -> Step:
    """The source as a step of its own, without what it stands upon."""
    said, round_ = found.said, found.said.get("latestRoundData")
    timed = round_ if round_ is not None and (round_[3] or round_[0]) else None  # all zero: a source that has no rounds
    answers = (said.get("latestAnswer"), None if round_ is None else round_[1], said.get("price"))
    inner = found.feeds("aggregator")
    return Step(
        source=found.source,
        description=said.get("description") or found.source,
        answer=next((answer for answer in answers if answer is not None), None),
        decimals=said.get("decimals"),
        updated=None if timed is None else timed[3],
        aggregator=inner[0] if inner and inner[0] != found.source else None,
    )


def parts(found: Found, rates: Rates) -> tuple[Rule | None, tuple[ChecksumAddress, ...]]:
    """The rule of a source and the sources below it, from what it answered and what its vaults convert to."""
    if found.has("SCALE_FACTOR", "price"):
        return _quotient(found, rates), found.feeds(*BASES, *QUOTES)
    return next(_kinds(found), (None, ()))


def _kinds(found: Found) -> Iterator[tuple[Rule, tuple[ChecksumAddress, ...]]]:
    said = found.said
    ratio = _ratio_cap(found)
    if ratio is not None:
        yield ratio, found.feeds("BASE_TO_USD_AGGREGATOR", "assetToBaseAggregator")[:1]
    if found.has("ASSET_TO_USD_AGGREGATOR", "BASE_TO_USD_AGGREGATOR", "getPriceCapRatio", "RATIO_DECIMALS"):
        below = found.feeds("ASSET_TO_USD_AGGREGATOR", "BASE_TO_USD_AGGREGATOR")
        yield PeggedCap(said["getPriceCapRatio"], said["RATIO_DECIMALS"]), below
    if found.has("ASSET_TO_USD_AGGREGATOR", "getPriceCap"):
        yield StableCap(said["getPriceCap"]), found.feeds("ASSET_TO_USD_AGGREGATOR")
    if found.has("ASSET_TO_USD_AGGREGATOR", "PENDLE_PRINCIPAL_TOKEN", "MATURITY", "discountRatePerYear"):
        rule = Discount(said["PENDLE_PRINCIPAL_TOKEN"], said["discountRatePerYear"], said["MATURITY"])
        yield rule, found.feeds("ASSET_TO_USD_AGGREGATOR")
    if found.has("priceFeedScale", "combinedScale"):
        factors = found.feeds("priceFeedA", "priceFeedB", "WBTCToBTCPriceFeed", "BTCToUSDPriceFeed")
        if len(factors) == 2:
            yield Quotient(said["priceFeedScale"], 2, None, 1, None, said["combinedScale"]), factors
    if found.has("priceFeedScale", "priceFeedAScale", "priceFeedBScale", "priceFeedA", "priceFeedB"):
        scale = said["priceFeedBScale"] * said["priceFeedScale"]
        yield Quotient(scale, 1, None, 1, None, said["priceFeedAScale"]), found.feeds("priceFeedA", "priceFeedB")
    if found.has("underlyingPriceFeed") and not found.has("rateProvider"):
        yield Scaled(), found.feeds("underlyingPriceFeed")
    if found.has("price_oracle"):
        yield Average(said.get("ma_exp_time")), ()
    below = found.feeds(
        "ASSET_TO_PEG",
        "PEG_TO_BASE",
        "priceFeedA",
        "priceFeedB",
        "underlyingPriceFeed",
        "stETHtoETHPriceFeed",
        "BASE_TO_USD_AGGREGATOR",
        "ASSET_TO_USD_AGGREGATOR",
        "assetToBaseAggregator",
    )
    providers = found.feeds("rateProvider", "RATIO_PROVIDER", "ratioProvider")
    if below or providers:
        yield Product(providers[0] if providers else None), below


def vaults(found: Found) -> tuple[tuple[ChecksumAddress, int], ...]:
    """The vaults of an oracle with the shares that it converts by them."""
    return tuple((vault, shares) for vault, shares in _sides(found) if vault is not None and shares is not None)


def _sides(found: Found) -> Iterator[tuple[ChecksumAddress | None, int | None]]:
    """The vault on either side, None where there is none, and its sample of shares. The first version has one, on the base side."""
    base = "BASE_VAULT" if found.has("BASE_VAULT") else "VAULT"
    for vault in (base, "QUOTE_VAULT") if found.has("SCALE_FACTOR", "price") else ():
        named = found.feeds(vault)
        yield (named[0] if named else None), found.said.get(f"{vault}_CONVERSION_SAMPLE")


def _quotient(found: Found, rates: Rates) -> Rule:
    """A vault that was not read leaves a product that only the oracle knows."""
    sides = tuple(_sides(found))
    base, quote = (1 if v is None else None if shares is None else rates.get((v, shares)) for v, shares in sides)
    first, second = (vault for vault, _ in sides)
    if base is None or quote is None:
        return Product(first or second)
    return Quotient(found.said["SCALE_FACTOR"], len(found.feeds(*BASES)), first, base, second, quote)


def _ratio_cap(found: Found) -> RatioCap | None:
    """Of Aave or of Compound. Aave's first adapters kept their growth in whole units of the ratio: the same line, since 10**6
    divides what they add.
    """
    said = found.said
    growth = said.get("getMaxRatioGrowthPerSecondScaled")
    if growth is None and "getMaxRatioGrowthPerSecond" in said:
        growth = said["getMaxRatioGrowthPerSecond"] * SCALING
    if growth is not None and found.has("BASE_TO_USD_AGGREGATOR", *AAVE):
        provider, ratio, snapshot, since, decimals = (said[name] for name in AAVE)
        return RatioCap(provider, ratio, snapshot, since, growth, decimals)
    if found.has("assetToBaseAggregator", *COMPOUND):
        provider, ratio, snapshot, since, decimals, growth, scaling = (said[name] for name in COMPOUND)
        return RatioCap(provider, ratio, snapshot, since, growth, decimals, scaling)
    return None
