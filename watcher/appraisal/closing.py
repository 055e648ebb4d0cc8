"""What the contract itself would liquidate in a world of a scenario: the adapter's integers, as fractions of what is held and owed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from watcher.adapter import Liquidation, Position, Which
from watcher.appraisal.asset import Asset
from watcher.appraisal.depth import Depth
from watcher.appraisal.held import Held
from watcher.errors import WatcherError
from watcher.health.largest import largest, wholly
from watcher.health.mover import Mover, movers
from watcher.model import Leg, Moment, Side, Valuation
from watcher.risk.exposure import Floats
from watcher.risk.owner import Closing

Some = Position[Any, Any, Any]


@dataclass(slots=True)
class Closer:
    """`risk.owner.Close` over the pools of `positions`, whose tokens are `assets`.

    `block_time` (seconds between blocks) by chain: some interest runs by blocks. Terms that cannot tell a later time are taken at the
    present one, and its market is among the `timeless`: a line that only interest reaches is then missed. `refused` counts by market
    how often a liquidation could not be valued at a scenario's prices, and was left out.
    """

    positions: Sequence[Held]
    assets: Sequence[Asset]
    block_time: Mapping[int, float]
    depth: Depth | None = None
    refused: Counter[str] = field(default_factory=Counter)
    timeless: dict[str, str] = field(default_factory=dict)
    _moved: dict[int, tuple[Mover, ...]] = field(default_factory=dict)
    _later: dict[int, tuple[float, Any]] = field(default_factory=dict)  # the last one of each pool: time only goes on

    @property
    def notes(self) -> tuple[str, ...]:
        """What is doubtful of its answers, a line each."""
        return (
            *(f"{name}: {why}: liquidations are by its rates of now" for name, why in self.timeless.items()),
            *(
                f"{name}: {count} times a liquidation could not be valued at a scenario's prices: it is in no chance and in no loss"
                for name, count in self.refused.items()
            ),
        )

    def __call__(self, pool: int, factors: Floats, elapsed: float) -> Closing | None:
        """At oracle price factors per asset: None where the contract's own comparison finds it above its line, or cannot be made."""
        one = self.positions[pool]
        try:
            there = self._there(pool, one, factors, elapsed)
            present = there.value()
            if not present.liquidatable:
                return None
            return self._closing(one, there, present, factors)
        except WatcherError:
            self.refused[one.name] += 1
            return None

    def _there(self, pool: int, one: Held, factors: Floats, elapsed: float) -> Some:
        position: Some = one.row.position
        of, quote = position.adapter, self._accrued(pool, one, elapsed)
        unit = 1.0 if one.unit is None else float(factors[self.assets.index(one.unit)])
        answers = {}
        for mover in self._movers(pool, position):
            asset = _asset(mover, one)
            if asset is not None:
                moved = float(factors[self.assets.index(asset)]) / unit
                answers[mover.price.token.address] = max(1, _times(mover.answer, moved))
        return replace(position, quote=of.reprice(position.terms, quote, answers))

    def _accrued(self, pool: int, one: Held, elapsed: float) -> Any:
        """The quote so many seconds on, made once for all scenarios of a step."""
        at, quote = self._later.get(pool, (None, None))
        if at != elapsed:
            quote = self._grown(one, elapsed)
            self._later[pool] = elapsed, quote
        return quote

    def _grown(self, one: Held, elapsed: float) -> Any:
        position, block = one.row.position, one.row.reading.block
        blocks = int(elapsed / self.block_time[block.chain])
        at = Moment(block.number + blocks, block.timestamp + int(elapsed))
        try:
            return position.adapter.accrue(position.terms, position.quote, at, Which.ALL)
        except WatcherError as error:
            self.timeless[one.name] = str(error)
            return position.quote

    def _movers(self, pool: int, position: Some) -> tuple[Mover, ...]:
        if pool not in self._moved:
            self._moved[pool] = movers(position)
        return self._moved[pool]

    def _closing(self, one: Held, there: Some, present: Valuation, factors: Floats) -> Closing:
        repaid, seized = np.zeros(len(self.assets)), np.zeros(len(self.assets))
        best = largest(there)
        taken = _of_pair(best) if isinstance(best, Liquidation) else _of_whole(there)
        legs: dict[tuple[str, Side], Leg] = {(leg.token.address, leg.side): leg for leg in present.legs}
        for side, amounts in taken.items():
            for address, amount in amounts.items():
                leg = legs.get((address, side))
                place = self._place(one, address)
                if leg is not None and leg.amount and place is not None:
                    (repaid if side is Side.DEBT else seized)[place] = amount / leg.amount
        unit = 1.0 if one.unit is None else float(factors[self.assets.index(one.unit)])
        return Closing(repaid, np.minimum(1.0, seized), self._slippage(one, present, seized, one.scale * unit))

    def _place(self, one: Held, address: str) -> int | None:
        found = next((asset for asset, _ in one.legs if asset.token.address == address), None)
        return None if found is None else self.assets.index(found)

    def _slippage(self, one: Held, present: Valuation, seized: Floats, scale: float) -> float:
        """Of all that is seized together, weighted by value; 0 without a table of depth. `scale` is dollars for one of a value."""
        if self.depth is None:
            return 0.0
        if one.each is None:
            self.depth.beyond.add(
                f"{one.name}: what it is worth in dollars is not known, its sale is taken to lose nothing"
            )
            return 0.0
        sold = lost = 0.0
        for leg in present.legs:
            place = self._place(one, leg.token.address)
            if leg.side is Side.COLLATERAL and place is not None and seized[place]:
                size = leg.value * scale * float(seized[place])
                sold, lost = sold + size, lost + size * self.depth.slippage(leg.token, size)
        return lost / sold if sold else 0.0


