"""The simulator: one seed makes the chain, its reorgs, the faults of its endpoints and those of the machine; the watcher is the real one.

What is ours here are the clock, the wires and the chain; `WatchedChain`, `Desk`, `Outbox` and the store run as in ``watcher run``.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from eth_utils.address import to_checksum_address

from tests.chain.server import FakeClock
from tests.lending import OWNER
from tests.simulation.invariants import CHAIN, Witness
from tests.simulation.wire import FAILURES, LIES, Gate, line
from tests.simulation.world import BLOCK_TIME, FIRST, View, World
from watcher.alerts.message import Message, Subject
from watcher.alerts.outbox import Outbox
from watcher.config import Chain, Endpoint
from watcher.errors import DeliveryError
from watcher.health.bands import CORRELATED, VOLATILE
from watcher.model import PositionKey, Status
from watcher.store import outbox as stored_outbox
from watcher.store import recall
from watcher.store.open import open_store
from watcher.watching.chain import Turn, WatchedChain
from watcher.watching.desk import Desk
from watcher.watching.journal import Journal
from watcher.watching.letters import StoredLetters
from watcher.watching.policy import Policy

T = TypeVar("T")
NAME = "testnet"
FINALITY = 64
CALM = 40  # steps without a fault after which nothing may be unknown that the chain can tell
BACK = 1  # blocks before the newest that are looked at again


class Killed(BaseException):
    """The machine goes: nothing after this point happens."""


class Mortal(Journal):
    """A journal whose run can end before or after any of its calls."""

    fuse: int | None = None

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        self._burn()
        result = await super().call(function, *args)
        self._burn()
        return result

    def _burn(self) -> None:
        if self.fuse is None:
            return
        self.fuse -= 1
        if self.fuse < 0:
            raise Killed


@dataclass
class Phone:
    """A channel that is out of reach now and then."""

    name: str = "phone"
    away: bool = False
    said: list[Message] = field(default_factory=list)

    async def deliver(self, message: Message) -> None:
        if self.away:
            raise DeliveryError(self.name, "no answer", permanent=False)
        self.said.append(message)


class Simulation:
    """``await Simulation(seed, folder).run(300)``; any broken invariant is an `AssertionError`. `met` counts what happened.

    The newest blocks are looked at after every `look` steps, all of the store after every `thorough` ones and at the end.
    """

    def __init__(self, seed: int, folder: Path, *, look: int = 1, thorough: int) -> None:
        random.seed(seed)  # the client's own jitter
        self.chance = random.Random(seed)
        self.world = World(random.Random(seed + 1), ("eth", "btc", "sol"))
        self.gates = {f"http://127.0.0.1/{name}": Gate(View(self.world)) for name in ("one", "two", "three")}
        self.db, self.look, self.thorough = folder / "watcher.db", look, thorough
        self.phone = Phone()
        self.clock = FakeClock()
        self.wall = float(self.world.head.timestamp + 1)
        self.met: Counter[str] = Counter()
        self.calm, self.liar = 0, False
        multicall = to_checksum_address("0xcA11bde05977b3631167028862bE2a173976CA11")
        markets = tuple(self.world.lending.market(name, NAME, CHAIN) for name in self.world.names)
        endpoints = tuple(Endpoint(url.rpartition("/")[2], url) for url in self.gates)
        self.chain = Chain(NAME, CHAIN, endpoints, Decimal(BLOCK_TIME), FINALITY, 10**9, multicall, markets=markets)
        keys = tuple(PositionKey(market.name, bytes.fromhex(OWNER[2:])) for market in markets)
        self.witness = Witness(self.world, markets, keys, [self.phone.name])
        self.start()

    def start(self, *, accept: bool = False) -> None:
        """A new process: it knows what is stored, and nothing else."""
        self.journal = Mortal(open_store(self.db, write=True, create=True), [self.phone.name])
        policy = Policy((), (), VOLATILE, CORRELATED)
        over = line(self.chain, self.gates, self.clock)
        chain = WatchedChain(over, (OWNER,), policy, self.journal, accept=accept, clock=lambda: self.wall)
        letters = StoredLetters(self.journal)
        self.outbox = Outbox(letters, [self.phone], self._who, lambda: self.wall, self.clock.now)
        self.desk = Desk([chain], [self.phone], self.outbox, clock=lambda: self.wall, steady=self.clock.now)
        self.liar = False

    @staticmethod
    def _who(key: PositionKey) -> Subject:
        return Subject(OWNER)

    async def stop(self) -> None:
        await self.desk.leave()
        self.journal.close()

    async def run(self, blocks: int) -> None:
        """So many blocks of the chain, and then a quiet end at which everything must be in order."""
        try:
            while self.world.head.number < FIRST + blocks:
                await self._step()
            await self._end()
        finally:
            await self.stop()

    async def _step(self) -> None:
        self.calm += 1
        self.met["steps"] += 1
        self._chain()
        self._endpoints()
        await self._machine()
        try:
            turn = await self.desk.turn(NAME)
            await self.outbox.deliver(self.phone)
        except Killed:
            self.met["kills"] += 1
            turn = None
            await self._again()
        if self.desk.stopped:
            self.met["stopped below finality"] += 1
            await self._again(accept=True)
            turn = await self.desk.turn(NAME)
            await self._again()
        self.journal.fuse = None
        self._look(turn)

    def _look(self, turn: Turn | None) -> None:
        """The invariants after a step."""
        head = None if turn is None or turn.error is not None else turn.block
        if self.met["steps"] % self.look == 0:
            self.witness.lately(self.journal.store, head, BACK + self.look)
        if self.met["steps"] % self.thorough == 0:
            self.witness.wholly(self.journal.store, head)
        if turn is None:
            return
        self.met["unknown" if turn.error is not None else "read" if turn.new else "nothing new"] += 1
        self.met["transitions"] += len(turn.transitions)
        if self.calm > CALM and not self.liar:
            self._alive(turn)

    def _alive(self, turn: Turn) -> None:
        """With every endpoint in order for long, the head is read, and only what the chain itself cannot tell is unknown."""
        self.met["calm"] += 1
        world = self.world.head
        assert turn.error is None, f"nothing is wrong, and {turn.error}"
        assert turn.block is not None
        assert turn.block.hash == world.hash, f"the head is {world.number}, not {turn.block.number}"
        if turn.new:
            unknown = sum(one is Status.UNKNOWN for one in turn.statuses)
            assert unknown <= sum(Status.UNKNOWN in loan.statuses for loan in world.loans)
            waiting = stored_outbox.unretracted(self.journal.store, CHAIN)
            assert not [one for one in waiting if one.retracts is None], "what a reorg took away is not taken back"

    def _chain(self) -> None:
        """What the chain does until the next look."""
        roll, before = self.chance.random(), self.world.head.number
        if roll < 0.03:
            self._met("reorgs", lambda: self.world.reorg(self.chance.randint(1, 5), self.chance.randint(-1, 2)))
        elif roll < 0.0305 and before > FIRST + FINALITY + 40:
            self._met("reorgs below finality", lambda: self.world.reorg(FINALITY + self.chance.randint(2, 20), 1))
        elif roll < 0.06:
            self._met("halts", lambda: None)
        elif roll < 0.09:
            self._met("head gaps", lambda: self.world.mine(self.chance.randint(2, 6)))
        else:
            self.world.mine()
        self._pass(max(1, self.world.head.number - before))

    def _pass(self, blocks: int) -> None:
        self.wall = max(self.wall + BLOCK_TIME * blocks, float(self.world.head.timestamp + 1))
        self.clock.pass_(float(BLOCK_TIME * blocks))

    def _endpoints(self) -> None:
        """Faults come and go; a lie costs an endpoint the whole run of a process."""
        for gate in self.gates.values():
            if gate.fault or gate.view.lag:
                if self.chance.random() < 0.25:
                    gate.fault, gate.view.lag = "", 0
            elif self.chance.random() < 0.01:
                gate.every = self.chance.choice([1, 1, 2, 5])
                if self.chance.random() < 0.3:
                    self.met["lags"] += 1
                    gate.view.lag = self.chance.randint(1, 12)
                else:
                    gate.fault = self.chance.choice([*FAILURES, *LIES] if self.chance.random() < 0.3 else FAILURES)
                    self.met[f"fault: {gate.fault}"] += 1
        if self.chance.random() < 0.002:
            self.met["all endpoints down"] += 1
            for gate in self.gates.values():
                gate.fault, gate.every = "refused", 1
        if any(gate.fault or gate.view.lag for gate in self.gates.values()):
            self.calm = 0
        self.liar = self.liar or any(gate.fault in LIES for gate in self.gates.values())

    async def _machine(self) -> None:
        """What becomes of the machine that the watcher runs on."""
        roll = self.chance.random()
        if roll < 0.02:
            self.journal.fuse = self.chance.randint(0, 16)
        elif roll < 0.025:
            self.met["restarts"] += 1
            await self._again()
        elif roll < 0.029:
            self.met["downtimes"] += 1
            await self.stop()
            self.world.mine(self.chance.randint(2, 40))
            if self.chance.random() < 0.4:
                self._met("reorgs", lambda: self.world.reorg(self.chance.randint(1, 30), 1))
            self._pass(40)
            self.start()
        if self.chance.random() < 0.05:
            self.phone.away = not self.phone.away

    async def _again(self, *, accept: bool = False) -> None:
        await self.stop()
        self.start(accept=accept)

    def _met(self, what: str, event: Callable[[], object]) -> None:
        self.met[what] += 1
        event()

    async def _end(self) -> None:
        """Everything works again: the store comes to be the chain's, and everything is told that was to be told."""
        self.phone.away = False
        for gate in self.gates.values():
            gate.fault, gate.view.lag = "", 0
        await self._again()
        self.world.heal()
        for _ in range(20):
            self._pass(1)
            turn = await self.desk.turn(NAME)
            await self.outbox.deliver(self.phone)
            self.world.mine()
        assert turn is not None
        assert turn.error is None
        store = self.journal.store
        self.witness.wholly(store, turn.block)
        assert recall.cursor(store, CHAIN) == turn.block
        blocks = recall.blocks(store, CHAIN)
        assert all(self.world.canonical(block.hash) for block in blocks)
        self.met["blocks stored"] = len(blocks)
        self.met["messages"] = len(self.phone.said)
