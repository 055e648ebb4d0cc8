"""Where a delivery may connect to: public addresses alone, checked on the very address of each connection, whatever name led there."""

from __future__ import annotations

import socket
import sys
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

METADATA: Final = frozenset({IPv4Address("168.63.129.16")})  # a cloud's own service under an address that looks public
TRANSLATED: Final = IPv6Network("64:ff9b::/96")  # NAT64: the last 32 bits are an IPv4 address


def refusal(host: str) -> str | None:
    """Why no connection to the IP address `host` is made, None where it may be. A name is refused: it says nothing about where it leads.

    Loopback, private, shared, link-local, multicast, reserved and metadata addresses, and IPv6 ones that stand for such an IPv4.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "it is no IP address"
    inner = _inner(address)
    if not all(one.is_global and not one.is_multicast and one not in METADATA for one in (address, *inner)):
        return f"{inner[0] if inner else address} is no public address"
    return None


def _inner(address: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    """IPv4 addresses that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in TRANSLATED:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(one for one in found if one is not None)


class Guard:
    """Refuses connections of this process, for good: by Python's own audit of sockets, below every library, redirect and name lookup.

    Meant for a process that does nothing but deliver one message. `refused` says what was.
    """

    def __init__(self) -> None:
        self.refused: list[str] = []

    def stand(self) -> None:
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            return
        where = arguments[1]
        if event == "socket.sendmsg" and where is None:
            return  # on a connection that was checked
        known = arguments[0].family in (socket.AF_INET, socket.AF_INET6)
        why = refusal(str(where[0])) if known else "it is no internet address"
        if why is not None:
            self.refused.append(why)
            raise PermissionError(f"not connected: {why}")
