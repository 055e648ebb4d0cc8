"""A recorded play of many accounts on a Comet: the deeds, and what each left behind, by names instead of addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_abi.abi import decode
from eth_utils.abi import event_abi_to_log_topic
from eth_utils.address import to_checksum_address as checksum

from watcher.errors import CallReverted
from watcher.formula.comet import INDEX_SCALE
from watcher.localchain import comet_actions as do
from watcher.localchain.comet import LocalComet
from watcher.localchain.contract import Receipt
from watcher.localchain.scenario import account, fund

ACTORS = tuple(f"actor {number}" for number in range(8))


async def begin(local: LocalComet) -> None:
    """As after its first block: both indices at one, accrued up to now, and the actors rich."""
    for token in local.tokens.values():
        for name in ACTORS:
            await fund(token, account(name), 10**36, local.comet.address)
    supplied, now = (await local.comet.call("totalsBasic"))[4], await local.chain.timestamp()
    for slot, word in ((0, INDEX_SCALE | INDEX_SCALE << 64), (1, supplied | now << 208)):
        values = ["0x" + number.to_bytes(32, "big").hex() for number in (slot, word)]
        await local.chain.rpc("anvil_setStorageAt", local.comet.address, *values)


async def deed(local: LocalComet, line: list[Any]) -> list[Any]:
    """One line of the play, [seconds later, verb, …]; what its transaction logged, or the error, and the state after."""
    later, verb, *rest = line
    await local.chain.next_timestamp(await local.chain.timestamp() + later)
    if verb == "price":
        symbol, answer = rest
        await local.feeds[symbol].send("set", answer)
        return await state(local)
    try:
        done = await _sent(local, verb, rest)
    except CallReverted as refused:
        return ["0x" + refused.data[:4].hex(), *await state(local)]
    return [_logs(local, done), *await state(local)]


async def _sent(local: LocalComet, verb: str, rest: list[Any]) -> Receipt:
    who, *more = rest
    match verb, more:
        case ("supply" | "withdraw" as name, [symbol, amount]):
            return await local.comet.send(name, local.tokens[symbol].address, amount, sender=account(who))
        case "transfer", [to, symbol, amount]:
            return await do.transfer(local, account(who), account(to), symbol, amount)
        case "absorb", [borrower]:
            return await do.absorb(local, account(who), [account(borrower)])
        case "buy", [symbol, amount]:
            token = local.tokens[symbol].address
            return await local.comet.send("buyCollateral", token, 0, amount, account(who), sender=account(who))
    raise AssertionError(f"unknown deed {verb}")


async def state(local: LocalComet) -> list[Any]:
    """Totals, reserves, and every actor's principal, tracking and assets."""
    calls = [("totalsBasic", ()), ("getReserves", ()), *(("userBasic", (account(name),)) for name in ACTORS)]
    to = local.comet.address
    asked = [{"to": to, "data": "0x" + local.comet.data(name, *args).hex()} for name, args in calls]
    answers = await local.chain.batch([("eth_call", (fields, "latest")) for fields in asked])
    basics, reserves, *users = (
        local.comet.decode(name, bytes.fromhex(answer[2:])) for (name, _), answer in zip(calls, answers, strict=True)
    )
    return [[*basics[:6], basics[7]], reserves, [list(user) for user in users]]


def _logs(local: LocalComet, done: Receipt) -> list[list[Any]]:
    names = _names(local)
    events = {event_abi_to_log_topic(entry).hex(): entry for entry in local.comet.abi if entry["type"] == "event"}  # type: ignore[arg-type]
    found = []
    for log in done.logs:
        if checksum(log["address"]) != local.comet.address:
            continue
        entry = events[log["topics"][0][2:]]
        topics = [names.get(checksum("0x" + topic[-40:]), topic) for topic in log["topics"][1:]]
        plain = [part["type"] for part in entry["inputs"] if not part["indexed"]]
        found.append([entry["name"], *topics, *decode(plain, bytes.fromhex(log["data"][2:]))])
    return found


def _names(local: LocalComet) -> Mapping[str, str]:
    tokens = {str(token.address): symbol for symbol, token in local.tokens.items()}
    return tokens | {str(account(name)): name for name in ACTORS}
