"""Asks one endpoint what it can do, with a few small requests. Judges nothing: what is found, errors included, is left in a `Probe`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.chain.codec import decode
from watcher.chain.multicall import TIMESTAMP, Sent, pack, unpack
from watcher.chain.node import Answer
from watcher.chain.rpc import Rpc
from watcher.check.probe import BATCHES, DEPTHS, Head, LogRange, Probe
from watcher.config import Chain
from watcher.errors import AnswerError, EndpointError, RangeTooWide, Transient, WatcherError
from watcher.oracle.feed import NOBODY

FIRST_RANGE: Final = 10_000  # blocks
LAST_RANGE: Final = 100_000
RANGE_PROBES: Final = 5
BELOW_HEAD: Final = 64  # blocks: a load-balanced endpoint may be behind itself
NO_TOPIC: Final = "0x" + "00" * 32  # no event has it: the range is tried, and nothing is sent back


async def look(rpc: Rpc, chain: Chain, probe: Probe, now: Callable[[], float] = time.time) -> None:
    """Fill in `probe` with what `rpc`, a client of this one endpoint, answers. Whenever it is cut off, what is there is right."""
    try:
        probe.identity = await rpc.verify()
    except EndpointError as error:
        probe.identity = error
        return
    probe.head = await head(rpc, now)
    if isinstance(probe.head, EndpointError):
        return
    await multicall(rpc, chain, probe, probe.head)
    await states(rpc, chain, probe, probe.head)
    probe.logs = await log_range(rpc, chain, probe.head)
    await batches(rpc, probe)  # last: it may make the endpoint ask for a pause


async def head(rpc: Rpc, now: Callable[[], float]) -> Head | EndpointError:
    started = time.monotonic()
    try:
        block = await rpc.call("eth_getBlockByNumber", ["latest", False])
    except EndpointError as error:
        return error
    latency = int((time.monotonic() - started) * 1000)
    return Head(int(block["number"], 16), int(block["timestamp"], 16), int(now()), latency)


async def multicall(rpc: Rpc, chain: Chain, probe: Probe, at: Head) -> None:
    """Code at the address, and one aggregate at the head that asks for the block's time."""
    place = chain.multicall3
    if place is None:
        return
    try:
        probe.code = bytes.fromhex((await rpc.call("eth_getCode", [place, hex(at.number)]))[2:])
    except EndpointError as error:
        probe.code = error
        return
    if probe.code:
        probe.clock = await block_time(rpc, place, at)


async def block_time(rpc: Rpc, place: ChecksumAddress, at: Head) -> int | WatcherError:
    data = pack([Sent(place, TIMESTAMP.selector)])
    try:
        answer = await rpc.call("eth_call", [{"to": place, "data": f"0x{data.hex()}"}, hex(at.number)])
        (result,) = unpack(bytes.fromhex(answer[2:]), 1)
        return int(decode(TIMESTAMP, result.data)[0])
    except (EndpointError, AnswerError) as error:
        return error


async def states(rpc: Rpc, chain: Chain, probe: Probe, at: Head) -> None:
    """The balance of some account at a few blocks, the newest first: state that is not kept cannot be answered."""
    starts = [market.start for market in (*chain.markets, *chain.singletons) if market.start]
    early = min(starts, default=1)
    for number in dict.fromkeys((*(at.number - depth for depth in DEPTHS), early)):
        if not 0 < number < at.number:
            continue
        try:
            await rpc.call("eth_getBalance", [subject(chain), hex(number)])
        except EndpointError as error:
            probe.states[number] = error
        else:
            probe.states[number] = None


def subject(chain: Chain) -> ChecksumAddress:
    """A contract that the chain certainly has, where one is configured."""
    return next((market.address for market in (*chain.markets, *chain.singletons)), NOBODY)


async def log_range(rpc: Rpc, chain: Chain, at: Head) -> LogRange | EndpointError:
    """A few ranges that end below the head: ten times as many blocks after an answer, what the refusal names or a tenth after one."""
    last = max(0, at.number - BELOW_HEAD)
    best, refused, reason = 0, None, ""
    size: int = min(FIRST_RANGE, last + 1)
    for _ in range(RANGE_PROBES):
        try:
            await ask_logs(rpc, chain, last - size + 1, last)
        except (RangeTooWide, Transient) as error:
            named = error.suggested if isinstance(error, RangeTooWide) else None
            refused, reason = size, error.reason
            size = named if named is not None and named < size else size // 10
        except EndpointError as error:
            return error if not best else LogRange(best, size, error.reason, False)
        else:
            best = size
            size = min(size * 10, LAST_RANGE, last + 1)
        if size <= best or (refused is not None and best):
            break
    return LogRange(best, refused, reason, best == last + 1)


async def ask_logs(rpc: Rpc, chain: Chain, first: int, last: int) -> Any:
    wanted = {"address": [subject(chain)], "topics": [[NO_TOPIC]], "fromBlock": hex(first), "toBlock": hex(last)}
    return await rpc.call("eth_getLogs", [wanted])


async def shared(rpc: Rpc, number: int, probe: Probe) -> None:
    """The hash of a block that every endpoint should have."""
    try:
        block = await rpc.call("eth_getBlockByNumber", [hex(number), False])
    except EndpointError as error:
        probe.shared = error
    else:
        probe.shared = number, block["hash"].lower()


async def batches(rpc: Rpc, probe: Probe) -> None:
    """Whether so many requests are answered as one array. The client divides what is refused, so its requests are counted."""
    for size in BATCHES:
        before = rpc.sent[probe.endpoint]["batch"]
        answers = await rpc.ask_batch([("eth_blockNumber", [])] * size)
        failure = next((answer for answer in answers if not isinstance(answer, Answer)), None)
        if failure is None and rpc.sent[probe.endpoint]["batch"] != before + 1:
            failure = Transient(probe.endpoint, "refused, smaller ones are answered")
        probe.batches[size] = failure
        if failure is not None:
            return
