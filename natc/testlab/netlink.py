"""Requests to the kernel that change something."""

import errno
import os
import socket
import struct

from natc.netlink import (
    ATTRIBUTE,
    HEADER,
    NETFILTER_HEADER,
    NLA_TYPE_MASK,
    NLM_F_ACK,
    NLM_F_REQUEST,
    NLMSG_ERROR,
    ROOM,
    attribute,
    attributes,
    connect,
    messages,
    request,
)
from natc.testlab.errors import LabError

__all__ = [
    "ATTRIBUTE",
    "HEADER",
    "NETFILTER_HEADER",
    "NLA_TYPE_MASK",
    "NLMSG_ERROR",
    "NLM_F_ACK",
    "NLM_F_REQUEST",
    "ROOM",
    "ask",
    "attribute",
    "attributes",
    "connect",
    "demand",
    "messages",
    "request",
]


def ask(kernel: socket.socket, kind: int, flags: int, content: bytes) -> int:
    """Send one request that changes something and return 0 or the error number of the answer."""
    kernel.send(request(kind, flags | NLM_F_ACK, content))
    ((answer, body),) = messages(kernel.recv(ROOM))
    (code,) = struct.unpack_from("=i", body)
    if answer != NLMSG_ERROR:
        raise LabError(f"netlink answered a request with a message of type {answer}")
    return -int(code)


def demand(kernel: socket.socket, kind: int, flags: int, content: bytes) -> None:
    """Send one request that has no reason to fail.

    Raises:
        LabError: it failed.
    """
    code = ask(kernel, kind, flags, content)
    if code:
        raise LabError(f"netlink request {kind}: {errno.errorcode[code]}, {os.strerror(code)}")
