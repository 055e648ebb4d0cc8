"""A log that is known to be on the chain, and whether an endpoint still returns it. A pruned node answers an old filter with nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from watcher.adapter import Event, LogQuery
from watcher.chain.classify import Oversized, UnknownBlock
from watcher.chain.event import decode_logs, known
from watcher.chain.link import Link
from watcher.chain.log import convert
from watcher.chain.logs import filtered
from watcher.chain.node import Logs
from watcher.errors import AnswerError, RangeTooWide


@dataclass(frozen=True, slots=True)
class Witness:
    """`query` asks for `event` among others."""

    event: Event
    query: LogQuery[Any]

    async def forgotten(self, view: Link) -> str | None:
        """Why one endpoint cannot be believed about blocks from the log's on; None where it returns the very log, by the same filter.

        Raises `EndpointError` where it does not answer: that says nothing about its memory.
        """
        book, number = known(self.query.events), self.event.block
        asked = {**filtered(book, self.query), "fromBlock": hex(number), "toBlock": hex(number)}
        try:
            answer = await view.ask("eth_getLogs", [asked])
            found = decode_logs(book, answer.logs if isinstance(answer, Logs) else convert(answer.value))
        except UnknownBlock as error:
            return f"does not know block {number} ({error.reason})"
        except (RangeTooWide, Oversized) as error:
            return f"does not give the logs of one block ({error.reason})"
        except AnswerError as error:
            return str(error)
        here = any((one.block_hash, one.index) == (self.event.block_hash, self.event.index) for one in found)
        return None if here else f"does not return a log of block {number} that is known to be there"
