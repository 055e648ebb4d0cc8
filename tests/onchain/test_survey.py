"""Whole markets on the real contracts: the borrowers found are those who were seeded, and what they hold is what plain calls say."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.account_scene import Said, asked_web3, configured, plain
from tests.onchain.conftest import Local, either
from watcher.__main__ import main
from watcher.config import dump
from watcher.connection import connect
from watcher.exit import Exit
from watcher.localchain import aave_actions, morpho_actions
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.anvil import Anvil
from watcher.localchain.morpho import LENDER
from watcher.localchain.scenario import account
from watcher.localchain.seeder import seed
from watcher.model import BlockRef, Market, PositionKey
from watcher.store import survey
from watcher.store.open import open_store
from watcher.survey.open import Opened, Step, open_market, prepared

PLAIN = 100  # calls in one request of the plain client


def key(market: AaveMarket, owner: str) -> PositionKey:
    return PositionKey(market.name, bytes.fromhex(owner[2:]))


def opened(local: Local, market: Market, finality: int = 1, **options: Any) -> Opened[Any, Any, Any]:
    async def run() -> Opened[Any, Any, Any]:
        async with connect(replace(configured(local), finality=finality)) as line:
            return await open_market(line, market, **options)

    return asyncio.run(run())


def said(market: AaveMarket, calls: list[tuple[Any, str]], block: BlockRef) -> list[int]:
    """What a plain client with the packages' own ABIs is told at the newest block, which is `block`: (contract, account) each."""

    async def run() -> list[int]:
        w3 = AsyncWeb3(AsyncHTTPProvider(market.chain.url))
        functions = {id(contract): plain(w3, contract).functions for contract, _ in calls}
        views = {
            known: one.getUserConfiguration if known == id(market.pool) else one.scaledBalanceOf
            for known, one in functions.items()
        }
        answers: list[Any] = []
        for start in range(0, len(calls), PLAIN):
            async with w3.batch_requests() as batch:
                for contract, owner in calls[start : start + PLAIN]:
                    batch.add(views[id(contract)](owner))
                answers += await batch.async_execute()
        assert (await w3.eth.get_block("latest"))["hash"].to_0x_hex() == block.hash
        await w3.provider.disconnect()
        return [answer if isinstance(answer, int) else answer[0] for answer in answers]

    return asyncio.run(run())


@either
@pytest.mark.parametrize("count", [200, pytest.param(1_000, marks=pytest.mark.long)])
def test_all_borrowers_are_found_and_hold_what_the_contracts_say(local: Local, aave: AaveMarket, count: int) -> None:
    owners = asyncio.run(seed(aave, count))
    steps: list[Step] = []
    found = opened(local, aave.market(), tell=steps.append)
    assert set(found.holdings) == {key(aave, owner) for owner in owners}
    assert found.coverage.exact and sum(column.total for column in found.coverage.debts) > 0
    assert steps[-1].done == steps[-1].total and {step.of for step in steps} == {"blocks", "accounts"}
    compared(aave, found, random.Random(1).sample(owners, 60))


@pytest.mark.long
def test_each_of_a_thousand_holdings_is_what_the_contracts_say(local: Local, aave: AaveMarket) -> None:
    owners = asyncio.run(seed(aave, 1_000))
    assert compared(aave, opened(local, aave.market()), owners) == 2 * len(owners)


def compared(aave: AaveMarket, found: Opened[Any, Any, Any], owners: Sequence[str]) -> int:
    """Flags, and the balance behind every flag, against plain calls: a collateral and a debt of each. How many balances that were."""
    reserves = list(aave.reserves.values())
    words = said(aave, [(aave.pool, owner) for owner in owners], found.block)
    assert [found.holdings[key(aave, owner)].flags for owner in owners] == words
    flagged = [(owner, word >> 2 * r.id, r) for owner, word in zip(owners, words, strict=True) for r in reserves]
    deposits = [(owner, reserve) for owner, bits, reserve in flagged if bits & 2]
    debts = [(owner, reserve) for owner, bits, reserve in flagged if bits & 1]
    assert len(deposits) == len(debts) == len(owners)
    truth = said(aave, [(reserve.receipt, owner) for owner, reserve in deposits], found.block)
    assert [found.holdings[key(aave, owner)].balance(reserve.id).deposit for owner, reserve in deposits] == truth
    truth = said(aave, [(reserve.debt, owner) for owner, reserve in debts], found.block)
    assert [found.holdings[key(aave, owner)].balance(reserve.id).debt for owner, reserve in debts] == truth
    return len(deposits) + len(debts)


