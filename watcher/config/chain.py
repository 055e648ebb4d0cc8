"""What is configured, as frozen data: endpoints, correlated groups, chains and the markets on them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from enum import IntEnum
from urllib.parse import urlsplit

from eth_typing import ChecksumAddress

from watcher.chain.endpoint import Endpoint as Server
from watcher.errors import UsageError
from watcher.model import Market


class Origin(IntEnum):
    """Where an endpoint was named, in the order in which endpoints are asked."""

    FLAG = 0  # --rpc
    CHAIN_VARIABLE = 1  # WATCHER_RPC_<chainid>
    FOUNDRY_VARIABLE = 2  # ETH_RPC_URL
    FILE = 3  # the user's own chains file
    SHIPPED = 4  # public endpoints of the packaged file: they learn every address that is asked for


@dataclass(frozen=True, slots=True)
class Endpoint(Server):
    """A server and where it was named. Its `url` may hold a key, so it is in no repr, message or log."""

    origin: Origin = Origin.FILE

    @property
    def announces(self) -> bool:
        """Whether it is a WebSocket: it is told of new heads there, and nothing is read from it."""
        return urlsplit(self.url).scheme in ("ws", "wss")


@dataclass(frozen=True, slots=True)
class Group:
    """Tokens of one chain whose prices move together (ETH and what is redeemable for it). Declared by address, never by symbol."""

    name: str
    tokens: tuple[ChecksumAddress, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """What is known about a configured market besides its address: a label for people and where the row comes from."""

    market: str  # the market's name
    label: str
    source: str


@dataclass(frozen=True, slots=True)
class UsdFeed:
    """A Chainlink feed of a token in US dollars: for totals and second prices, never for a health."""

    token: ChecksumAddress
    feed: ChecksumAddress


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Within how many seconds a feed promises a new round."""

    feed: ChecksumAddress
    seconds: int


