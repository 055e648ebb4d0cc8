"""The reader against the real EVM and the real contracts; the truth is a plain AsyncWeb3 with the packages' own ABIs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from tests.onchain.conftest import either
from watcher.adapter import LogQuery
from watcher.chain.endpoint import Endpoint
from watcher.chain.lane import SIZE
from watcher.chain.logs import logs
from watcher.chain.provider import Provider
from watcher.chain.reader import Reader
from watcher.chain.rpc import Rpc
from watcher.errors import AnswerError, BlockChanged, CallReverted
from watcher.localchain import aave_actions as act
from watcher.localchain import morpho_actions
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.anvil import Anvil
from watcher.localchain.hostile import hostile_tokens
from watcher.localchain.morpho import MorphoChain
from watcher.localchain.scenario import account, reorg
from watcher.localchain.seeder import seed
from watcher.query import Call, Code, Outcome, Query, Rows, Script, ask, each, one, pairs

from web3 import AsyncHTTPProvider, AsyncWeb3  # isort: skip  # after the provider, which puts the recursion limit back

T = TypeVar("T")
DATA = "aave_v3/pool.getUserAccountData"
BURNER, SILENT, BOMB = (to_checksum_address(kind * 20) for kind in (b"\xb0", b"\xb1", b"\xb2"))


@asynccontextmanager
async def opened(chain: Anvil) -> AsyncIterator[tuple[Reader, Rpc, AsyncWeb3[Any]]]:
    """Our reader over our client, and beside it a web3 of its own."""
    async with Rpc([Endpoint("anvil", chain.url)], chain.chain_id) as rpc:
        plain = AsyncWeb3(AsyncHTTPProvider(chain.url))
        yield Reader(AsyncWeb3(Provider(rpc))), rpc, plain
        await plain.provider.disconnect()


def with_reader(chain: Anvil, body: Callable[[Reader, Rpc, AsyncWeb3[Any]], Awaitable[T]]) -> T:
    async def main() -> T:
        async with opened(chain) as (reader, rpc, plain):
            return await body(reader, rpc, plain)

    return asyncio.run(main())


def rows_of(*reads: Any) -> Query[tuple[Rows, ...]]:
    return (yield from ask(*reads))


@either
def test_accounts_are_read_together_as_web3_reads_them_one_by_one(aave: AaveMarket) -> None:
    async def body(reader: Reader, rpc: Rpc, plain: AsyncWeb3[Any]) -> None:
        borrowers = await seed(aave, 40)
        block = await reader.head()
        owners = [*borrowers, account("nobody")]
        rows, codes = await reader.run(
            rows_of(one(DATA, aave.pool.address, [(owner,) for owner in owners]), Code((aave.pool.address,))), block
        )
        pool = plain.eth.contract(aave.pool.address, abi=aave.pool.abi)
        truth = [tuple(await pool.functions.getUserAccountData(owner).call()) for owner in owners]
        assert list(rows) == truth
        assert any(row[1] for row in rows) and rows[-1][5] == 2**256 - 1
        assert codes == [(await plain.eth.get_code(aave.pool.address),)]

    with_reader(aave.chain, body)


def test_reserve_data_and_balances_are_those_of_the_packages_own_abi(aave: AaveMarket) -> None:
    async def body(reader: Reader, rpc: Rpc, plain: AsyncWeb3[Any]) -> None:
        block = await reader.head()
        tokens = [reserve.token.address for reserve in aave.reserves.values()]
        listed, symbols, supplies = await reader.run(
            rows_of(
                each("aave_v3/pool.getReservesList", [aave.pool.address]),
                each("erc20/token.symbol", tokens),
                each("aave_v3/token.scaledTotalSupply", [reserve.debt.address for reserve in aave.reserves.values()]),
            ),
            block,
        )
        pool = plain.eth.contract(aave.pool.address, abi=aave.pool.abi)
        assert list(listed[0][0]) == await pool.functions.getReservesList().call()
        assert [symbol for (symbol,) in symbols] == [reserve.symbol for reserve in aave.reserves.values()]
        for reserve, (supply,) in zip(aave.reserves.values(), supplies, strict=True):
            debt = plain.eth.contract(reserve.debt.address, abi=reserve.debt.abi)
            assert supply == await debt.functions.scaledTotalSupply().call()

    with_reader(aave.chain, body)


def test_f20_a_reorganisation_while_a_query_runs_discards_it(v30: AaveMarket) -> None:
    async def body(reader: Reader, rpc: Rpc, plain: AsyncWeb3[Any]) -> None:
        await act.supply(v30, account("alice"), "WETH", 10**18)
        await act.supply(v30, account("bob"), "WETH", 10**18)  # empty blocks would be replaced by the same ones
        block = await reader.head()

        asked = each("aave_v3/pool.getReservesList", [v30.pool.address])

        def query() -> Query[None]:
            yield from ask(asked)
            with ThreadPoolExecutor() as elsewhere:
                elsewhere.submit(asyncio.run, reorg(v30.chain, 2)).result()
            yield from ask(asked)

        with pytest.raises(BlockChanged, match=f"block {block.number}"):
            await reader.run(query(), block)
        again = await reader.head()
        assert (again.number, again.hash == block.hash) == (block.number, False)
        await reader.run(rows_of(asked), again)

    with_reader(v30.chain, body)


def test_a_block_of_the_past_is_read_as_it_was(v36: AaveMarket) -> None:
    async def body(reader: Reader, rpc: Rpc, plain: AsyncWeb3[Any]) -> None:
        alice = account("alice")
        before = await reader.head()
        await act.supply(v36, alice, "WETH", 10**18)
        after = await reader.head()
        asked = one(DATA, v36.pool.address, [(alice,)])
        (then,) = await reader.run(rows_of(asked), before)
        (now,) = await reader.run(rows_of(asked), after)
        assert then[0][0] == 0 < now[0][0]
        assert (await reader.head(before.number)) == before

    with_reader(v36.chain, body)


def test_a_script_sees_what_its_own_calls_wrote_and_nobody_else_does(morpho: MorphoChain) -> None:
    async def body(reader: Reader, rpc: Rpc, plain: AsyncWeb3[Any]) -> None:
        market = morpho.markets["WETH/USDC"]
        borrower = account("borrower")
        await morpho_actions.supply_collateral(morpho, market, borrower, 10**18)
        await morpho_actions.borrow(morpho, market, borrower, 10**6)
        await morpho.chain.advance(30 * 86_400)
        params = market.params
        stored = Call("morpho_blue/morpho.market", morpho.morpho.address, (market.id,))
        accrue = Call("morpho_blue/morpho.accrueInterest", morpho.morpho.address, (params,))
        block = await reader.head()
        outcomes, (aside,) = await reader.run(
            rows_of(
                Script((stored, accrue, stored)),
                one("morpho_blue/morpho.market", morpho.morpho.address, [(market.id,)]),
            ),
            block,
        )
        first, middle, last = outcomes
        assert middle == Outcome((), b"")
        assert first.row == aside  # the batch beside it did not see the accrual
        assert last.row[2] > first.row[2] and last.row[4] == block.timestamp

    with_reader(morpho.chain, body)


def test_f30_real_calls_that_burn_gas_fall_silent_or_return_too_much_hurt_only_themselves(v30: AaveMarket) -> None:
    async def body(reader: Reader, rpc: Rpc, plain: AsyncWeb3[Any]) -> None:
        await v30.chain.rpc("anvil_setCode", BURNER, "0x5b600056")  # JUMPDEST, jump to it for ever
        await v30.chain.rpc("anvil_setCode", SILENT, "0x5f5ffd")  # revert(0, 0)
        await v30.chain.rpc("anvil_setCode", BOMB, "0x626acfc05ff3")  # return(0, 7,000,000)
        await v30.chain.mine()
        owners = [account(f"owner {number}") for number in range(100)]
        await act.supply(v30, owners[70], "WETH", 10**18)
        block = await reader.head()
        asked = one(DATA, v30.pool.address, [(owner,) for owner in owners])
        (truth,) = await reader.run(rows_of(asked), block)

        def query() -> Query[tuple[Any, ...]]:
            answers = yield (*(pairs("erc20/token.decimals", [(bad, ())]) for bad in (BURNER, SILENT, BOMB)), asked)
            return answers

        for _ in range(2):
            burner, silent, bomb, rows = await reader.run(query(), block)
            assert isinstance(burner, CallReverted) and isinstance(silent, CallReverted)
            assert isinstance(bomb, Exception)
            assert rows == truth
        assert truth[70][0] > 0

    with_reader(v30.chain, body)


def test_f31_a_block_before_multicall_was_deployed_is_read_all_the_same(v30: AaveMarket) -> None:
    async def body(reader: Reader, rpc: Rpc, plain: AsyncWeb3[Any]) -> None:
        genesis = await reader.head(0)
        (codes,) = await reader.run(rows_of(Code((v30.pool.address,))), genesis)
        assert codes == [(b"",)]
        (absent,) = await reader.run(rows_of(each("erc20/token.decimals", [v30.pool.address], optional=True)), genesis)
        assert absent == [None]
        with pytest.raises(AnswerError, match="is there a contract"):
            await reader.run(rows_of(each("erc20/token.decimals", [v30.pool.address])), genesis)

    with_reader(v30.chain, body)


def test_f35_hostile_symbols_of_real_tokens_are_short_clean_labels_or_absent(chain: Anvil) -> None:
    async def body(reader: Reader, rpc: Rpc, plain: AsyncWeb3[Any]) -> None:
        tokens = await hostile_tokens(chain)
        addresses: list[ChecksumAddress] = [token.address for token in tokens.values()]
        (rows,) = await reader.run(rows_of(each("erc20/token.symbol", addresses, optional=True)), await reader.head())
        found = dict(zip(tokens, rows, strict=True))
        assert found["bytes32"] == ("MKR",)
        assert found["reverting"] is None and found["long"] is None
        for row in found.values():
            assert row is None or (row[0].isprintable() and len(row[0]) <= 32)

    with_reader(chain, body)


def test_logs_are_those_that_web3_finds(v36: AaveMarket) -> None:
    name = "aave_v3/pool.ReserveUsedAsCollateralEnabled"

    async def body(reader: Reader, rpc: Rpc, plain: AsyncWeb3[Any]) -> None:
        for number in range(5):
            await act.supply(v36, account(f"supplier {number}"), "WETH", 10**18)
        block = await reader.head()
        query = LogQuery((v36.pool.address,), (name,), lambda event: event.args)
        w3 = AsyncWeb3(Provider(rpc))
        ours = [row async for _, rows in logs(w3, query, 0, block.number) for _, row in rows]
        pool = plain.eth.contract(v36.pool.address, abi=v36.pool.abi)
        theirs = await pool.events.ReserveUsedAsCollateralEnabled().get_logs(from_block=0)
        assert ours == [tuple(found["args"].values()) for found in theirs]
        assert len(ours) >= 5
        newest = [row async for _, rows in logs(w3, query, 0, block.number, backward=True) for _, row in rows]
        assert newest == ours[::-1]

    with_reader(v36.chain, body)


def test_one_aggregate_of_full_size_fits_the_local_node(v30: AaveMarket) -> None:
    async def body(reader: Reader, rpc: Rpc, plain: AsyncWeb3[Any]) -> None:
        block = await reader.head()
        before = rpc.requests
        calls = [(account(str(number)),) for number in range(SIZE)]
        (rows,) = await reader.run(rows_of(one("aave_v3/pool.getUserConfiguration", v30.pool.address, calls)), block)
        assert rows == [(0,)] * SIZE
        assert rpc.requests - before == 2  # the calls, and whether the block is still canonical

    with_reader(v30.chain, body)
