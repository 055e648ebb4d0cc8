"""What happens in a block of the run: random real transactions of the crowd, drawn with an eye on what each owner has.

The pool may refuse any of them; what was done and what was refused is counted from the receipts.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from eth_typing import ChecksumAddress

from tests.onchain.acceptance.crowd import LIQUIDATOR, OWED, PAYER, PLAIN, Sent, raw, transaction
from tests.onchain.acceptance.ours import owner, valued
from watcher.cycle import MarketCycle, Row
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_assets import MODES
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import DEPLOYER, ZERO
from watcher.model import Leg, Side
from watcher.units import MAX

THRESHOLDS = ("WETH", "wstETH", "WBTC", "LINK", "USDC")


@dataclass(frozen=True, slots=True)
class Deed:
    """Transactions that stand or fall as one thing; the last of them is the one that counts."""

    name: str
    sent: tuple[Sent, ...]


@dataclass
class Deeds:
    """`received` are the owners to whom receipts were sent by others."""

    local: AaveMarket
    dice: random.Random
    owners: Sequence[ChecksumAddress]
    received: set[ChecksumAddress] = field(default_factory=set)

    def block(self, seen: MarketCycle, spared: set[ChecksumAddress]) -> list[Deed]:
        """Up to a dozen deeds of different owners, none of them of those that are `spared`."""
        rows = [row for row in seen.rows if owner(row) not in spared]
        acting = self.dice.sample(rows, self.dice.randrange(2, 10))
        deeds = [deed for row in acting for deed in self._of(row)]
        deeds += self._liquidations([row for row in rows if row not in acting])
        if self.dice.random() < 0.25:
            deeds.append(self._rule())
        return deeds

    def _of(self, row: Row) -> Iterator[Deed]:
        held = [leg for leg in valued(row).legs if leg.side is not Side.DEBT]
        idle = [leg for leg in held if leg.side is Side.DEPOSIT and leg.token.symbol in PLAIN]
        debts = [leg for leg in valued(row).legs if leg.side is Side.DEBT]
        kinds: list[Callable[[Row], Deed]] = [self._supply]
        if valued(row).available:
            kinds += [self._borrow] * 3
        if held:
            kinds += [
                lambda row: self._withdraw(row, self.dice.choice(held)),
                lambda row: self._transfer(row, self.dice.choice(held)),
                lambda row: self._flag(row, self.dice.choice(held)),
            ] * 2
        if idle:
            kinds += [lambda row: self._flag(row, self.dice.choice(idle))] * 4
        if debts:
            kinds += [
                lambda row: self._repay(row, self.dice.choice(debts)),
                lambda row: self._repay_all(row, self.dice.choice(debts)),
            ] * 2
        modes = self.local.protocol == "aave_v3"
        if modes and (row.position.holding.mode or not debts or self.dice.random() < 0.3):
            kinds += [self._mode] * 2
        if any(balance.principal for balance in row.position.holding.balances):
            kinds += [self._swap] * 8
        yield self.dice.choice(kinds)(row)

    def _pool(self, function: str, *args: object, sender: str = PAYER) -> Sent:
        return transaction(self.local.pool, function, *args, sender=sender)

    def _token(self, symbol: str) -> ChecksumAddress:
        return self.local.reserves[symbol].token.address

    def _listed(self, *symbols: str) -> Sequence[str]:
        return [symbol for symbol in symbols if symbol in self.local.reserves]

    def _some(self, most: int) -> int:
        """One unit, a part, or all of it."""
        return self.dice.choice((1, most // 3 + 1, self.dice.randrange(most + 1) + 1, most or 1))

    def _supply(self, row: Row) -> Deed:
        symbol = self.dice.choice(self._listed(*PLAIN, "sUSDe", "GHO"))
        amount = max(1, raw(self.local, symbol, 10 ** self.dice.uniform(-3, 5)))
        return Deed("supply", (self._pool(self.local.supplying, self._token(symbol), amount, owner(row), 0),))

    def _borrow(self, row: Row) -> Deed:
        mode = next((mode for mode in MODES if mode.id == row.position.holding.mode), None)
        symbol = self.dice.choice(mode.borrowable if mode is not None else self._listed(*OWED))
        most = raw(self.local, symbol, valued(row).available / self.local.dollar)
        stable = self.local.version < "3.1" and symbol in ("USDC", "DAI") and self.dice.random() < 0.5
        amount, kind = self._some(most), do.STABLE if stable else do.VARIABLE
        sent = self._pool("borrow", self._token(symbol), amount, kind, 0, owner(row), sender=owner(row))
        return Deed("borrow stable" if stable else "borrow", (sent,))

    def _repay(self, row: Row, leg: Leg) -> Deed:
        args = (leg.token.address, self._some(leg.amount), self._rate_mode(row, leg), owner(row))
        return Deed("repay", (self._pool("repay", *args),))

    def _repay_all(self, row: Row, leg: Leg) -> Deed:
        """By the owner with their own money: the pool takes "all" from nobody else."""
        who, token = owner(row), self.local.by_address(leg.token.address).token
        wealth = transaction(token, "mint", who, leg.amount * 3 + 10**6)
        consent = transaction(token, "approve", self.local.pool.address, MAX, sender=who)
        args = (token.address, do.ALL, self._rate_mode(row, leg), who)
        return Deed("repay all", (wealth, consent, self._pool("repay", *args, sender=who)))

    def _rate_mode(self, row: Row, leg: Leg) -> int:
        reserve = self.local.by_address(leg.token.address)
        return do.STABLE if row.position.holding.balance(reserve.id).principal else do.VARIABLE

    def _withdraw(self, row: Row, leg: Leg) -> Deed:
        amount = self.dice.choice((do.ALL, self._some(leg.amount), leg.amount // 100 + 1))
        return Deed("withdraw", (self._pool("withdraw", leg.token.address, amount, owner(row), sender=owner(row)),))

    def _transfer(self, row: Row, leg: Leg) -> Deed:
        """Mostly to somebody of the tenth that began with nothing."""
        to = self.dice.choice((self.dice.choice(self.owners[::20]), self.dice.choice(self.owners)))
        receipt = self.local.by_address(leg.token.address).receipt
        self.received.add(to)
        return Deed("transfer", (transaction(receipt, "transfer", to, leg.amount // 50 + 1, sender=owner(row)),))

    def _flag(self, row: Row, leg: Leg) -> Deed:
        enable = leg.side is Side.DEPOSIT
        args = (leg.token.address, enable)
        name = "enable collateral" if enable else "disable collateral"
        return Deed(name, (self._pool("setUserUseReserveAsCollateral", *args, sender=owner(row)),))

    def _mode(self, row: Row) -> Deed:
        other = self.dice.choice([mode for mode in (0, 1, 2) if mode != row.position.holding.mode])
        return Deed("switch e-mode", (self._pool("setUserEMode", other, sender=owner(row)),))

    def _swap(self, row: Row) -> Deed:
        stable = next(balance for balance in row.position.holding.balances if balance.principal)
        token = next(reserve.token for reserve in self.local.reserves.values() if reserve.id == stable.id)
        return Deed("swap rate", (self._pool("swapBorrowRateMode", token.address, do.STABLE, sender=owner(row)),))

    def _liquidations(self, rows: Sequence[Row]) -> Iterator[Deed]:
        ripe = [row for row in rows if valued(row).liquidatable]
        for row in self.dice.sample(ripe, min(len(ripe), self.dice.randrange(3))):
            legs = valued(row).legs
            held = [leg for leg in legs if leg.side is Side.COLLATERAL]
            if not held:
                continue
            debt = self.dice.choice([leg for leg in legs if leg.side is Side.DEBT])
            amount = self.dice.choice((do.ALL, do.ALL, debt.amount // 3 + 1))
            keep = self.dice.random() < 0.3
            pair = (self.dice.choice(held).token.address, debt.token.address)
            call = self._pool("liquidationCall", *pair, owner(row), amount, keep, sender=LIQUIDATOR)
            yield Deed("liquidate", (call,))

    def _rule(self) -> Deed:
        """Another threshold of a reserve, or of an e-mode: what was known of the terms is out of date."""
        configurator, dice = self.local.configurator, self.dice
        if self.local.protocol == "aave_v3" and dice.random() < 0.3:
            mode = MODES[0]
            source = (ZERO,) if self.local.version == "3.0" else ()
            args = (mode.id, mode.ltv, mode.threshold + dice.randrange(-100, 101), mode.bonus, *source, mode.label)
            return Deed("e-mode threshold", (transaction(configurator, "setEModeCategory", *args, sender=DEPLOYER),))
        asset = self.local.reserves[dice.choice(self._listed(*THRESHOLDS))].asset
        threshold = max(asset.ltv, asset.threshold + dice.randrange(-300, 301))
        args = (self._token(asset.symbol), asset.ltv, threshold, asset.bonus)
        return Deed("threshold", (transaction(configurator, "configureReserveAsCollateral", *args, sender=DEPLOYER),))
