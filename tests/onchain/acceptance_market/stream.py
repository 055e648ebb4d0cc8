"""What happens to a market of seeded borrowers: blocks of random real transactions, and reorgs that let some of them happen otherwise.

Nothing here asks the product. Whatever the pool refuses is in its block as refused; what was done is counted from the receipts.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from eth_typing import ChecksumAddress

from tests.onchain.acceptance.crowd import LIQUIDATOR, Sent, raw, transaction
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_assets import MODES
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import DEPLOYER, ZERO
from watcher.localchain.scenario import account, reorg
from watcher.localchain.seeder import PAIRS, PER_TRANSACTION

LATER: Final = (1, 1, 2, 12, 12, 12, 12, 600, 3_600, 86_400)  # seconds between two blocks
DOLLARS: Final = ("USDC", "DAI")
PRICED: Final = ("WETH", "wstETH", "WBTC", "LINK", *DOLLARS)
DEEPEST: Final = 5  # blocks
DEEDS: Final = (
    "supply", "supply", "withdraw", "borrow", "borrow", "repay", "repay all", "transfer", "switch e-mode", "flag",
)  # fmt: skip

Named = tuple[str, Sent]


@dataclass
class Stream:
    """`ripe` are accounts that may be liquidated. `recent` are the newest blocks' transactions, the newest last."""

    local: AaveMarket
    dice: random.Random
    owners: list[ChecksumAddress]
    ripe: Sequence[ChecksumAddress] = ()
    recent: list[list[Named]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    newcomers: int = 0

    def pair(self, who: ChecksumAddress) -> tuple[str, str]:
        """What it was opened with: its collateral and its debt."""
        return PAIRS[self.owners.index(who) // PER_TRANSACTION % len(PAIRS)]

    async def block(self) -> None:
        """One more, at a later time."""
        chain, sent = self.local.chain, self._block()
        await chain.next_timestamp(await chain.timestamp() + self.dice.choice(LATER))
        async with chain.one_block():
            hashes = await chain.batch([one for _, one in sent])
        self.recent = [*self.recent, sent][-DEEPEST:]
        receipts = await chain.batch([("eth_getTransactionReceipt", [one]) for one in hashes])
        for (name, _), receipt in zip(sent, receipts, strict=True):
            self.done[name if receipt["status"] == "0x1" else f"refused: {name}"] += 1

    async def reorg(self) -> int:
        """The newest blocks become others: some of what was done is undone, some comes later, and some is new. How many they are."""
        depth = self.dice.randint(1, min(DEEPEST, len(self.recent)))
        others: list[list[Named]] = [[] for _ in range(depth)]
        for place, sent in enumerate(self.recent[-depth:]):
            for one in sent:
                if self.dice.random() < 0.6:
                    others[self.dice.randrange(place, depth)].append(one)
        for sent in others:
            sent += self._block()[:3]
        await reorg(
            self.local.chain,
            depth,
            [(one[1][0], place) for place, sent in enumerate(others) for _, one in sent],
        )
        self.recent[-depth:] = others
        self.done[f"reorg of {depth}"] += 1
        return depth

    def _block(self) -> list[Named]:
        dice = self.dice
        sent = [*self._prices()]
        for who in dice.sample(self.owners, dice.randrange(1, 9)):
            sent += self._deeds(who)
        for who in dice.sample(list(self.ripe), min(len(self.ripe), dice.randrange(3))):
            sent.append(self._liquidation(who))
        if dice.random() < 0.2:
            sent.append(self._rule())
        if dice.random() < 0.3:
            sent += self._newcomer()
        return sent

    def _prices(self) -> list[Named]:
        if self.dice.random() < 0.55:
            return []
        found = []
        for symbol in self.dice.sample(PRICED, self.dice.randrange(1, 4)):
            reserve = self.local.reserves[symbol]
            part = self.dice.randrange(985, 1_010) if symbol in DOLLARS else self.dice.randrange(850, 1_080)
            found.append(("price", transaction(reserve.feed, "set", reserve.asset.price * part // 1_000)))
        return found

    def _deeds(self, who: ChecksumAddress) -> list[Named]:
        held, owed = self.pair(who)
        some, dice = 10 ** self.dice.uniform(0.5, 4), self.dice  # dollars
        match dice.choice(DEEDS):
            case "supply":
                return [self._supply(dice.choice((held, *PRICED)), some, who)]
            case "withdraw":
                return [
                    self._own("withdraw", who, "withdraw", self._token(held), raw(self.local, held, some / 10), who)
                ]
            case "borrow":
                return [self._borrow("borrow", dice.choice((owed, owed, "USDC", "WETH")), some / 10, who)]
            case "repay" | "repay all" as name:
                amount = raw(self.local, owed, some if name == "repay" else 10**6)
                args = (self._token(owed), amount, do.VARIABLE, who)
                return [(name, transaction(self.local.pool, "repay", *args))]
            case "transfer":
                to = dice.choice((dice.choice(self.owners), account(f"stranger {dice.randrange(50)}")))
                amount = raw(self.local, held, some / 10)
                return [
                    ("transfer", transaction(self.local.reserves[held].receipt, "transfer", to, amount, sender=who))
                ]
            case "switch e-mode" as name:
                return [self._own(name, who, "setUserEMode", dice.choice((0, 1 if held == "wstETH" else 2)))]
            case name:
                token = self._token(dice.choice((held, *PRICED)))
                return [self._own(name, who, "setUserUseReserveAsCollateral", token, dice.random() < 0.5)]

    def _token(self, symbol: str) -> ChecksumAddress:
        return self.local.reserves[symbol].token.address

    def _own(self, name: str, who: str, function: str, *args: object) -> Named:
        return name, transaction(self.local.pool, function, *args, sender=who)

    def _supply(self, symbol: str, dollars: float, who: str) -> Named:
        args = (self._token(symbol), raw(self.local, symbol, dollars), who, 0)
        return "supply", transaction(self.local.pool, "supply", *args)

    def _borrow(self, name: str, symbol: str, dollars: float, who: str) -> Named:
        args = (self._token(symbol), raw(self.local, symbol, dollars), do.VARIABLE, 0, who)
        return self._own(name, who, "borrow", *args)

    def _newcomer(self) -> list[Named]:
        """Somebody who was never seen, with a collateral and a debt in the same block; sometimes one to whom receipts were sent."""
        self.newcomers += 1
        stranger = self.dice.random() < 0.3
        who = account(f"stranger {self.dice.randrange(50)}" if stranger else f"newcomer {self.newcomers}")
        if who not in self.owners:
            self.owners.append(who)
        (held, owed), dollars = self.pair(who), 10 ** self.dice.uniform(2, 5)
        return [
            self._supply(held, dollars, who),
            self._borrow("enter", owed, dollars * self.dice.uniform(0.3, 0.7), who),
        ]

    def _liquidation(self, who: ChecksumAddress) -> Named:
        held, owed = self.pair(who)
        args = do.liquidation(self.local, who, held, owed, do.ALL, self.dice.random() < 0.5)
        return "liquidate", transaction(self.local.pool, *args, sender=LIQUIDATOR)

    def _rule(self) -> Named:
        """Another threshold of a reserve, or of an e-mode."""
        configurator, dice = self.local.configurator, self.dice
        if dice.random() < 0.4:
            mode = dice.choice(MODES)
            source = (ZERO,) if self.local.version == "3.0" else ()
            args = (mode.id, mode.ltv, mode.threshold + dice.randrange(-100, 101), mode.bonus, *source, mode.label)
            return "e-mode threshold", transaction(configurator, "setEModeCategory", *args, sender=DEPLOYER)
        reserve = self.local.reserves[dice.choice(PRICED)]
        asset = reserve.asset
        threshold = max(asset.ltv, asset.threshold + dice.randrange(-300, 301))
        changed = (reserve.token.address, asset.ltv, threshold, asset.bonus)
        return "threshold", transaction(configurator, "configureReserveAsCollateral", *changed, sender=DEPLOYER)
