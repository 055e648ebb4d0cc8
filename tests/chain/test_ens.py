"""ENS: a name means one address on Ethereum, or nothing at all and the reason; what it meant before is not forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from ens import AsyncENS  # type: ignore[import-untyped]
from ens.utils import dns_encode_name, normal_name_to_hash  # type: ignore[import-untyped]
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from tests.chain.evm import Evm
from tests.chain.naming import PUBLIC, ZERO, Name, contracts, error
from tests.chain.server import Scripted, serve
from watcher.chain.ens import Pinned, Repointed, address_of, namehash, normal, repointed, wire
from watcher.chain.multicall import CANONICAL
from watcher.chain.provider import web3_over
from watcher.chain.reader import Reader
from watcher.chain.rpc import Rpc
from watcher.errors import AnswerError, CallReverted, Transient, UsageError, WatcherError
from watcher.model import Moment
from watcher.query import Query

ONE = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
TWO = "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"
NOW = 1_700_001_200  # of block 100 of `Scripted`
LOOKUP = "OffchainLookup(address,string[],bytes,bytes4,bytes)"


def ask(names: Mapping[str, Name], name: str, *, multicall: bool = True, script: Scripted | None = None) -> Pinned:
    """What `name` means on a chain with these names."""
    script = script or Scripted(call=Evm(contracts(names)))

    async def run() -> Pinned:
        async with serve(script) as server, Rpc([server.endpoint], 1) as rpc:
            reader = Reader(web3_over(rpc), multicall=CANONICAL if multicall else None)
            block = await reader.head()
            return await reader.run(address_of(normal(name), block), block)

    return asyncio.run(run())


def refused(names: Mapping[str, Name], name: str) -> str:
    with pytest.raises(UsageError) as caught:
        ask(names, name)
    return str(caught.value)


@pytest.mark.parametrize("multicall", [True, False])
@pytest.mark.parametrize("name", ["loop.eth", "cold.loop.eth", "loop.example.com", "🦄.eth"])
def test_a_name_means_its_address(name: str, multicall: bool) -> None:
    assert ask({name: Name(ONE)}, name, multicall=multicall) == Pinned(name, ONE)  # type: ignore[arg-type]


def test_a_name_is_asked_for_in_its_normal_form() -> None:
    assert ask({"loop.eth": Name(ONE)}, " LOOP.eth").name == "loop.eth"


def test_it_takes_one_round_trip() -> None:
    query: Query[Pinned] = address_of("loop.eth", Moment(1, NOW))
    assert len(next(query)) == 3
    with pytest.raises(StopIteration) as end:
        query.send(([(encode(["address"], [ONE]), PUBLIC)], [(PUBLIC,), (ZERO,)], [(NOW + 1,)]))
    assert end.value.value == Pinned("loop.eth", ONE)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["loop.eth", "sub.loop.eth", "loop.example.com"])
def test_the_library_of_web3_answers_the_same(name: str) -> None:
    script = Scripted(call=Evm(contracts({name: Name(TWO)})))
    script.answers["eth_getBlockByNumber"] = script.block(100) | {"timestamp": hex(2**33)}  # type: ignore[operator]  # it refuses old heads

    async def run() -> str:
        async with serve(script) as server, Rpc([server.endpoint], 1) as rpc:
            return str(await AsyncENS.from_web3(web3_over(rpc)).address(name))

    assert asyncio.run(run()) == TWO
    assert ask({name: Name(TWO)}, name).address == TWO


@pytest.mark.parametrize("entry", [Name(ZERO), Name(result=b""), Name(result=bytes(64))])
def test_f59_a_name_without_an_address_is_refused_and_never_the_zero_address(entry: Name) -> None:
    assert refused({"loop.eth": entry}, "loop.eth") == ("loop.eth has no address: none is set; give the address itself")


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (error("ResolverNotContract(bytes,address)", b"x", PUBLIC), "its resolver is not a contract"),
        (error("UnsupportedResolverProfile(bytes4)", b"abcd"), "its resolver knows no addresses"),
        (error("ResolverError(bytes)", b"no"), "its resolver refuses to answer"),
    ],
)
def test_f59_what_the_universal_resolver_reverts_with_is_said_in_words(refusal: bytes, said: str) -> None:
    assert said in refused({"loop.eth": Name(refusal=refusal)}, "loop.eth")


def test_f59_a_name_that_nobody_has_registered_is_refused() -> None:
    assert "it is not registered, or has no resolver; give the address itself" in refused({}, "loop.eth")


@pytest.mark.parametrize("multicall", [True, False])
def test_f64_a_name_that_is_resolved_off_the_chain_is_refused_and_nobody_else_is_asked(multicall: bool) -> None:
    async def run() -> tuple[str, int]:
        async with serve() as gateway:
            lookup = error(LOOKUP, PUBLIC, [gateway.url], b"", b"abcd", b"")
            script = Scripted(call=Evm(contracts({"loop.eth": Name(refusal=lookup)})))
            async with serve(script) as server, Rpc([server.endpoint], 1) as rpc:
                reader = Reader(web3_over(rpc), multicall=CANONICAL if multicall else None)
                block = await reader.head()
                with pytest.raises(UsageError) as caught:
                    await reader.run(address_of("loop.eth", block), block)
                return str(caught.value), gateway.hits

    text, hits = asyncio.run(run())
    assert text.startswith("loop.eth is resolved off the chain, at a server of its owner's choice, which is not asked")
    assert hits == 0


@pytest.mark.parametrize("name", ["loop.eth", "cold.loop.eth"])
def test_f59_an_expired_name_is_refused_although_its_resolver_still_answers(name: str) -> None:
    text = refused({name: Name(ONE, expires=NOW - 1)}, name)
    assert text == f"{name} expired on 2023-11-14 and may soon be someone else's; renew it, or give the address itself"
    assert ask({name: Name(ONE, expires=NOW)}, name).address == ONE


def test_expiry_binds_only_the_names_that_the_old_registry_answers_for() -> None:
    moved = Name(ONE, resolver="0x" + "77" * 20, expires=NOW - 1)
    assert ask({"loop.eth": moved}, "loop.eth").address == ONE
    assert ask({"loop.com": Name(ONE, expires=NOW - 1)}, "loop.com").address == ONE
    assert ask({"loop.eth": Name(ONE, expires=0)}, "loop.eth").address == ONE


def test_whatever_else_goes_wrong_is_not_the_names_fault() -> None:
    with pytest.raises(CallReverted):
        ask({"loop.eth": Name(refusal=error("Error(string)", "paused"))}, "loop.eth")
    for result in (b"\x01", b"\xff" * 32, encode(["address"], [ONE]) + b"\x01"):
        with pytest.raises(AnswerError, match=r"the resolver of loop\.eth answers no address"):
            ask({"loop.eth": Name(result=result)}, "loop.eth")
    with pytest.raises(AnswerError, match="is there a contract at that address"):
        ask({}, "loop.eth", script=Scripted(call=Evm({})))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "eth",
        ".eth",
        "a..eth",
        "a b.eth",
        "loop.eth\u202e",
        "xn--loop.eth",
        "lo_op.eth",
        "p\u0430ypal.eth",
        "x" * 256 + ".eth",
    ],
)
def test_what_can_be_no_name_is_not_asked_for(text: str) -> None:
    with pytest.raises(UsageError, match="is no ENS name"):
        normal(text)


@given(st.text(max_size=20))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        name = normal(text)
    except UsageError:
        return
    assert namehash(name) == bytes(normal_name_to_hash(name))
    assert wire(name) == bytes(dns_encode_name(name))


def test_the_hash_of_a_name_is_that_of_eip_137() -> None:
    assert namehash("eth").hex() == "93cdeb708b7545dc668eb9280176169d1c33cfd8ed6f04690a0bcc88a93fc4ae"
    assert namehash("foo.eth").hex() == "de9b09fd7c5f901e23a3f19fecc54828e9c848539801e86591bd9801b019f84f"


def test_f59_a_name_that_points_elsewhere_is_a_warning_and_the_pinned_address_stays() -> None:
    pins = [Pinned("a.eth", ONE), Pinned("b.eth", ONE), Pinned("c.eth", ONE), Pinned("d.eth", ONE)]  # type: ignore[arg-type]
    now: dict[str, Pinned | WatcherError] = {
        "a.eth": Pinned("a.eth", TWO),  # type: ignore[arg-type]
        "b.eth": Pinned("b.eth", ONE),  # type: ignore[arg-type]
        "c.eth": UsageError("c.eth expired"),
        "d.eth": Transient("node", "no answer"),
    }
    assert repointed(pins, now) == (Repointed(pins[0], TWO), Repointed(pins[2], None, "c.eth expired"))  # type: ignore[arg-type]
    first, second = map(str, repointed(pins, now))
    assert first == f"a.eth now means {TWO}; {ONE}, which it meant before, is still what is watched"
    assert "c.eth has no address any more (c.eth expired)" in second
