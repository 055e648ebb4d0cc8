"""The standing proof of followed markets: coverage and a comparison with the contract, stored, and said where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watcher.following.followed import Followed
from watcher.following.proof import Audit, audited, chosen, covered, endangered
from watcher.model import BlockRef
from watcher.store import survey
from watcher.store.open import Store
from watcher.survey.coverage import Coverage
from watcher.watching.chain import WatchedChain


@dataclass(frozen=True, slots=True)
class Proof:
    """Of one market at one block."""

    market: str
    block: BlockRef
    coverage: Coverage
    audit: Audit

    def failures(self) -> Iterator[str]:
        """Why it is none; nothing where everything agrees."""
        where = f"{self.market}, block {self.block.number}"
        for column in self.coverage.unexplained:
            yield f"{where}: {column.unexplained} shares of debt in {column.token} belong to nobody in the book"
        if self.audit.failure is not None:
            yield f"{where}: not compared with the contract: {self.audit.failure}"
        if self.audit.mismatches:
            yield f"{where}: the contract says otherwise of {len(self.audit.mismatches)} of {self.audit.looked} positions"
        if self.audit.silent:
            yield f"{where}: the contract has no answer for {len(self.audit.silent)} positions"


async def proved(chain: WatchedChain) -> tuple[Proof, ...]:
    """Every open market at the block where its book stands. Raises `StoreError` where the outcome cannot be written."""
    found = []
    for one in tuple(chain.follower.markets.values()):
        proof = await _proof(chain, one)
        await chain.journal.call(_kept, one, proof)
        found.append(proof)
    return tuple(found)


async def _proof(chain: WatchedChain, one: Followed) -> Proof:
    block, coverage = one.block, covered(one)
    keys = chosen(one.book.keys, block, endangered(one))
    return Proof(one.market.name, block, coverage, await audited(chain.line, one, keys))


def _kept(store: Store, one: Followed, proof: Proof) -> None:
    number = proof.block.number
    survey.covered(
        store,
        one.market,
        [survey.Proof(number, column.token, column.booked, column.total) for column in proof.coverage.debts],
    )
    survey.audited(store, one.market, survey.Audit(number, proof.audit.looked, len(proof.audit.mismatches)))
