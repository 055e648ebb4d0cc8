"""The simulator: one seed makes the chain, its reorgs, the faults of its endpoints and those of the machine; the watcher is the real one.

What is ours here are the clock, the wires and the chain; `WatchedChain`, `Desk`, `Outbox` and the store run as in ``watcher run``.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from tests.chain.server import FakeClock
from tests.simulation.contracts import COINED, MORPHO, MULTICALL, OWNER
from tests.simulation.invariants import CHAIN, Witness
from tests.simulation.loan import HONEST, Lie
from tests.simulation.mortal import Killed, Mortal, Phone
from tests.simulation.wire import FAILURES, LIES, Gate, line
from tests.simulation.world import BLOCK_TIME, FIRST, PAIRED, View, World, due
from watcher.alerts.message import Subject
from watcher.alerts.outbox import Outbox
from watcher.alerts.plan import LAST_RETRY, Letter, plan
from watcher.config import Chain, Endpoint
from watcher.health.bands import CORRELATED, VOLATILE
from watcher.health.correlated import Group
from watcher.model import Market, PositionKey, Status
from watcher.store import deliveries, recall
from watcher.store import outbox as stored_outbox
from watcher.store.open import open_store
from watcher.watching.chain import WatchedChain
from watcher.watching.desk import Desk
from watcher.watching.letters import StoredLetters
from watcher.watching.policy import Policy
from watcher.watching.turn import Turn

NAME = "testnet"
FINALITY = 64
CALM = 40  # steps without a fault after which nothing may be unknown that the chain can tell
BACK = 1  # blocks before the newest that are looked at again
HOUR = 3_600
GAP = 1_000  # blocks


class Simulation:
    """``await Simulation(seed, folder).run(300)``; any broken invariant is an `AssertionError`. `met` counts what happened.

    Every reading is compared when it is recorded; the newest blocks are recomputed from their words after every `look` steps, all of
    the store after every `thorough` ones and at the end. `journal` is what writes.
    """

    def __init__(
        self, seed: int, folder: Path, *, look: int = 1, thorough: int, journal: type[Mortal] = Mortal
    ) -> None:
        random.seed(seed)  # the client's own jitter
        self.chance = random.Random(seed)
        self.world = World(random.Random(seed + 1), ("eth", "btc", PAIRED))
        self.gates = {f"http://127.0.0.1/{name}": Gate(View(self.world)) for name in ("one", "two", "three")}
        self.db, self.look, self.thorough = folder / "watcher.db", look, thorough
        self.phone = Phone()
        self.clock = FakeClock()
        self.now, self.skew = float(due(FIRST) + 1), 0  # the true time, and how far the machine's clock is from it
        self.met: Counter[str] = Counter()
        self.calm, self.liar, self.jumped = 0, False, 0
        self.kind = journal
        markets = tuple(
            Market(CHAIN, "morpho_blue", f"{NAME}/morpho-blue/{pool.name}", MORPHO, pool.id)
            for pool in self.world.pools
        )
        endpoints = tuple(Endpoint(url.rpartition("/")[2], url) for url in self.gates)
        self.chain = Chain(NAME, CHAIN, endpoints, Decimal(BLOCK_TIME), FINALITY, 10**9, MULTICALL, markets=markets)
        loop = self.world.pools[self.world.names.index(PAIRED)]
        self.group = Group("coins", frozenset({COINED, loop.address("collateral")}))
        keys = tuple(PositionKey(market.name, bytes.fromhex(OWNER[2:])) for market in markets)
        self.witness = Witness(self.world, markets, keys, [self.phone.name])
        self.start()

    def start(self, *, accept: bool = False) -> None:
        """A new process: it knows what is stored, and nothing else."""
        self.journal = self.kind(open_store(self.db, write=True, create=True), [self.phone.name])
        policy = Policy((self.group,), (), VOLATILE, CORRELATED)
        over = line(self.chain, self.gates, self.clock)
        chain = WatchedChain(over, (OWNER,), policy, self.journal, accept=accept, clock=self.wall)
        letters = StoredLetters(self.journal)
        self.outbox = Outbox(letters, [self.phone], self._who, self.wall, self.clock.now)
        self.desk = Desk([chain], [self.phone], self.outbox, clock=self.wall, steady=self.clock.now)
        self.liar = False

    def wall(self) -> float:
        """What the machine takes for the time."""
        return self.now + self.skew

    @staticmethod
    def _who(key: PositionKey) -> Subject:
        return Subject(OWNER)

    async def stop(self) -> None:
        await self.desk.leave()
        self.journal.close()

    async def run(self, blocks: int) -> None:
        """So many blocks of the chain, and then a quiet end at which everything must be in order."""
        try:
            while self.world.head.number < FIRST + blocks + self.jumped:
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
        self._noted()
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
        self.witness.newly(self.db)
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
        elif roll < 0.0904:
            self.jumped += GAP
            self._met("head gaps of 1,000", lambda: self.world.mine(GAP))
        else:
            self.world.mine()
        if self.chance.random() < 0.01:
            self.world.ahead = self.chance.choice([0, 0, 30, 90, 900])
            self.met["times of blocks ahead"] += self.world.ahead > 0
        self._pass(max(1, self.world.head.number - before))

    def _pass(self, blocks: int) -> None:
        self.now = max(self.now + BLOCK_TIME * blocks, float(due(self.world.head.number) + 1))
        self.clock.pass_(float(BLOCK_TIME * blocks))

    def _endpoints(self) -> None:
        """Faults come and go; nonsense costs an endpoint the whole run of a process."""
        self._lies()
        for gate in self.gates.values():
            if gate.fault or gate.view.lag:
                if self.chance.random() < 0.25:
                    gate.fault, gate.view.lag = "", 0
            elif not self._lying and self.chance.random() < 0.01:
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
        if self._lying or any(gate.fault or gate.view.lag for gate in self.gates.values()):
            self.calm = 0
        self.liar = self.liar or any(gate.fault in LIES for gate in self.gates.values())

    @property
    def _lying(self) -> set[Lie]:
        return {gate.view.lie for gate in self.gates.values() if gate.view.lie != HONEST}

    def _lies(self) -> None:
        """One endpoint tells other values at the same blocks: against two, or against one while the third is out of reach."""
        if self._lying:
            if self.chance.random() < 0.2:
                for gate in self.gates.values():
                    gate.view.lie = HONEST
        elif self.chance.random() < 0.006:
            liar, gone, _ = self.chance.sample(list(self.gates.values()), 3)
            lies = (Lie(price=130), Lie(price=60), Lie(debt=50), Lie(debt=180), Lie(price=140, debt=120))
            liar.view.lie = self.chance.choice(lies)
            alone = self.chance.random() < 0.5
            if alone:
                gone.fault, gone.every = "refused", 1
            self.met["lies without a majority" if alone else "lies against two"] += 1

    def _noted(self) -> None:
        """The heads that will be seen while somebody lies about them."""
        if self._lying:
            for gate in self.gates.values():
                block = self.world.at(gate.view.head)
                assert block is not None
                self.world.lies.setdefault(block.hash, set()).update(self._lying)

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
        if self.chance.random() < 0.004:
            self.skew = self.chance.choice([0, -HOUR, HOUR])
            self.met["steps of the clock"] += 1

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
            gate.fault, gate.view.lag, gate.view.lie = "", 0, HONEST
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
        now = int(self.wall())
        waiting = [Letter(*one) for one in deliveries.waiting(store, self.phone.name)]
        seen = deliveries.seen(store, self.phone.name, [one.transition.id for one in waiting])
        assert not plan(waiting, seen, now).send, "it is due, and not told"
        for late in waiting:
            assert late.due - now <= LAST_RETRY, f"{late} waits for a clock that was wrong"
        self.met["messages"] = len(self.phone.said)
        self.met["readings compared when recorded"] = self.witness.seen
        self.met["readings without a majority"] = self.witness.disputed
        self.met["readings of a lone liar, unconfirmed"] = self.witness.lone