def _times(answer: int, factor: float) -> int:
    """An oracle's answer times a factor, to the float's own digits."""
    top, bottom = factor.as_integer_ratio()
    return answer * top // bottom


def _asset(mover: Mover, one: Held) -> Asset | None:
    """Whose price it is: the token's own, else that of the first leg that moves with it."""
    addresses = [mover.price.token.address, *(leg.token.address for leg in mover.legs)]
    by_address = {asset.token.address: asset for asset, _ in one.legs}
    return next((by_address[address] for address in addresses if address in by_address), None)


def _of_pair(best: Liquidation) -> dict[Side, dict[str, float]]:
    """What a credit leaves the borrower is a debt below nothing."""
    held: dict[str, float] = {best.collateral.address: float(best.seize)}
    held |= {token.address: float(amount) for token, amount in best.along}
    return {Side.DEBT: {best.debt.address: float(best.repay + best.credit)}, Side.COLLATERAL: held}


def _of_whole(there: Some) -> dict[Side, dict[str, float]]:
    """The way to liquidate a whole account, where pairs are refused: what is written off is not owed any more."""
    found = next(iter(wholly(there)), None)
    if found is None:
        return {}
    owed: dict[str, float] = {}
    for token, amount in (*found.repays, *found.written_off):
        owed[token.address] = owed.get(token.address, 0.0) + amount
    return {Side.DEBT: owed, Side.COLLATERAL: {token.address: float(amount) for token, amount in found.seizes}}


@dataclass(frozen=True, slots=True)
class Typical:
    """The liquidation at the line: which part of all debt it repays, above 1 where the rest becomes a credit of the borrower, and what
    it takes above that, a fraction of the repaid. `kept` is the part of it that is not the protocol's fee."""

    repaid: float
    bonus: float
    kept: float


def typical(at_line: Some) -> Typical | None:
    """Of a position just below its line; None where nothing can be liquidated there."""
    try:
        best, present = largest(at_line), at_line.value()
    except WatcherError:
        return None
    if not isinstance(best, Liquidation):
        return None
    legs: dict[tuple[str, Side], Leg] = {(leg.token.address, leg.side): leg for leg in present.legs}

    def worth(address: str, side: Side, amount: int) -> float:
        leg = legs[address, side]
        return leg.value * (amount / leg.amount)

    repaid = worth(best.debt.address, Side.DEBT, best.repay + best.credit)
    fee = worth(best.collateral.address, Side.COLLATERAL, best.fee)
    seized = worth(best.collateral.address, Side.COLLATERAL, best.seize)
    seized += sum(worth(token.address, Side.COLLATERAL, amount) for token, amount in best.along)
    if not (repaid and present.debt):
        return None
    return Typical(repaid / present.debt, seized / repaid - 1, (seized - fee) / repaid - 1)
