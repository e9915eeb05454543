"""Frames are what the protocols say they are."""

import socket
import struct

import pytest

from natc.address import Family
from natc.testlab import frames
from tests.kernel.site import NAMES, packet


def made(family: Family, protocol: str, ports: bool = True) -> bytes:
    names = NAMES[family]
    words = ("40000", "443") if ports else ("-", "-")
    return frames.datagram(
        packet(family, f"{protocol} {names.inside} {words[0]} {names.remote} {words[1]} eth0")
    )


def test_ipv4_headers_have_their_length_and_a_valid_checksum() -> None:
    data = made(Family.IPV4, "tcp")
    assert frames.checksum(data[:20]) == b"\0\0"
    assert struct.unpack_from("!H", data, 2) == (len(data),)
    assert (data[0], data[8], data[9]) == (0x45, 64, 6)
    assert socket.inet_ntop(socket.AF_INET, data[12:16]) == "192.168.3.77"
    assert socket.inet_ntop(socket.AF_INET, data[16:20]) == "198.51.100.7"


def test_ipv6_headers_have_their_length() -> None:
    data = made(Family.IPV6, "udp")
    assert struct.unpack_from("!HBB", data, 4) == (8, 17, 64)
    assert socket.inet_ntop(socket.AF_INET6, data[8:24]) == "fd00:3::77"


@pytest.mark.parametrize("protocol", ["tcp", "udp", "icmpv6", "udplite", "dccp"])
def test_checksums_hold_with_the_pseudo_header(protocol: str) -> None:
    data = made(Family.IPV6, protocol, ports=protocol in {"tcp", "udp"})
    body = data[40:]
    pseudo = data[8:40] + struct.pack("!II", len(body), data[6])
    assert frames.checksum(pseudo + body) == b"\0\0"


def test_icmp_has_no_pseudo_header() -> None:
    assert frames.checksum(made(Family.IPV4, "icmp", ports=False)[20:]) == b"\0\0"


def test_sctp_begins_with_an_init_chunk() -> None:
    body = made(Family.IPV4, "sctp")[20:]
    assert struct.unpack_from("!HH", body) == (40000, 443)
    assert body[12] == 1
    assert len(body) == 32


def test_the_frame_is_for_the_gateway() -> None:
    probe = packet(Family.IPV6, "udp fd00::1 1 fd00::2 2 eth0")
    assert frames.frame(probe)[:14] == frames.GATEWAY_MAC + frames.OUTSIDE_MAC + b"\x86\xdd"
