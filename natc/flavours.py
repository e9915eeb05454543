"""The two iptables.  A leaf."""

from enum import StrEnum

from natc.address import Family


class Flavour(StrEnum):
    """Which of the two kernel interfaces the iptables programs use."""

    NFT = "nft"
    LEGACY = "legacy"


PROGRAMS = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
"""The first word of the programs' names."""