def test_what_happens_while_accounts_are_read_is_in_the_book(local: Local, aave: AaveMarket) -> None:
    """Between two waves: a repayment, a transfer of receipts, a stranger's debt, a stable one where there are any, other terms."""
    owners = asyncio.run(seed(aave, 60))
    asyncio.run(aave.chain.mine(2))
    rich, stranger = owners[0], account("stranger")
    calls: list[Step] = []

    async def happen() -> None:
        await aave_actions.repay(aave, rich, "USDC", aave_actions.ALL)
        await aave_actions.transfer_receipt(aave, rich, owners[5], "WETH", 10**15)
        await aave_actions.supply(aave, stranger, "WETH", 10**18)
        mode = aave_actions.STABLE if aave.version == "3.0" else aave_actions.VARIABLE
        await aave_actions.borrow(aave, stranger, "DAI", 10**18, mode)
        await aave_actions.set_thresholds(aave, "WETH", 7_000, 7_500, 10_500)

    def tell(step: Step) -> None:
        if step.of == "accounts" and not calls:
            calls.append(step)
            with ThreadPoolExecutor() as elsewhere:
                elsewhere.submit(asyncio.run, happen()).result()

    async def run() -> Opened[Any, Any, Any]:
        async with connect(replace(configured(local), finality=1)) as line:
            survey = await prepared(line, aave.market(), tell=tell)
            survey.standing.wave = 20
            return await survey.open()

    found = asyncio.run(run())
    assert set(found.holdings) == {key(aave, owner) for owner in (*owners, stranger)}
    assert found.coverage.exact and found.owing() == len(owners)
    assert found.terms.reserve(aave.reserves["WETH"].token.address).rules.threshold == 7_500
    weth, touched = aave.reserves["WETH"], [rich, owners[5], stranger]
    truth = said(aave, [(weth.receipt, owner) for owner in touched], found.block)
    assert [found.holdings[key(aave, owner)].balance(weth.id).deposit for owner in touched] == truth
    assert found.holdings[key(aave, rich)].balance(aave.reserves["USDC"].id).debt == 0
    dai = found.holdings[key(aave, stranger)].balance(aave.reserves["DAI"].id)
    assert (dai.principal if aave.version == "3.0" else dai.debt) > 0


async def morpho_borrowers(local: Local, name: str, count: int) -> dict[str, int]:
    """Accounts with a collateral and a debt in one market, and one borrower of another; what each borrowed."""
    world, market = local.morpho, local.morpho.markets[name]
    owed: dict[str, int] = {account(f"morpho borrower {n}"): (n + 1) * 10**6 for n in range(count)}
    for who, amount in owed.items():
        await morpho_actions.supply_collateral(world, market, who, 10**18)
        await morpho_actions.borrow(world, market, who, amount)
    other = world.markets["wstETH/WETH"]
    await morpho_actions.supply_collateral(world, other, account("elsewhere"), 10**18)
    await morpho_actions.borrow(world, other, account("elsewhere"), 10**15)
    return owed


def test_a_morpho_market_has_its_own_borrowers_and_no_others(local: Local, chain: Anvil) -> None:
    owed = asyncio.run(morpho_borrowers(local, "WETH/USDC", 6))
    gone = next(iter(owed))
    market = local.morpho.markets["WETH/USDC"]
    asyncio.run(morpho_actions.repay(local.morpho, market, gone, shares=shares_of(local, gone)))
    found = opened(local, local.morpho.market("WETH/USDC"))
    assert {to_checksum_address(key.key) for key in found.holdings} == owed.keys()
    for key, holding in found.holdings.items():
        assert holding.borrow_shares == shares_of(local, to_checksum_address(key.key))
    assert found.coverage.exact and found.coverage.debts[0].total > 0
    assert found.owing() == len(owed) - 1
    everybody = opened(local, local.morpho.market("WETH/USDC"), suppliers=True)
    assert LENDER in {to_checksum_address(key.key) for key in everybody.holdings}


def shares_of(local: Local, who: str) -> int:
    async def ask(w3: AsyncWeb3[AsyncHTTPProvider]) -> int:
        position = plain(w3, local.morpho.morpho).functions.position(local.morpho.markets["WETH/USDC"].id, who)
        return int((await position.call())[1])

    return asked_web3(local, ask)


def test_debt_taken_in_anothers_name_is_found_and_a_depositor_is_not(local: Local, v36: AaveMarket) -> None:
    owners = asyncio.run(seed(v36, 3))  # the seeder borrows for them, with their leave
    asyncio.run(aave_actions.supply(v36, account("saver"), "WETH", 10**18))
    found = opened(local, v36.market())
    assert set(found.holdings) == {key(v36, owner) for owner in owners}
    everybody = opened(local, v36.market(), suppliers=True)
    assert key(v36, account("saver")) in everybody.holdings


@pytest.fixture
def book(local: Local, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """``book("open", market, "--dry-run")`` with json on stdout."""

    def go(*arguments: str, db: str = "watcher.db") -> Said:
        path = tmp_path / "chains.toml"
        path.write_text(dump(replace(configured(local), finality=1)), encoding="utf-8")
        capsys.readouterr()
        code = main(["book", *arguments, "--chains", str(path), "--db", str(tmp_path / db), "--format", "json"])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return go


def test_the_command_says_the_cost_opens_the_book_and_a_list_of_it_is_enough(
    local: Local, v36: AaveMarket, book: Callable[..., Said], tmp_path: Path
) -> None:
    owners = asyncio.run(seed(v36, 120))
    (dry,) = book("open", v36.name, "--dry-run").all
    assert dry["able"] == "node" and int(dry["accounts"]) >= 120 and int(dry["requests"]) > 0
    assert not (tmp_path / "watcher.db").exists()
    said = book("open", v36.name)
    assert said.code == Exit.OK and "requests" in said.err and "logs from node" in said.err
    assert (said.all[0]["accounts"], said.all[0]["owing"], said.all[0]["unexplained"]) == ("120", "120", "0")
    listed = tmp_path / "list.csv"
    assert book("export", v36.name, "-o", str(listed)).code == Exit.OK
    assert book("import", v36.name, str(listed), db="other.db").code == Exit.OK
    with open_store(tmp_path / "other.db") as store:
        assert set(survey.members(store, v36.market())) == {key(v36, owner) for owner in owners}
    again = book("open", v36.name, db="other.db")
    assert (again.code, again.all[0]["accounts"], again.all[0]["unexplained"]) == (Exit.OK, "120", "0")
    with open_store(tmp_path / "other.db") as store:
        assert survey.searched(store, v36.market()) == ()  # nobody was missing: no old log was read
