"""Handing rules to a legacy kernel through libiptc, by way of python-iptables."""

from typing import TYPE_CHECKING

from natc.host.errors import HostError
from natc.host.held import State

if TYPE_CHECKING:
    from natc.host.backends import Hands


def put(hands: "Hands", before: State, after: State) -> None:
    """Have the kernel hold `after` in one family, where it holds `before`.

    Raises:
        HostError: always, so far.
    """
    del hands, before, after
    raise HostError("the backend libiptc is not there yet")
