"""Kernel facts: chains, and several programs' chains on one hook."""

import pytest

from tests.kernel.site import Site, ipv4_only

pytestmark = pytest.mark.kernel


def target(site: Site, name: str) -> str:
    return f"-j DNAT --to-destination {getattr(site.names, name)}"


def test_return_goes_back_to_the_caller_and_accept_ends_the_hook(site: Site) -> None:
    """Fact 2.22a."""
    site.restore(
        ":SUB - [0:0]",
        "-A SUB -p udp -j RETURN",
        "-A SUB -p tcp -j ACCEPT",
        "-A PREROUTING -j SUB",
        f"-A PREROUTING {target(site, 'server')}",
    )
    assert site.end("udp remote 5 wan 53 eth0") == "forwarded remote 5 server 53 eth1"
    assert site.end("sctp remote 5 wan 53 eth0") == "forwarded remote 5 server 53 eth1"
    assert site.end("tcp remote 5 wan 53 eth0") == "delivered remote 5 wan 53"


def test_goto_does_not_come_back_to_the_chain_that_it_left(site: Site) -> None:
    """Fact 2.22b: at the end of the new chain, or with RETURN, the chain before that goes on."""
    site.restore(
        ":SUB - [0:0]",
        ":LAST - [0:0]",
        "-A LAST -p udp -j RETURN",
        "-A SUB -p sctp -j RETURN",
        "-A SUB -g LAST",
        f"-A SUB {target(site, 'visitor')}",
        "-A PREROUTING -i eth1 -g LAST",
        "-A PREROUTING -j SUB",
        f"-A PREROUTING {target(site, 'server')}",
    )
    for protocol in ("udp", "tcp", "sctp"):
        through_sub = site.end(f"{protocol} remote 5 wan 53 eth0")
        assert through_sub == "forwarded remote 5 server 53 eth1"
        assert site.end(f"{protocol} inside 5 wan 53 eth1") == "delivered inside 5 wan 53"


def test_a_nat_chain_may_drop_by_policy_but_not_by_rule(site: Site) -> None:
    """Fact 2.23: the policy in a text for restore, that is; the command refuses it too."""
    refused = site.refusal("-A PREROUTING -j DROP")
    assert "not intended for filtering" in refused.message
    assert "not intended" in site.run("iptables -t nat -P PREROUTING DROP").output
    site.restore(":PREROUTING DROP [0:0]", f"-A PREROUTING -p udp {target(site, 'server')}")
    assert site.end("udp remote 5 wan 53 eth0") == "forwarded remote 5 server 53 eth1"
    assert site.end("tcp remote 5 wan 53 eth0") == "dropped remote 5 wan 53"


def native(site: Site, priority: int, rule: str) -> None:
    """Have another program register a chain on PREROUTING with one rule."""
    family = site.either("ip", "ip6")
    site.must(
        f"echo 'table {family} theirs {{ chain pre {{"
        f" type nat hook prerouting priority {priority}; {rule}; }}; }}' | nft -f -"
    )


def winner(site: Site) -> str:
    """Return where a packet goes that all chains want to translate."""
    (end,) = site.send("udp remote 5 wan 53 eth0")
    return site.name(end.destination)


@pytest.mark.parametrize(("priority", "expected"), [(-101, "visitor"), (-99, "server")])
def test_the_chain_of_lower_priority_is_asked_first_and_the_first_translation_holds(
    site: Site, priority: int, expected: str
) -> None:
    """Fact 2.24a."""
    native(site, priority, f"dnat to {site.names.visitor}")
    site.restore(f"-A PREROUTING {target(site, 'server')}")
    assert winner(site) == expected


def test_at_equal_priority_the_chain_registered_last_is_asked_first(site: Site) -> None:
    """Fact 2.24b."""
    native(site, -100, f"dnat to {site.names.visitor}")
    site.restore(f"-A PREROUTING {target(site, 'server')}")
    assert winner(site) == "server"
    site.must(f"nft delete table {site.either('ip', 'ip6')} theirs")
    native(site, -100, f"dnat to {site.names.visitor}")
    assert winner(site) == "visitor"


def test_accept_in_one_chain_does_not_keep_the_next_from_being_asked(site: Site) -> None:
    """Fact 2.24c."""
    native(site, -101, "accept")
    site.restore(f"-A PREROUTING {target(site, 'server')}")
    assert winner(site) == "server"
    site.restore("-I PREROUTING 1 -j ACCEPT")
    site.must(f"nft delete table {site.either('ip', 'ip6')} theirs")
    native(site, -99, f"dnat to {site.names.visitor}")
    assert winner(site) == "visitor"


def test_a_full_restore_of_nft_comes_in_front_and_one_of_own_chains_stays_where_it_is(
    site: Site,
) -> None:
    """Fact 2.24d."""
    text = f"*nat\n-A PREROUTING {target(site, 'server')}\nCOMMIT"
    assert site.restored(text, "").status == 0
    native(site, -100, f"dnat to {site.names.visitor}")
    assert winner(site) == "visitor"
    assert site.restored(text, "--noflush").status == 0
    assert winner(site) == "visitor"
    assert site.restored(text, "").status == 0
    assert winner(site) == ("server" if site.is_nft else "visitor")


@ipv4_only
def test_iptables_nft_warns_of_legacy_rules_and_legacy_of_nothing(site: Site) -> None:
    """Fact 2.24e."""
    listing = "iptables-nft -t nat -S; iptables-legacy -t nat -S"
    site.restore("-A PREROUTING -p tcp")
    site.must("iptables-legacy -t nat -A PREROUTING -p udp")
    assert site.must(listing).count("Warning: iptables-legacy tables present") == 1


def test_without_any_nat_chain_nft_stops_translating_and_legacy_goes_on(site: Site) -> None:
    """Fact 2.25: `-X` alone deletes the built-in chains of nft as well, once they are empty."""
    site.load("POST -o eth0 -j SNAT --to-source {wan}")
    probe = "udp inside 5 remote 53 eth1"
    assert site.out(probe) == "wan 5 remote 53 eth0"
    site.must("iptables -t nat -F; iptables -t nat -X NATC-POST")
    assert site.out(probe) == "wan 5 remote 53 eth0"
    site.must("iptables -t nat -X")
    source = "inside" if site.is_nft else "wan"
    assert site.out(probe) == f"{source} 5 remote 53 eth0"
    assert translations(site) == 1
    site.restore(":POSTROUTING ACCEPT [0:0]")
    assert site.out(probe) == "wan 5 remote 53 eth0"


def translations(site: Site) -> int:
    """Return how many connections have a new source."""
    family = site.either("ipv4", "ipv6")
    return len(site.must(f"conntrack -L -f {family} --src-nat 2>/dev/null").splitlines())
