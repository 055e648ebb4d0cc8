from __future__ import annotations

import pytest

from watcher.alerts.egress import refusal


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",  # shared by a provider's customers
        "100.100.100.200",  # a cloud's metadata
        "169.254.169.254",  # metadata
        "168.63.129.16",  # metadata under a public address
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",  # metadata
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:a9fe:a9fe",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
    ],
)
def test_f49_no_private_address_in_any_dress(host: str) -> None:
    assert refusal(host) is not None


@pytest.mark.parametrize(
    "host", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_connected_to(host: str) -> None:
    assert refusal(host) is None


@pytest.mark.parametrize("host", ["localhost", "example.com", "2130706433", "0x7f000001", "127.1", ""])
def test_f49_a_name_is_not_looked_up_here_and_never_passes(host: str) -> None:
    assert refusal(host) == "it is no IP address"
