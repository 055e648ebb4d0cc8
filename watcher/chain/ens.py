"""ENS names to addresses, by questions to Ethereum alone: nothing that a contract names is ever fetched (CCIP-read is off).

A name is normalised (ENSIP-15) and resolved forward by the Universal Resolver. The answer is never the zero address, and a name of the
.eth registrar that has expired has none, although its old resolver still answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from eth_typing import ChecksumAddress, HexAddress, HexStr
from eth_utils.crypto import keccak

from watcher.chain.abi import function
from watcher.chain.codec import decode, encode
from watcher.errors import AnswerError, CallReverted, UsageError, WatcherError
from watcher.model import Moment
from watcher.query import Query, Rows, one

CHAIN: Final = 1  # names are resolved on Ethereum, whatever chain they are asked for


def _fixed(digits: str) -> ChecksumAddress:
    return ChecksumAddress(HexAddress(HexStr(digits)))


UNIVERSAL: Final = _fixed("0xeEeEEEeE14D718C2B47D9923Deab1335E144EeEe")
REGISTRY: Final = _fixed("0x00000000000C2E074eC69A0dFb2997BA6C7d2e1e")
REGISTRAR: Final = _fixed("0x57f1887a8BF19b14fC0dF6Fd9B2acc9Af147eA85")

# Selectors of what the Universal Resolver reverts with (IUniversalResolver.sol, EIP-3668).
OFFCHAIN: Final = bytes.fromhex("556f1830")  # OffchainLookup
NOBODY: Final = {
    bytes.fromhex("77209fe8"): "it is not registered, or has no resolver",  # ResolverNotFound
    bytes.fromhex("1e9535f2"): "its resolver is not a contract",  # ResolverNotContract
    bytes.fromhex("7b1c461b"): "its resolver knows no addresses",  # UnsupportedResolverProfile
    bytes.fromhex("95c0c752"): "its resolver refuses to answer",  # ResolverError
}
INSTEAD: Final = "give the address itself"


@dataclass(frozen=True, slots=True)
class Pinned:
    """The address that a name, in its normal form, meant when it was resolved. What is watched is the address and not the name."""

    name: str
    address: ChecksumAddress


@dataclass(frozen=True, slots=True)
class Repointed:
    """A warning: the name means another address than the one that is pinned, or none (`present` is None; `reason` says why)."""

    pinned: Pinned
    present: ChecksumAddress | None
    reason: str = ""

    def __str__(self) -> str:
        now = f"now means {self.present}" if self.present else f"has no address any more ({self.reason})"
        return f"{self.pinned.name} {now}; {self.pinned.address}, which it meant before, is still what is watched"


def normal(name: str) -> str:
    """The name in its normal form. `UsageError` for what can be no name."""
    from ens.exceptions import ENSException  # type: ignore[import-untyped]
    from ens.utils import normalize_name  # type: ignore[import-untyped]

    try:
        found = str(normalize_name(name.strip()))
    except (ENSException, UnicodeError) as error:
        raise UsageError(f"{name.strip()!r} is no ENS name: {error}") from None
    if len(found) > 255 or "." not in found or not all(found.split(".")):
        raise UsageError(f"{name.strip()!r} is no ENS name")
    return found


def address_of(name: str, at: Moment) -> Query[Pinned]:
    """What a name in its normal form means at the block `at`, in one round trip.

    Raises `UsageError` where the chain says that it means nothing: unset, expired, without a resolver, or resolved off the chain.
    `AnswerError` for an answer that is none.
    """
    labels = name.split(".")
    whole = [namehash(".".join(labels[cut:])) for cut in range(len(labels))]  # the name and all that it is below of
    lookup = wire(name), encode(function("ens/resolver.addr"), [whole[0]])
    answer, resolvers, expiry = yield (
        one("ens/universal_resolver.resolve", UNIVERSAL, [lookup]),
        one("ens/registry.resolver", REGISTRY, [(node,) for node in whole], optional=True),
        one("ens/registrar.nameExpires", REGISTRAR, [(int.from_bytes(keccak(text=labels[-2])),)], optional=True),
    )
    result, resolver = _rows(refusal(name, answer) if isinstance(answer, WatcherError) else answer)[0]
    (expires,) = _rows(expiry)[0] or (0,)
    old = labels[-1] == "eth" and (resolver,) in _rows(resolvers)  # else a later registry than this registrar's answers
    if old and 0 < expires < at.timestamp:
        day = datetime.fromtimestamp(expires, UTC).date()
        raise UsageError(f"{name} expired on {day} and may soon be someone else's; renew it, or {INSTEAD}")
    return Pinned(name, _meant(name, result))


def _rows(answer: Rows | WatcherError) -> Rows:
    if isinstance(answer, WatcherError):
        raise answer
    return answer


def refusal(name: str, error: WatcherError) -> WatcherError:
    """Why there is no address: by what the resolver reverted with, else the error itself."""
    if not isinstance(error, CallReverted):
        return error
    selector = error.data[:4]
    if selector == OFFCHAIN:
        return UsageError(
            f"{name} is resolved off the chain, at a server of its owner's choice, which is not asked; {INSTEAD}"
        )
    if selector in NOBODY:
        return UsageError(f"{name} has no address: {NOBODY[selector]}; {INSTEAD}")
    return error


def _meant(name: str, result: bytes) -> ChecksumAddress:
    if not any(result):
        raise UsageError(f"{name} has no address: none is set; {INSTEAD}")
    try:
        (address,) = decode(function("ens/resolver.addr"), result)
    except AnswerError as error:
        raise AnswerError(f"the resolver of {name} answers no address: {error}") from None
    found: ChecksumAddress = address
    return found


def namehash(name: str) -> bytes:
    """EIP-137, of a name in its normal form."""
    node = bytes(32)
    for label in reversed(name.split(".")):
        node = keccak(node + keccak(text=label))
    return node


def wire(name: str) -> bytes:
    """The name as DNS writes it (RFC 1035, 3.1), with labels of up to 255 bytes."""
    labels = [label.encode() for label in name.split(".")]
    if any(len(label) > 255 for label in labels):
        raise UsageError(f"{name!r} is no ENS name: one of its parts is too long")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def repointed(pinned: Iterable[Pinned], present: Mapping[str, Pinned | WatcherError]) -> tuple[Repointed, ...]:
    """The pins whose names mean something else now. A name that could not be asked for just now gives no warning."""
    found: list[Repointed] = []
    for pin in pinned:
        now: Any = present.get(pin.name)
        if isinstance(now, Pinned) and now.address != pin.address:
            found.append(Repointed(pin, now.address))
        elif isinstance(now, UsageError):
            found.append(Repointed(pin, None, str(now)))
    return tuple(found)
