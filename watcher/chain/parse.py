"""Bytes of an answer to JSON values and JSON-RPC envelopes. Refuses what is too deep before any recursive parser sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

DEEPEST = 32  # a block with its transactions and access lists is 6 deep
STRUCTURE = bytes(byte for byte in range(256) if byte not in b'[]{}"\\')
ONE_KIND = bytes.maketrans(b"{}", b"[]")
ESCAPED = re.compile(rb"\\.", re.DOTALL)


class NotJson(ValueError):
    """The bytes are not JSON, or nested too deep to be looked at."""


class NotEnvelope(ValueError):
    """JSON, but nothing that JSON-RPC 2.0 calls a response."""


class BadEnvelope(ValueError):
    """A JSON-RPC response that contradicts its request: wrong id, both a result and an error, or neither."""


def too_deep(body: bytes, deepest: int = DEEPEST) -> bool:
    """Whether brackets outside strings nest deeper than `deepest`; also where more than that many do not close. Linear, recurses nowhere.

    The parser may not be trusted with this: importing web3 raises Python's recursion limit to 100,000, at which msgspec and json end
    the process on `[[[[…`. Each round below removes the innermost pairs, so the number of rounds is the depth.
    """
    if len(body.split(b"[", deepest + 1)) + len(body.split(b"{", deepest + 1)) - 2 <= deepest:
        return False  # not that many brackets, wherever they stand
    if b"\\" in body:
        body = ESCAPED.sub(b"", body)
    bare = body.translate(None, STRUCTURE).replace(b'""', b"")  # two quotes with nothing between them change nothing
    outside = b"".join(bare.split(b'"')[::2]).translate(ONE_KIND)
    for _ in range(deepest):
        if not outside:
            return False
        outside = outside.replace(b"[]", b"")
    return bool(outside)


def decode(body: bytes) -> Any:
    """The JSON value of `body`; raises `NotJson`."""
    if too_deep(body):
        raise NotJson("not JSON, cut short, or nested too deep")
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NotJson("not JSON or cut short") from None


@dataclass(frozen=True, slots=True)
class Fault:
    """The error member of a response. `data` is whatever the endpoint put there."""

    code: int
    message: str
    data: Any = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One response. `fault` is None exactly when there is a result, which may itself be None; `id` is None only beside a fault."""

    id: int | None
    result: Any
    fault: Fault | None


def envelope(value: Any) -> Envelope:
    """Check one response object. A member that is there but null counts as absent beside the other one."""
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise NotEnvelope("the answer is not JSON-RPC 2.0")
    error, result = value.get("error"), value.get("result")
    if error is not None and result is not None:
        raise BadEnvelope("result and error in one answer")
    if error is None and "result" not in value:
        raise BadEnvelope("neither result nor error in the answer")
    asked = value.get("id")
    if asked is not None and type(asked) is not int:
        raise BadEnvelope("the answer's id is not the number that was sent")
    if error is None and asked is None:
        raise BadEnvelope("a result without an id")
    return Envelope(asked, result, None if error is None else fault(error))


def fault(error: Any) -> Fault:
    """The error member, read leniently: some endpoints send a bare text."""
    if not isinstance(error, dict):
        return Fault(0, error if isinstance(error, str) else "an error without a text")
    code, message = error.get("code"), error.get("message")
    return Fault(code if type(code) is int else 0, message if isinstance(message, str) else "", error.get("data"))


def envelopes(value: Any, ids: tuple[int, ...]) -> dict[int, Envelope] | Fault:
    """The responses of a batch by id, whatever their order; ids that are missing are simply not there.

    A single error object, or one without an id, stands for the whole batch. An id that was not sent, or is there twice, is `BadEnvelope`.
    """
    if not isinstance(value, list):
        whole = envelope(value)
        if whole.fault is None:
            raise BadEnvelope("one result for a batch of requests")
        return whole.fault
    found: dict[int, Envelope] = {}
    for item in value:
        one = envelope(item)
        if one.id is None and one.fault is not None:
            return one.fault
        if one.id is None or one.id not in ids or one.id in found:
            raise BadEnvelope("an id in the batch that was not asked, or is there twice")
        found[one.id] = one
    return found