@dataclass(frozen=True, slots=True)
class Proxies:
    """Contracts of a chain that know proxies by their owner; None where it has none."""

    ds: ChecksumAddress | None = None  # Maker's ProxyRegistry, of DSProxies
    insta: ChecksumAddress | None = None  # InstaList, of Instadapp accounts


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain and what is watched on it.

    `markets` can be read as they are. `singletons` hold many markets that no call lists (Morpho Blue): their `id` is empty, and
    logs from `start` tell which markets an account has entered. `registries` list their markets by a call; their `id` is empty too.
    `multicall3` is None where the chain has none, `sequencer` (Chainlink's uptime feed) where it needs or has none. `heads` are
    WebSockets that announce new heads and are asked for nothing else.
    """

    name: str
    id: int
    endpoints: tuple[Endpoint, ...]
    block_time: Decimal  # seconds between blocks, on average
    finality: int  # blocks after which a reorganisation is not expected
    stale_head: int  # seconds after which the newest block cannot stand for the present
    multicall3: ChecksumAddress | None
    groups: tuple[Group, ...] = ()
    markets: tuple[Market, ...] = ()
    singletons: tuple[Market, ...] = ()
    notes: tuple[Note, ...] = ()
    heads: tuple[Endpoint, ...] = ()
    registries: tuple[Market, ...] = ()
    sequencer: ChecksumAddress | None = None
    usd: tuple[UsdFeed, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    proxies: Proxies = Proxies()

    def with_endpoint(self, endpoint: Endpoint) -> Chain:
        """The chain with one more endpoint, or WebSocket, placed by its origin, after those of the same origin.

        A name that is taken gets a number: budgets, failures and log limits are kept by name.
        """
        known = self.heads if endpoint.announces else self.endpoints
        taken = {one.name for one in known}
        number = next(n for n in range(1, len(taken) + 2) if numbered(endpoint.name, n) not in taken)
        added = replace(endpoint, name=numbered(endpoint.name, number))
        placed = tuple(sorted((*known, added), key=lambda one: one.origin))
        return replace(self, heads=placed) if endpoint.announces else replace(self, endpoints=placed)

    def note(self, market: str) -> Note:
        """The note on a market of this chain; empty texts where there is none."""
        return next((note for note in self.notes if note.market == market), Note(market, "", ""))


@dataclass(frozen=True, slots=True)
class Config:
    """Every configured chain. `unplaced` are endpoints given without a chain: their own eth_chainId says where they belong."""

    chains: tuple[Chain, ...]
    unplaced: tuple[Endpoint, ...] = ()

    def chain(self, wanted: str | int) -> Chain:
        """A chain by name or id; `UsageError` naming the nearest otherwise."""
        text = str(wanted).strip().lower()
        for chain in self.chains:
            if text in (chain.name, str(chain.id)):
                return chain
        raise UsageError(f"no chain {text!r} is configured; {nearest(text, [chain.name for chain in self.chains])}")

    def market(self, wanted: str) -> Market:
        """A market by name, or by its 32-byte id in hex, alone or after its chain and protocol.

        An id that is not configured becomes a market when a singleton is named before it ("ethereum/morpho-blue/0x…"); whether it
        exists is for the chain to say. Raises `UsageError` naming the nearest.
        """
        head, _, last = wanted.strip().rpartition("/")
        identity = market_id(last)
        found = [m for m in self.markets() if m.name == wanted.strip() or (identity and m.id == identity)]
        found = [m for m in found if m.name == wanted.strip() or not head or m.name.rpartition("/")[0] == head]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            raise UsageError(f"{last} is on several chains; write one of: {', '.join(m.name for m in found)}")
        singletons = [single for chain in self.chains for single in chain.singletons]
        if identity:
            for single in singletons:
                if single.name == head:
                    return replace(single, name=f"{head}/{identity.hex()[:10]}", id=identity)
            raise UsageError(
                f"market id {last} is not known; write its chain before it, as in ethereum/morpho-blue/{last}"
            )
        raise UsageError(f"no market {wanted!r} is configured; {nearest(wanted, [m.name for m in self.markets()])}")

    def markets(self) -> tuple[Market, ...]:
        """All markets of all chains that can be read as they are."""
        return tuple(market for chain in self.chains for market in chain.markets)

    def only(self, wanted: str | int | None) -> Config:
        """The configuration of one chain, or all of it when `wanted` is None."""
        return self if wanted is None else replace(self, chains=(self.chain(wanted),))

    def place(self, endpoint: Endpoint, chain: int) -> Config:
        """`endpoint` given to the chain it says it serves; `UsageError` if that chain is not configured."""
        if chain not in {known.id for known in self.chains}:
            raise UsageError(
                f"{endpoint.name} serves chain {chain}, which is not configured; name a file that has it with --chains"
            )
        chains = tuple(known.with_endpoint(endpoint) if known.id == chain else known for known in self.chains)
        return replace(self, chains=chains, unplaced=tuple(e for e in self.unplaced if e != endpoint))


def numbered(name: str, number: int) -> str:
    """The first of a name stays plain: host, host#2, host#3."""
    return name if number == 1 else f"{name}#{number}"


def market_id(text: str) -> bytes:
    """The 32 bytes that "0x" and 64 hex digits stand for, else nothing."""
    digits = text.removeprefix("0x")
    if len(digits) != 64 or any(c not in "0123456789abcdefABCDEF" for c in digits):
        return b""
    return bytes.fromhex(digits)


def nearest(wanted: str, known: list[str]) -> str:
    """The end of a message about an unknown name: the known ones that end like it or hold it as a part, the closest one, or the choice."""
    short = wanted.strip().lower().strip("/")
    ends = [name for name in known if short and f"/{name.lower()}/".endswith(f"/{short}/")]
    parts = ends or [name for name in known if short and f"/{short}/" in f"/{name.lower()}/"]
    if parts:
        one = "" if len(parts) == 1 else "one of "
        return f"did you mean {one}{', '.join(map(repr, parts[:5]))}{' …' if len(parts) > 5 else '?'}"
    close = get_close_matches(wanted, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known[:12])}{' …' if len(known) > 12 else ''}"
