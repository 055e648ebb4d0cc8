"""Names resolved through endpoints: by two where there are two, never by one that another contradicts, never by a stranger's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.chain.evm import Evm
from tests.chain.faults import status
from tests.chain.naming import Name, contracts
from tests.chain.server import Fault, Scripted, honest, serve
from watcher.chain.ens import Pinned
from watcher.config import Chain, Config, Endpoint, Origin
from watcher.errors import ChainError, UsageError, WatcherError
from watcher.library import meant
from watcher.names import ethereum, resolve

ONE = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
TWO = "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"
ETHEREUM = Chain("ethereum", 1, (), Decimal(12), 65, 10**10, None)
BASE = replace(ETHEREUM, name="base", id=8453)
HONEST = {"loop.eth": Name(ONE)}


def node(names: dict[str, Name]) -> Scripted:
    return Scripted(call=Evm(contracts(names)))


def asked(
    nodes: Sequence[Scripted], texts: Sequence[str], faults: Sequence[Fault] = ()
) -> dict[str, Pinned | WatcherError]:
    """What these nodes, as the endpoints of Ethereum, make of `texts`; `faults[i]` is how the i-th answers everything."""

    async def run() -> dict[str, Pinned | WatcherError]:
        always = list(faults) or [honest]
        async with serve(nodes[0], always=always[0]) as first, serve(nodes[-1], always=always[-1]) as second:
            known = (Endpoint("a", first.url), Endpoint("b", second.url))[: len(nodes)]
            return await resolve(replace(ETHEREUM, endpoints=known), texts)

    return asyncio.run(run())


def test_two_endpoints_that_say_the_same_are_believed() -> None:
    found = asked([node(HONEST), node(HONEST)], ["loop.eth", "LOOP.eth", "none.eth", "no name"])
    assert found["loop.eth"] == found["LOOP.eth"] == Pinned("loop.eth", ONE)  # type: ignore[arg-type]
    assert isinstance(found["none.eth"], UsageError)
    assert isinstance(found["no name"], UsageError)


@pytest.mark.parametrize("lie", [Name(TWO), Name()])
def test_two_endpoints_that_differ_leave_a_name_unknown(lie: Name) -> None:
    found = asked([node(HONEST), node({"loop.eth": lie})], ["loop.eth"])["loop.eth"]
    assert isinstance(found, ChainError)
    assert str(found) == "a and b answer differently for loop.eth; give the address itself"


def test_one_endpoint_is_enough_where_the_other_is_down() -> None:
    found = asked([node(HONEST), node(HONEST)], ["loop.eth"], [status(503), honest])
    assert found["loop.eth"] == Pinned("loop.eth", ONE)  # type: ignore[arg-type]


def test_an_endpoint_that_is_down_makes_no_name_wrong() -> None:
    found = asked([node(HONEST)], ["loop.eth"], [status(503)])["loop.eth"]
    assert isinstance(found, WatcherError)
    assert not isinstance(found, UsageError)


def test_nobody_is_asked_for_what_is_no_name() -> None:
    assert isinstance(asyncio.run(resolve(ETHEREUM, ["no name"]))["no name"], UsageError)


def test_names_are_resolved_on_the_first_ethereum_there_is() -> None:
    own = replace(ETHEREUM, endpoints=(Endpoint("own", "https://own.example"),))
    assert ethereum(Config((BASE,)), Config((BASE, own))) == own
    with pytest.raises(UsageError, match="there is no chain 1 here: name one, or give the address itself"):
        ethereum(Config((BASE,)))


def test_whoever_names_an_endpoint_of_their_own_shows_the_name_to_no_other() -> None:
    shipped = Endpoint("public", "https://public.example", Origin.SHIPPED)
    own = Endpoint("own", "https://own.example", Origin.CHAIN_VARIABLE)
    mixed = replace(ETHEREUM, endpoints=(own, shipped))
    assert ethereum(Config((mixed,)), private=True).endpoints == (own,)
    assert ethereum(Config((mixed,))).endpoints == (own, shipped)
    with pytest.raises(UsageError, match="no endpoint of yours serves chain 1"):
        ethereum(Config((replace(ETHEREUM, endpoints=(shipped,)),)), private=True)


def test_addresses_need_no_ethereum_and_a_mistyped_one_is_said_first() -> None:
    assert asyncio.run(meant([ONE.lower(), TWO], Config((BASE,)))) == {ONE.lower(): ONE, TWO: TWO}
    with pytest.raises(UsageError, match="wrong EIP-55 checksum"):
        asyncio.run(meant(["loop.eth", ONE[:-1] + "e"], Config((BASE,))))
